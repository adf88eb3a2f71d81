/* The safetensors format: 8 bytes of little-endian header length, a JSON header, the tensors' bytes.
 * Facts from the format's description and reference reader (huggingface/safetensors). */
#ifndef GRADC_CORE_SAFETENSORS_H
#define GRADC_CORE_SAFETENSORS_H

#include "runtime/core/core.h"

#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "safetensors are little-endian; this host needs byte swaps"
#endif

#ifdef __cplusplus
extern "C" {
#endif

enum { kGradcCoreMaxHeader = 100000000 };

/* The key of the metadata that says whose the state of an optimizer is; its value is gradc_model.optimizer. */
#define GRADC_CORE_OPTIMIZER "gradc.optimizer"

/* One tensor of a file, as its header declares it. */
typedef struct {
  const char *name;         /* points into the header */
  const char *dtype;        /* the format's name, e.g. "F32" */
  int64_t rank;             /* may exceed GRADC_MAX_RANK; only that many dims are kept */
  int64_t dims[GRADC_MAX_RANK];
  int64_t begin, end;       /* bytes, relative to the end of the header */
} gradc_core_entry;

typedef struct {
  char *header; /* owned */
  gradc_core_entry *entries; /* owned, sorted by name, no name twice */
  int64_t count;
  int64_t data; /* where the tensors' bytes start in the file */
  const char *optimizer; /* the value of GRADC_CORE_OPTIMIZER in the metadata; null: there is none */
} gradc_core_index;

/* The arenas to save or load. */
typedef struct {
  void *const *pointers;
  int32_t count;
} gradc_core_arenas;

/* Where a tensor lies; null when its arena is not among them, or null. */
static inline char *gradc_core_memory_of(const gradc_tensor *tensor, gradc_core_arenas arenas) {
  const int there = tensor->arena >= 0 && tensor->arena < arenas.count && arenas.pointers[tensor->arena];
  return there ? (char *)arenas.pointers[tensor->arena] + tensor->offset : 0;
}

/* Whether state that only going on with a training needs is among them. */
static inline int gradc_core_has_run_state(const gradc_model *model, gradc_core_arenas arenas) {
  int32_t i;
  for (i = 0; i < model->arena_count && i < arenas.count; ++i)
    if (arenas.pointers[i] && gradc_arena_at(model, i)->lifetime == GRADC_LIFE_RUN)
      return 1;
  return 0;
}

/* Where an error text goes: nothing is written when text is null or bytes <= 0. */
typedef struct {
  char *text;
  int64_t bytes;
} gradc_core_message;

/* printf into `to`, cut to fit. Returns `status`. */
GRADC_CORE int32_t gradc_core_report(gradc_core_message to, int32_t status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Reads `bytes` bytes at `offset`; false with errno set (ENODATA at the end of the file) otherwise. */
GRADC_CORE int gradc_core_read(int file, void *to, int64_t bytes, int64_t offset);

/* Reads and checks the header of a file of `size` bytes: lengths, JSON, dtypes, that shapes and offsets agree, that the
 * tensors fill the file without holes or overlaps, and that no name comes twice. On GRADC_OK the caller owns `index`;
 * otherwise there is nothing to free. */
GRADC_CORE int32_t gradc_core_index_read(int file, int64_t size, gradc_core_index *index,
                                         gradc_core_message message);
GRADC_CORE void gradc_core_index_free(gradc_core_index *index);

/* The format's name of an element type of gradc.h, e.g. "F32". */
GRADC_CORE const char *gradc_core_dtype_name(int32_t dtype);

#ifdef __cplusplus
}
#endif

#endif
