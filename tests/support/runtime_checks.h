// What tests of the runtime's files say in one word.
#pragma once

#include "runtime/train/error.h"

#include <string>
#include <vector>

namespace gradc::runtime {

/// What `action` throws.
template <class Action> std::string error_of(const Action &action) {
  try {
    action();
  } catch (const Error &error) {
    return error.what();
  }
  return "no error";
}

/// The values as they lie in memory.
template <class T> std::string bytes_of(std::vector<T> values) {
  return {reinterpret_cast<const char *>(values.data()), values.size() * sizeof(T)};
}

} // namespace gradc::runtime
