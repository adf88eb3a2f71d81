// Models that tests train from start to end: those of examples/ and some that reach what those do not.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace gradc::tests {

struct WholeModel {
  std::string name;
  std::string json;
  int64_t batch; // of the tests
  int64_t steps; // after which the loss has fallen
  bool large = false; // too slow for the interpreter
};

const std::vector<WholeModel> &whole_models();

} // namespace gradc::tests
