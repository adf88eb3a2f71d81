/* Loads arenas from a safetensors file: all of it is read and checked aside before the arenas change. */
#include "runtime/core/safetensors.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { kShapeText = 256 };

/* "F32[64,128]" */
static const char *describe(char text[kShapeText], const char *dtype, int64_t rank, const int64_t *dims) {
  int at = snprintf(text, kShapeText, "%s[", dtype);
  for (int64_t i = 0; i < rank && i < GRADC_MAX_RANK; ++i)
    at += snprintf(text + at, (size_t)(kShapeText - at), i ? ",%lld" : "%lld", (long long)dims[i]);
  snprintf(text + at, (size_t)(kShapeText - at), rank > GRADC_MAX_RANK ? ",...]" : "]");
  return text;
}

static int compare_name(const void *name, const void *entry) {
  return strcmp(name, ((const gradc_core_entry *)entry)->name);
}

static int same_shape(const gradc_tensor *tensor, const gradc_core_entry *entry) {
  return strcmp(gradc_core_dtype_name(tensor->dtype), entry->dtype) == 0 && tensor->rank == entry->rank &&
         memcmp(tensor->dims, entry->dims, (size_t)tensor->rank * sizeof *tensor->dims) == 0 &&
         tensor->bytes == entry->end - entry->begin;
}

/* The file's entry for `tensor`, or a report why there is none that fits. */
static int32_t find(const gradc_core_index *index, const gradc_tensor *tensor, const gradc_core_entry **entry,
                    gradc_core_message message) {
  char expected[kShapeText], found[kShapeText];
  describe(expected, gradc_core_dtype_name(tensor->dtype), tensor->rank, tensor->dims);
  *entry = index->count == 0 ? NULL
                             : bsearch(tensor->name, index->entries, (size_t)index->count,
                                       sizeof *index->entries, compare_name);
  if (!*entry)
    return gradc_core_report(message, GRADC_MISMATCH, "tensor '%s': expected %s, the file has no such tensor",
                             tensor->name, expected);
  if (!same_shape(tensor, *entry))
    return gradc_core_report(message, GRADC_MISMATCH, "tensor '%s': expected %s, found %s", tensor->name, expected,
                             describe(found, (*entry)->dtype, (*entry)->rank, (*entry)->dims));
  return GRADC_OK;
}

static int only_zero_and_one(const uint8_t *bytes, int64_t count) {
  uint8_t all = 0;
  for (int64_t i = 0; i < count; ++i)
    all |= bytes[i];
  return all <= 1;
}

static const char *range_text(int32_t range) {
  return range == GRADC_POSITIVE ? " above 0" : range == GRADC_NOT_NEGATIVE ? " of at least 0" : "";
}

/* State of another optimizer may have the same names and shapes, and means nothing here. A file of another program does not
 * say whose its state is. */
static int32_t check_optimizer(const gradc_model *model, const gradc_core_index *index, gradc_core_message message) {
  const char *wanted = gradc_optimizer(model);
  if (!wanted || !index->optimizer || strcmp(wanted, index->optimizer) == 0)
    return GRADC_OK;
  return gradc_core_report(message, GRADC_MISMATCH,
                           "the state is that of the optimizer and its slots '%s', this model has '%s'; the parameters alone can "
                           "be loaded",
                           index->optimizer, wanted);
}

/* Reads every wanted tensor into `staging`, one after the other. */
static int32_t stage(const gradc_model *model, gradc_core_arenas arenas, int file,
                     const gradc_core_index *index, char *staging, gradc_core_message message) {
  for (int32_t i = 0; i < model->tensor_count; ++i) {
    const gradc_tensor *tensor = gradc_tensor_at(model, i);
    const gradc_core_entry *entry;
    if (!gradc_core_memory_of(tensor, arenas))
      continue;
    int32_t status = find(index, tensor, &entry, message);
    if (status != GRADC_OK)
      return status;
    if (!gradc_core_read(file, staging, tensor->bytes, index->data + entry->begin))
      return gradc_core_report(message, GRADC_IO_ERROR, "tensor '%s': cannot read %lld bytes: %m", tensor->name,
                               (long long)tensor->bytes);
    if (tensor->dtype == GRADC_BOOL && !only_zero_and_one((const uint8_t *)staging, tensor->bytes))
      return gradc_core_report(message, GRADC_BAD_FILE, "tensor '%s': expected bytes 0 and 1 in a BOOL tensor",
                               tensor->name);
    const int64_t unfit = gradc_core_first_unfit(tensor, staging);
    if (unfit >= 0)
      return gradc_core_report(message, GRADC_BAD_VALUE, "tensor '%s': element %lld is %g; expected a finite number%s",
                               tensor->name, (long long)unfit, gradc_core_float_at(staging, tensor->dtype, unfit), range_text(tensor->range));
    staging += tensor->bytes;
  }
  return GRADC_OK;
}

static void commit(const gradc_model *model, gradc_core_arenas arenas, const char *staging) {
  for (int32_t i = 0; i < model->tensor_count; ++i) {
    const gradc_tensor *tensor = gradc_tensor_at(model, i);
    if (!gradc_core_memory_of(tensor, arenas))
      continue;
    memcpy(gradc_core_memory_of(tensor, arenas), staging, (size_t)tensor->bytes);
    staging += tensor->bytes;
  }
}

static int32_t load_from(const gradc_model *model, gradc_core_arenas arenas, int file,
                         gradc_core_message message) {
  struct stat info;
  if (fstat(file, &info) != 0)
    return gradc_core_report(message, GRADC_IO_ERROR, "cannot read: %m");
  if (!S_ISREG(info.st_mode))
    return gradc_core_report(message, GRADC_IO_ERROR, "expected a regular file");
  int64_t bytes = 0;
  for (int32_t i = 0; i < model->tensor_count; ++i)
    if (gradc_core_memory_of(gradc_tensor_at(model, i), arenas))
      bytes += gradc_tensor_at(model, i)->bytes;
  gradc_core_index index;
  int32_t status = gradc_core_index_read(file, info.st_size, &index, message);
  if (status != GRADC_OK)
    return status;
  char *staging = malloc((size_t)bytes + 1);
  if (gradc_core_has_run_state(model, arenas))
    status = check_optimizer(model, &index, message);
  if (status != GRADC_OK)
    ;
  else if (!staging)
    status = gradc_core_report(message, GRADC_OUT_OF_MEMORY, "no memory to read %lld bytes aside",
                               (long long)bytes);
  else if ((status = stage(model, arenas, file, &index, staging, message)) == GRADC_OK)
    commit(model, arenas, staging);
  free(staging);
  gradc_core_index_free(&index);
  return status;
}

int32_t gradc_core_load(const gradc_model *model, void *const *arenas, int32_t arena_count, const char *path,
                        char *message_text, int64_t message_bytes) {
  gradc_core_message message = {message_text, message_bytes};
  gradc_core_report(message, GRADC_OK, "%s", "");
  if (!model || !arenas || !path)
    return gradc_core_report(message, GRADC_NULL_POINTER, "model, arenas and path must not be null");
  int file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* not to wait for the writer of a pipe */
  if (file < 0)
    return gradc_core_report(message, GRADC_IO_ERROR, "cannot open: %m");
  int32_t status = load_from(model, (gradc_core_arenas){arenas, arena_count}, file, message);
  close(file);
  return status;
}
