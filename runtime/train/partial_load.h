// Begins a run with some of the parameters of a file: those whose names and shapes fit.
#pragma once

#include "runtime/train/instance.h"

namespace gradc::runtime {

/// What a file did for the parameters of a model, one line each for people.
struct PartialLoad {
  std::vector<std::string> taken; // names
  std::vector<std::string> left;  // "out.bias: F32[3] here, F32[10] in the file"
};

/// Takes the parameters, and the statistics of the data, that the file has with the same name, type and shape and whose names
/// match one of the patterns, as "hidden.*" (those of a shell); all match where there are none. Throws Error when there is none to
/// take; then nothing has changed.
PartialLoad load_partially(Instance &instance, const std::string &path, const std::vector<std::string> &patterns);

} // namespace gradc::runtime
