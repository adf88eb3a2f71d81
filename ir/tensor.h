// A tensor of the reference interpreter: floats as doubles rounded to their dtype, integers and bools as int64. Slow and
// simple on purpose.
#pragma once

#include "ir/type.h"

#include <cstddef>

namespace gradc {

struct Tensor {
  Type type;
  std::vector<double> floats;    // when is_float(type.dtype)
  std::vector<int64_t> integers; // otherwise

  Tensor() = default;
  /// All zero.
  explicit Tensor(Type type);

  /// Element `flat` (row-major) as a double, rounded where it is an integer beyond 2^53.
  double number(int64_t flat) const;
  /// Element `flat`, exactly.
  Number exact(int64_t flat) const;
  /// Sets element `flat`, rounding to the dtype: to nearest f32, wrapped to i32, 0/1 for bool.
  void set(int64_t flat, double value);
  void set_integer(int64_t flat, int64_t value);
  void set_exact(int64_t flat, Number value);

  /// The dense row-major bytes of `type`, and back.
  std::vector<std::byte> to_bytes() const;
  static Tensor from_bytes(Type type, const void *bytes);
};

/// Calls `visit(index)` for every multi-index of `shape`, row-major. Once, with an empty index, for rank 0.
template <typename Visit> void for_each_index(const Shape &shape, Visit visit) {
  if (element_count(shape) == 0)
    return;
  std::vector<int64_t> index(shape.size(), 0);
  for (;;) {
    visit(static_cast<const std::vector<int64_t> &>(index));
    size_t d = shape.size();
    while (d > 0 && ++index[d - 1] == shape[d - 1])
      index[--d] = 0;
    if (d == 0)
      return;
  }
}

/// Row-major position of `index` in `shape`; a dim of extent 1 accepts any index (broadcasting), and extra leading
/// indices are ignored (right alignment).
int64_t flat_index(const Shape &shape, const std::vector<int64_t> &index);

} // namespace gradc
