// Element types, shapes and tensor types. All arithmetic on sizes is checked here and nowhere else.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace gradc {

enum class DType : uint8_t { f32, f64, i32, i64, boolean };

bool is_float(DType);
bool is_integer(DType);             // i32, i64; not bool
int64_t size_of(DType);             // bytes of one element
std::string_view to_string(DType);  // "f32", "bool"
std::optional<DType> parse_dtype(std::string_view);

using Shape = std::vector<int64_t>;

constexpr int64_t kMaxDim = (int64_t{1} << 31) - 1;
constexpr size_t kMaxRank = 8;

/// Throws Error when a dim is negative or over kMaxDim, the rank is over kMaxRank, or the bytes of a tensor of 8-byte
/// elements overflow 2^62.
void check_shape(const Shape &);
/// Number of elements of a checked shape; 1 for rank 0.
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
