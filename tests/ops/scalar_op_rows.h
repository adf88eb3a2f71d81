// What every scalar operation must give: a reference of its own, written without ir/ and codegen/, and how far from it the
// compiled code may be.
#pragma once

#include "ir/scalar.h"

#include <limits>
#include <span>

namespace gradc::tests {

/// One number for each precision and for targets with and without a fused multiply-add.
struct PerTarget {
  double f32, f32_no_fma, f64, f64_no_fma;
  double of(bool f64_precision, bool fma) const {
    return f64_precision ? (fma ? f64 : f64_no_fma) : fma ? f32 : f32_no_fma;
  }
};

struct FloatRow {
  ScalarOp op;
  PerTarget bound; // in ULP of the result, over all inputs
  double (*in_double)(const double *operands);
  long double (*in_long_double)(const long double *operands);
  PerTarget reach; // the bound holds for |x| up to this; beyond, only |result| <= 1
};
/// Every operation that is defined on floats.
std::span<const FloatRow> float_rows();

__extension__ using Wide = __int128;
struct IntegerRow {
  ScalarOp op;
  Wide (*value)(const Wide *operands); // before it wraps to the dtype
};
/// Every operation that is defined on integers or bools.
std::span<const IntegerRow> integer_rows();

} // namespace gradc::tests
