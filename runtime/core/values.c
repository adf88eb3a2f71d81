/* Checks values that come from outside: class labels, targets, what a weights file holds. Labels many at a time, as a step of
 * a small model takes a few hundred nanoseconds. */
#include "runtime/core/core.h"

#include <float.h>
#include <string.h>

typedef uint32_t labels32 __attribute__((vector_size(16)));
typedef uint64_t labels64 __attribute__((vector_size(16)));
enum { kBlock = 16 };

/* A value v lies in [0, last] exactly where v | (last - v), wrapping, has no sign. */
static int block32_is_inside(const int32_t *values, uint32_t last) {
  labels32 signs = {0}, v;
  for (size_t i = 0; i < kBlock; i += sizeof v / sizeof *values) {
    memcpy(&v, values + i, sizeof v);
    signs |= v | (last - v);
  }
  return (int32_t)(signs[0] | signs[1] | signs[2] | signs[3]) >= 0;
}

static int block64_is_inside(const int64_t *values, uint64_t last) {
  labels64 signs = {0}, v;
  for (size_t i = 0; i < kBlock; i += sizeof v / sizeof *values) {
    memcpy(&v, values + i, sizeof v);
    signs |= v | (last - v);
  }
  return (int64_t)(signs[0] | signs[1]) >= 0;
}

int64_t gradc_core_first_outside(const void *values, int32_t dtype, int64_t count, int64_t below) {
  int64_t i = 0;
  if (dtype == GRADC_I32) {
    const int32_t *v = values, last = below > INT32_MAX ? INT32_MAX : (int32_t)(below - 1);
    while (count - i >= kBlock && block32_is_inside(v + i, (uint32_t)last))
      i += kBlock;
    while (i < count && v[i] >= 0 && v[i] <= last)
      ++i;
    return i;
  }
  const int64_t *v = values;
  while (count - i >= kBlock && block64_is_inside(v + i, (uint64_t)below - 1))
    i += kBlock;
  while (i < count && v[i] >= 0 && v[i] < below)
    ++i;
  return i;
}

int64_t gradc_core_first_outside_but(const void *values, int32_t dtype, int64_t count, int64_t below, int64_t ignored) {
  const int64_t bytes = dtype == GRADC_I32 ? 4 : 8;
  for (int64_t i = 0;; ++i) {
    i += gradc_core_first_outside((const char *)values + i * bytes, dtype, count - i, below);
    if (i == count)
      return count;
    const int64_t value = dtype == GRADC_I32 ? ((const int32_t *)values)[i] : ((const int64_t *)values)[i];
    if (value != ignored)
      return i;
  }
}

double gradc_core_float_at(const void *values, int32_t dtype, int64_t i) {
  if (dtype == GRADC_F64) {
    double f64;
    memcpy(&f64, (const char *)values + i * 8, sizeof f64);
    return f64;
  }
  float f32;
  memcpy(&f32, (const char *)values + i * 4, sizeof f32);
  return (double)f32;
}

/* As gradc_core_first_outside_domain, for elements alone. No NaN passes these comparisons. */
static int64_t first_beyond(const void *values, int32_t dtype, int64_t count, double least, double most) {
  for (int64_t i = 0; i < count; ++i) {
    const double value = gradc_core_float_at(values, dtype, i);
    if (!(value >= least && value <= most))
      return i;
  }
  return count;
}

int64_t gradc_core_first_outside_domain(const void *values, int32_t dtype, int64_t count, const gradc_core_domain *domain) {
  const int64_t first = first_beyond(values, dtype, count, domain->least, domain->most);
  if (domain->row <= 0)
    return first;
  for (int64_t begin = 0; begin + domain->row <= first; begin += domain->row) {
    double sum = 0;
    for (int64_t i = begin; i < begin + domain->row; ++i)
      sum += gradc_core_float_at(values, dtype, i);
    if (!(sum >= domain->sum_least && sum <= domain->sum_most))
      return begin;
  }
  return first;
}

int64_t gradc_core_first_unfit(const gradc_tensor *tensor, const void *values) {
  if (tensor->dtype != GRADC_F32 && tensor->dtype != GRADC_F64)
    return -1;
  const double least = tensor->range == GRADC_POSITIVE ? DBL_TRUE_MIN : tensor->range == GRADC_NOT_NEGATIVE ? 0 : -DBL_MAX;
  const int64_t count = tensor->bytes / (tensor->dtype == GRADC_F32 ? 4 : 8);
  const int64_t first = first_beyond(values, tensor->dtype, count, least, DBL_MAX);
  return first == count ? -1 : first;
}
