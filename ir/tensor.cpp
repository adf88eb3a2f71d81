// Rounding, indexing and bytes of the interpreter's tensors.
#include "ir/tensor.h"

#include "ir/error.h"

#include <cstring>

namespace gradc {

Tensor::Tensor(Type t) : type(std::move(t)) {
  auto count = static_cast<size_t>(type.elements());
  if (is_float(type.dtype))
    floats.resize(count);
  else
    integers.resize(count);
}

double Tensor::number(int64_t flat) const {
  auto i = static_cast<size_t>(flat);
  return is_float(type.dtype) ? floats[i] : static_cast<double>(integers[i]);
}

Number Tensor::exact(int64_t flat) const {
  auto i = static_cast<size_t>(flat);
  return is_float(type.dtype) ? Number(floats[i]) : Number(integers[i]);
}

/// Truncated toward zero; the nearest int64 when out of range; 0 for NaN.
static int64_t to_integer(double value) {
  constexpr double limit = 0x1p63;
  if (value != value)
    return 0;
  if (value >= limit)
    return INT64_MAX;
  return value < -limit ? INT64_MIN : static_cast<int64_t>(value);
}

void Tensor::set(int64_t flat, double value) {
  auto i = static_cast<size_t>(flat);
  switch (type.dtype) {
  case DType::f32: floats[i] = static_cast<float>(value); return;
  case DType::f64: floats[i] = value; return;
  case DType::boolean: integers[i] = value != 0; return;
  case DType::i32:
  case DType::i64: set_integer(flat, to_integer(value)); return;
  }
  throw InternalFault("Tensor::set: unknown dtype");
}

void Tensor::set_integer(int64_t flat, int64_t value) {
  auto i = static_cast<size_t>(flat);
  switch (type.dtype) {
  case DType::f32: floats[i] = static_cast<float>(value); return;
  case DType::f64: floats[i] = static_cast<double>(value); return;
  case DType::i32: integers[i] = static_cast<int32_t>(value); return;
  case DType::i64: integers[i] = value; return;
  case DType::boolean: integers[i] = value != 0; return;
  }
  throw InternalFault("Tensor::set_integer: unknown dtype");
}

void Tensor::set_exact(int64_t flat, Number value) {
  if (const int64_t *integer = std::get_if<int64_t>(&value))
    set_integer(flat, *integer);
  else
    set(flat, std::get<double>(value));
}

/// Calls `visit` with a value of the C++ type that elements of this dtype have in memory; a bool is one byte.
template <typename Visit> static void with_element_type(DType dtype, Visit visit) {
  switch (dtype) {
  case DType::f32: return visit(float{});
  case DType::f64: return visit(double{});
  case DType::i32: return visit(int32_t{});
  case DType::i64: return visit(int64_t{});
  case DType::boolean: return visit(uint8_t{});
  }
  throw InternalFault("Tensor: unknown dtype");
}

std::vector<std::byte> Tensor::to_bytes() const {
  std::vector<std::byte> bytes(static_cast<size_t>(type.bytes()));
  with_element_type(type.dtype, [&]<typename T>(T) {
    for (size_t i = 0; i < bytes.size() / sizeof(T); ++i) {
      T element = is_float(type.dtype) ? static_cast<T>(floats[i]) : static_cast<T>(integers[i]);
      std::memcpy(bytes.data() + i * sizeof(T), &element, sizeof(T));
    }
  });
  return bytes;
}

Tensor Tensor::from_bytes(Type type, const void *bytes) {
  Tensor result(std::move(type));
  with_element_type(result.type.dtype, [&]<typename T>(T element) {
    for (int64_t i = 0; i < result.type.elements(); ++i) {
      std::memcpy(&element, static_cast<const std::byte *>(bytes) + static_cast<size_t>(i) * sizeof(T),
                  sizeof(T));
      if constexpr (std::is_floating_point_v<T>)
        result.set(i, element);
      else
        result.set_integer(i, element);
    }
  });
  return result;
}

int64_t flat_index(const Shape &shape, const std::vector<int64_t> &index) {
  internal_check(index.size() >= shape.size(),
                 "flat_index: the index has fewer entries than the tensor has dims");
  size_t ignored = index.size() - shape.size();
  int64_t flat = 0;
  for (size_t d = 0; d < shape.size(); ++d)
    flat = flat * shape[d] + (shape[d] == 1 ? 0 : index[ignored + d]);
  return flat;
}

} // namespace gradc
