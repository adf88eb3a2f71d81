// The two kinds of failure: the user's mistake (Error) and our own (InternalFault). Never confused.
#pragma once

#include <stdexcept>
#include <string>

namespace gradc {

/// Something the user wrote cannot be done. The message says what was expected; `location` is a place in the input
/// such as "/layers/0" (a JSON pointer) or empty.
struct Error : std::runtime_error {
  explicit Error(const std::string &message, std::string location = "")
      : std::runtime_error(message), location(std::move(location)) {}
  std::string location;
};

/// A broken invariant of gradc itself. The driver names the stage and leaves a reproducer.
struct InternalFault : std::logic_error {
  using std::logic_error::logic_error;
};

/// Throws InternalFault unless `condition` holds.
inline void internal_check(bool condition, const char *what) {
  if (!condition)
    throw InternalFault(what);
}
inline void internal_check(bool condition, const std::string &what) { internal_check(condition, what.c_str()); }

} // namespace gradc
