// The arguments of a block in its layers: "$filters" becomes the value that a use of the block gives.
#pragma once

#include "compiler/model/json/diagnostics.h"

#include <map>

namespace gradc {

using Arguments = std::map<std::string, JsonValue, std::less<>>;

/// How much copies of blocks may take together, so that a small file cannot make a huge model.
struct CopyBudget {
  int64_t values = 1'000'000; // JSON values; a long text counts as several

  /// False once it is spent.
  bool take(const JsonValue &);
};

/// A copy of what stands in a block, for one use of it: arguments have their values, and all spans the number `expansion`.
/// Arguments that are not among `arguments` stay as they are. False where the budget is spent, or the copy would be nested
/// deeper than JSON may be.
bool copy_with_arguments(const JsonValue &, const Arguments &arguments, uint32_t expansion, CopyBudget &, JsonValue &copy);

/// The values of the arguments of a resolved block in the first repetition of a layer that uses it, or in another. False after
/// a message.
bool arguments_of_use(const JsonValue &block, const JsonValue &use, const std::string &name, bool first, Arguments &,
                      Diagnostics &);

/// Reports arguments in the layers of a block that it does not have, and those it has and never uses in the block as written,
/// `raw`. False after a message.
bool check_arguments(const std::string &name, const JsonValue &block, const JsonValue &raw, Diagnostics &);

} // namespace gradc
