// Element types, shapes and tensor types: names, sizes, checks and broadcasting.
#include "ir/type.h"

#include <algorithm>
#include <cmath>

namespace gradc {

bool is_float(DType t) { return t == DType::f32 || t == DType::f64; }
bool is_integer(DType t) { return t == DType::i32 || t == DType::i64; }

int64_t size_of(DType t) {
  switch (t) {
  case DType::f32:
  case DType::i32: return 4;
  case DType::f64:
  case DType::i64: return 8;
  case DType::boolean: return 1;
  }
  throw InternalFault("size_of: unknown dtype");
}

std::string_view to_string(DType t) {
  switch (t) {
  case DType::f32: return "f32";
  case DType::f64: return "f64";
  case DType::i32: return "i32";
  case DType::i64: return "i64";
  case DType::boolean: return "bool";
  }
  throw InternalFault("to_string: unknown dtype");
}

std::optional<DType> parse_dtype(std::string_view text) {
  for (DType t : {DType::f32, DType::f64, DType::i32, DType::i64, DType::boolean})
    if (text == to_string(t))
      return t;
  return std::nullopt;
}

static bool in_range(DType dtype, int64_t integer) {
  switch (dtype) {
  case DType::boolean: return integer == 0 || integer == 1;
  case DType::i32: return integer == static_cast<int32_t>(integer);
  default: return true;
  }
}

Number number_of(DType dtype, Number number) {
  if (is_float(dtype))
    return std::visit([](auto x) { return static_cast<double>(x); }, number);
  auto refuse = [&](std::string why = "") {
    std::string text = std::visit([](auto x) { return std::to_string(x); }, number);
    throw Error(text + " is not a value of " + std::string(to_string(dtype)) + why);
  };
  if (const double *x = std::get_if<double>(&number)) {
    if (*x != std::floor(*x) || std::isinf(*x)) // NaN too
      refuse();
    if (std::abs(*x) > 0x1p53)
      refuse(dtype == DType::i64 ? ": beyond 2^53 it must be written as an integer" : "");
    number = static_cast<int64_t>(*x);
  }
  if (!in_range(dtype, std::get<int64_t>(number)))
    refuse();
  return number;
}

Overflow::Overflow() : Error("a size or position leaves the range of 64 bits") {}

int64_t checked_add(int64_t a, int64_t b) {
  int64_t sum = 0;
  if (__builtin_add_overflow(a, b, &sum))
    throw Overflow();
  return sum;
}

int64_t checked_multiply(int64_t a, int64_t b) {
  int64_t product = 0;
  if (__builtin_mul_overflow(a, b, &product))
    throw Overflow();
  return product;
}

void check_shape(const Shape &shape) {
  if (shape.size() > kMaxRank)
    throw Error("shape " + to_string(shape) + " has rank " + std::to_string(shape.size()) + "; at most " +
                std::to_string(kMaxRank) + " is supported");
  // Empty dims count as one here, so that no partial product of a checked shape overflows either.
  // What a processor can address is 2^47 bytes; up to there, sums over thousands of tensors stay exact too.
  constexpr int64_t max_elements = int64_t{1} << 47;
  int64_t elements = 1;
  for (int64_t dim : shape) {
    if (dim < 0)
      throw Error("shape " + to_string(shape) + " has a negative dimension");
    if (dim > kMaxDim)
      throw Error("shape " + to_string(shape) + " has a dimension over " + std::to_string(kMaxDim));
    int64_t factor = std::max<int64_t>(dim, 1);
    if (elements > max_elements / factor)
      throw Error("shape " + to_string(shape) + " is too large: over 2^47 elements");
    elements *= factor;
  }
}

int64_t element_count(const Shape &shape) {
  int64_t count = 1;
  for (int64_t dim : shape)
    count = checked_multiply(count, dim);
  return count;
}

std::string to_string(const Shape &shape) {
  std::string text = "[";
  for (size_t d = 0; d < shape.size(); ++d)
    text += (d ? "," : "") + std::to_string(shape[d]);
  return text + "]";
}

std::optional<Shape> broadcast_shapes(const Shape &a, const Shape &b) {
  const Shape &longer = a.size() >= b.size() ? a : b;
  const Shape &shorter = a.size() >= b.size() ? b : a;
  Shape result = longer;
  size_t shift = longer.size() - shorter.size();
  for (size_t d = 0; d < shorter.size(); ++d) {
    int64_t &dim = result[shift + d];
    if (dim == 1)
      dim = shorter[d];
    else if (shorter[d] != 1 && shorter[d] != dim)
      return std::nullopt;
  }
  return result;
}

std::string to_string(const Type &type) { return std::string(to_string(type.dtype)) + to_string(type.shape); }

} // namespace gradc
