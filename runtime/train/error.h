// The user's mistake, as seen by the runtime: a file, a flag or a compiled model that cannot be used.
#pragma once

#include <stdexcept>

namespace gradc::runtime {

/// The message says where, what was expected and what was found. (The runtime does not know ir/error.h.)
struct Error : std::runtime_error {
  using std::runtime_error::runtime_error;
};

} // namespace gradc::runtime
