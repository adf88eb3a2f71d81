// One tensor of a file that holds no examples: the array of an .npy file, or a tensor of a .safetensors file by its name.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace gradc::runtime {

struct FileTensor {
  std::vector<int64_t> shape;
  std::vector<double> values; // row-major, finite
};

/// `name` is that of a tensor of F32 or F64 in a .safetensors file; an .npy file, which may hold any numbers, has no names. Throws
/// Error when the file cannot be read or lacks the tensor, and when a number is not finite.
FileTensor read_tensor(const std::string &path, const std::string &name);

} // namespace gradc::runtime
