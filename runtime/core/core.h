/* What every model.so carries: a thread team, memory, weights files, status texts.
 *
 * C11, needs nothing but libc on Linux, keeps no global that changes, never prints or aborts. All symbols are hidden,
 * so several models and a driver that links the same code can live in one process. */
#ifndef GRADC_CORE_H
#define GRADC_CORE_H

#include "runtime/gradc.h"

#define GRADC_CORE __attribute__((visibility("hidden")))

#ifdef __cplusplus
extern "C" {
#endif

/* A team of `threads` threads, the caller included. Null when threads <= 1 or none could be started; fewer than asked
 * for when the system refuses more. */
GRADC_CORE gradc_team *gradc_core_team_create(int32_t threads);

/* Ends and joins the threads, except in a child of fork, which has none. Null is fine. */
GRADC_CORE void gradc_core_team_destroy(gradc_team *team);

/* How many there are, the caller included; 1 for null. */
GRADC_CORE int32_t gradc_core_team_threads(const gradc_team *team);

/* Runs body(args, scratch, begin, end) over [0, count), split into one contiguous share a thread: the first
 * count % threads shares are one longer, empty shares are not run. Share t gets the scratch that begins t * scratch_bytes
 * after the given one, whichever thread runs it. Returns when all are done; what the bodies wrote is then visible to the
 * caller. One call at a time a team, and bodies may not call it again. A null team runs everything in the caller. */
typedef void gradc_core_body(void *args, void *scratch, int64_t begin, int64_t end);
GRADC_CORE void gradc_core_parallel(gradc_team *team, gradc_core_body *body, void *args, void *scratch,
                                    int64_t scratch_bytes, int64_t count);

/* Zeroed memory, aligned to 64 bytes, from 2 MiB on to huge pages; null when there is none. */
GRADC_CORE void *gradc_core_memory_create(int64_t bytes);

/* Gives it back; `bytes` as it was asked for. Null is fine. */
GRADC_CORE void gradc_core_memory_destroy(void *memory, int64_t bytes);

/* gradc_model.save: on GRADC_IO_ERROR errno tells why, and what stood at `path` before is untouched. */
GRADC_CORE int32_t gradc_core_save(const gradc_model *model, void *const *arenas, int32_t arena_count, const char *path,
                                   const char *const *metadata);

/* gradc_model.load: needs every tensor of the arenas that are not null and ignores others in the file. The whole file
 * is checked and read before the first byte of an arena changes. */
GRADC_CORE int32_t gradc_core_load(const gradc_model *model, void *const *arenas, int32_t arena_count, const char *path,
                                   char *message, int64_t message_bytes);

/* The level of the x86-64 psABI, 1 to 4, whose instructions the processor has and the system lets programs use. */
GRADC_CORE int32_t gradc_core_cpu_level(void);

/* The place of the first of `count` values of `dtype`, I32 or I64, that is not in [0, below); `count` if all are. */
GRADC_CORE int64_t gradc_core_first_outside(const void *values, int32_t dtype, int64_t count, int64_t below);

/* The same where values may be `ignored`, too. */
GRADC_CORE int64_t gradc_core_first_outside_but(const void *values, int32_t dtype, int64_t count, int64_t below, int64_t ignored);

/* An element of F32 or F64 values, aligned or not. */
GRADC_CORE double gradc_core_float_at(const void *values, int32_t dtype, int64_t i);

/* Where floats lie: each in [least, most]; with row > 0 the sum of each row of so many is in [sum_least, sum_most]. */
typedef struct gradc_core_domain {
  double least, most;
  int64_t row;
  double sum_least, sum_most;
} gradc_core_domain;

/* The place of the first of `count` values of `dtype`, F32 or F64, that is outside the domain, or the first of a row whose
 * sum is; `count` if there is none. */
GRADC_CORE int64_t gradc_core_first_outside_domain(const void *values, int32_t dtype, int64_t count,
                                                   const gradc_core_domain *domain);

/* The place of the first element of a tensor that a weights file must not have: a float that is infinite or no number, or one
 * against gradc_tensor.range; -1 if there is none. */
GRADC_CORE int64_t gradc_core_first_unfit(const gradc_tensor *tensor, const void *values);

/* gradc_model.status_message: a static text, never null. */
GRADC_CORE const char *gradc_core_status_message(int32_t status);

#ifdef __cplusplus
}
#endif
#endif
