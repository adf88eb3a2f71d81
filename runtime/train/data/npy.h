// NumPy's .npy format, versions 1 to 3: booleans, integers and floats of every size, of either byte order, in C or Fortran
// order, also as Python 2 wrote it. The header is read by a strict parser; nothing is evaluated. Format: numpy/lib/format.py.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace gradc::runtime {

class NpyArray {
public:
  /// Takes the bytes of the file; `name` is what messages call it. Throws Error when it is malformed, truncated, of another
  /// dtype, zero-dimensional or empty.
  NpyArray(std::string name, std::string bytes);

  const std::string &name() const { return name_; }
  const std::vector<int64_t> &shape() const { return shape_; }
  int64_t rows() const { return shape_[0]; }
  int64_t row_elements() const;

  /// Element `index` in row-major order; may be NaN or infinite. Integers beyond 2^53 are rounded.
  double value(int64_t index) const;

private:
  void set_type(const std::string &descr);
  /// Where element `index` in row-major order stands in the file.
  int64_t position(int64_t index) const;

  std::string name_, bytes_;
  size_t data_ = 0;
  char kind_ = 'f'; // b: boolean, i: signed, u: unsigned, f: floating-point
  size_t size_ = 0; // bytes of an element
  bool swapped_ = false, fortran_order_ = false;
  std::vector<int64_t> shape_;
};

/// A version 1 file of C-ordered `data`, dtype one of gradc.h.
std::string npy_file(int32_t dtype, const std::vector<int64_t> &shape, std::string_view data);

} // namespace gradc::runtime
