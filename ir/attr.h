// Attributes of ops: values, and the schema an op declares for them.
#pragma once

#include "ir/type.h"

#include <map>
#include <variant>

namespace gradc {

using AttrValue = std::variant<int64_t, double, bool, std::string, std::vector<int64_t>, std::vector<double>>;
/// The order is that of AttrValue. A number, or a list of them, is of the dtype that the result is declared with, or else
/// of that of operand 0, and is kept as that dtype has it: as integers where it is one of integers or bools.
enum class AttrKind : uint8_t { integer, number, boolean, string, integers, numbers };

inline AttrValue attr_value(Number number) {
  return std::visit([](auto x) { return AttrValue(x); }, number);
}

/// Sorted by name, so equal attributes print and hash alike.
using Attrs = std::map<std::string, AttrValue, std::less<>>;

/// One attribute an op accepts. Without a default it is required, unless it is optional: then it may be absent.
struct AttrSpec {
  std::string_view name;
  AttrKind kind;
  std::string_view doc;
  std::optional<AttrValue> default_value = std::nullopt;
  bool optional = false;
};

} // namespace gradc
