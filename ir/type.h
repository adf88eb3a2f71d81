// Element types, numbers, shapes and tensor types. Sizes and positions are calculated with the checked arithmetic of this
// file.
#pragma once

#include "ir/error.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace gradc {

enum class DType : uint8_t { f32, f64, i32, i64, boolean };

bool is_float(DType);
bool is_integer(DType);             // i32, i64; not bool
int64_t size_of(DType);             // bytes of one element
std::string_view to_string(DType);  // "f32", "bool"
std::optional<DType> parse_dtype(std::string_view);

/// A number of any dtype: an integer, exactly, of the integer dtypes and bool, a double of the others.
using Number = std::variant<int64_t, double>;
/// `number` as one of `dtype`. Throws Error where there is none: 0.5 or 2^40 as an i32, or an i64 beyond 2^53 that was
/// a double on its way and may have been rounded.
Number number_of(DType dtype, Number number);

/// A size or position leaves the range of 64 bits.
struct Overflow : Error {
  Overflow();
};
/// Throw Overflow.
int64_t checked_add(int64_t, int64_t);
int64_t checked_multiply(int64_t, int64_t);

using Shape = std::vector<int64_t>;

constexpr int64_t kMaxDim = (int64_t{1} << 31) - 1;
constexpr size_t kMaxRank = 8;

/// Throws Error when a dim is negative or over kMaxDim, the rank is over kMaxRank, or there are over 2^47 elements,
/// dims of 0 counted as 1.
void check_shape(const Shape &);
/// Number of elements; 1 for rank 0. Cannot overflow for a checked shape, throws Overflow for other lists of extents.
int64_t element_count(const Shape &);
/// "[32,784]"; "[]" for rank 0.
std::string to_string(const Shape &);
/// NumPy broadcasting of two shapes, right-aligned; nullopt when they do not fit.
std::optional<Shape> broadcast_shapes(const Shape &, const Shape &);

struct Type {
  DType dtype = DType::f32;
  Shape shape;

  int64_t elements() const { return element_count(shape); }
  int64_t bytes() const { return elements() * size_of(dtype); }
  size_t rank() const { return shape.size(); }
  friend bool operator==(const Type &, const Type &) = default;
};
/// "f32[32,784]".
std::string to_string(const Type &);

} // namespace gradc
