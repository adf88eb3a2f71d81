// NumPy's .npy format, versions 1 to 3: little-endian f4 f8 i4 i8, u1 and b1 in C order. The header is read by a
// strict parser; nothing is evaluated. Format: numpy/lib/format.py.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace gradc::runtime {

class NpyArray {
public:
  /// Takes the bytes of the file; its path is for messages. Throws Error when it is malformed, truncated, in Fortran
  /// order, of another dtype, zero-dimensional or empty.
  NpyArray(const std::string &path, std::string bytes);

  const std::vector<int64_t> &shape() const { return shape_; }
  int64_t rows() const { return shape_[0]; }
  int64_t row_elements() const;

  /// Element `index` in row-major order; may be NaN or infinite.
  double value(int64_t index) const;

private:
  std::string bytes_;
  size_t data_ = 0;
  std::string type_; // "f4", ...
  std::vector<int64_t> shape_;
};

/// A version 1 file of C-ordered `data`, dtype one of gradc.h.
std::string npy_file(int32_t dtype, const std::vector<int64_t> &shape, std::string_view data);

} // namespace gradc::runtime
