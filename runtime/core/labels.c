/* Checks class labels, which come from outside, many at a time: a step of a small model takes a few hundred nanoseconds. */
#include "runtime/core/core.h"

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
