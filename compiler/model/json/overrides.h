// Values given on the command line that replace values of the model file.
#pragma once

#include "compiler/model/json/diagnostics.h"

#include <functional>

namespace gradc {

/// "path.in.model=value", a source of its own, so that later errors point into it.
struct Override {
  struct Key {
    std::string text;
    Span span;
  };
  std::vector<Key> keys;
  JsonValue value;
  bool applied = false; // or wrong, which is reported
};

/// Reports what is none.
Override parse_override(const std::string &text, Diagnostics &);

/// Does the key of an object lead to something that is made of the object later?
using IsLater = std::function<bool(const JsonValue &object, std::string_view key)>;

/// Applies what follows the first `done` keys of the override to `root`. Reports paths that do not exist. It stays unapplied
/// where its path leads through a key that `is_later`.
void apply_override(JsonValue &root, Override &, size_t done, const IsLater &is_later, Diagnostics &);

} // namespace gradc
