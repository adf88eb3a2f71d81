/* Writes arenas as a safetensors file. */
#include "runtime/core/safetensors.h"
#include "runtime/core/write_file.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A text that grows; once memory is out, `data` is null and stays so. */
typedef struct {
  char *data;
  size_t size, room;
} text;

static void append(text *t, const char *bytes, size_t count) {
  if (t->size + count > t->room && t->data) {
    size_t larger = 2 * (t->size + count);
    char *grown = realloc(t->data, larger);
    if (!grown)
      free(t->data);
    t->data = grown;
    t->room = larger;
  }
  if (!t->data)
    return;
  memcpy(t->data + t->size, bytes, count);
  t->size += count;
}

static void append_format(text *t, const char *format, ...) {
  char buffer[64];
  va_list arguments;
  va_start(arguments, format);
  int length = vsnprintf(buffer, sizeof buffer, format, arguments);
  va_end(arguments);
  append(t, buffer, (size_t)length);
}

static void append_string(text *t, const char *s) {
  append(t, "\"", 1);
  for (; *s; ++s) {
    if (*s == '"' || *s == '\\')
      append(t, "\\", 1);
    if ((uint8_t)*s < 0x20)
      append_format(t, "\\u%04x", *s);
    else
      append(t, s, 1);
  }
  append(t, "\"", 1);
}

static void append_pair(text *t, const char *key, const char *value) {
  append_string(t, key);
  append(t, ":", 1);
  append_string(t, value);
}

static int64_t element_bytes(int32_t dtype) {
  return dtype == GRADC_BOOL ? 1 : dtype == GRADC_F32 || dtype == GRADC_I32 ? 4 : 8;
}

/* The order of the reference writer: larger elements first, then by name. */
static int writing_order(const void *left, const void *right) {
  const gradc_tensor *a = *(const gradc_tensor *const *)left, *b = *(const gradc_tensor *const *)right;
  int64_t by_size = element_bytes(b->dtype) - element_bytes(a->dtype);
  return by_size != 0 ? (by_size > 0 ? 1 : -1) : strcmp(a->name, b->name);
}

/* The header with its length in front and, unless null, the optimizer among the metadata, padded so that the data starts on a multiple of 8. */
static text make_header(const gradc_tensor *const *tensors, int32_t count, const char *optimizer,
                        const char *const *metadata) {
  text t = {malloc(4096), 0, 4096};
  append(&t, "\0\0\0\0\0\0\0\0{", 9);
  if (optimizer || (metadata && *metadata)) {
    append_format(&t, "%s", "\"__metadata__\":{");
    if (optimizer)
      append_pair(&t, GRADC_CORE_OPTIMIZER, optimizer);
    for (const char *const *pair = metadata; pair && *pair; pair += 2) {
      append(&t, ",", pair != metadata || optimizer);
      append_pair(&t, pair[0], pair[1]);
    }
    append(&t, count ? "}," : "}", count ? 2 : 1);
  }
  int64_t offset = 0;
  for (int32_t i = 0; i < count; ++i) {
    const gradc_tensor *tensor = tensors[i];
    append_string(&t, tensor->name);
    append_format(&t, ":{\"dtype\":\"%s\",\"shape\":[", gradc_core_dtype_name(tensor->dtype));
    for (int32_t d = 0; d < tensor->rank; ++d)
      append_format(&t, d ? ",%lld" : "%lld", (long long)tensor->dims[d]);
    append_format(&t, "],\"data_offsets\":[%lld,", (long long)offset);
    offset += tensor->bytes;
    append_format(&t, "%lld]}%s", (long long)offset, i + 1 < count ? "," : "");
  }
  append(&t, "}", 1);
  append(&t, "       ", (8 - t.size % 8) % 8);
  uint64_t length = t.size - 8;
  if (t.data)
    memcpy(t.data, &length, sizeof length);
  return t;
}

static int32_t write_tensors(const char *path, const text *header, const gradc_tensor *const *tensors, int32_t count,
                             gradc_core_arenas arenas) {
  gradc_part *parts = malloc(((size_t)count + 1) * sizeof *parts);
  if (!parts)
    return GRADC_OUT_OF_MEMORY;
  parts[0] = (gradc_part){header->data, header->size};
  for (int32_t i = 0; i < count; ++i)
    parts[i + 1] = (gradc_part){gradc_core_memory_of(tensors[i], arenas), (size_t)tensors[i]->bytes};
  int error = gradc_core_write_file(path, parts, (size_t)count + 1, 1);
  free(parts);
  if (error == 0)
    return GRADC_OK;
  errno = error;
  return error == ENOMEM ? GRADC_OUT_OF_MEMORY : GRADC_IO_ERROR;
}

static int metadata_is_sound(const char *const *metadata) {
  for (const char *const *pair = metadata; pair && *pair; pair += 2) {
    if (!pair[1] || strcmp(*pair, GRADC_CORE_OPTIMIZER) == 0)
      return 0;
    for (const char *const *before = metadata; before != pair; before += 2)
      if (strcmp(*before, *pair) == 0)
        return 0;
  }
  return 1;
}

int32_t gradc_core_save(const gradc_model *model, void *const *pointers, int32_t arena_count, const char *path,
                        const char *const *metadata) {
  const gradc_core_arenas arenas = {pointers, arena_count};
  if (!model || !pointers || !path)
    return GRADC_NULL_POINTER;
  if (!metadata_is_sound(metadata))
    return GRADC_BAD_CALL;
  const gradc_tensor **tensors = malloc(((size_t)model->tensor_count + 1) * sizeof *tensors);
  if (!tensors)
    return GRADC_OUT_OF_MEMORY;
  int32_t count = 0;
  for (int32_t i = 0; i < model->tensor_count; ++i) {
    const gradc_tensor *tensor = gradc_tensor_at(model, i);
    if (!gradc_core_memory_of(tensor, arenas))
      continue;
    if (gradc_core_first_unfit(tensor, gradc_core_memory_of(tensor, arenas)) >= 0) {
      free(tensors);
      return GRADC_BAD_VALUE;
    }
    tensors[count++] = tensor;
  }
  qsort(tensors, (size_t)count, sizeof *tensors, writing_order);
  text header = make_header(tensors, count, gradc_core_has_run_state(model, arenas) ? gradc_optimizer(model) : NULL, metadata);
  int32_t status = header.data ? write_tensors(path, &header, tensors, count, arenas) : GRADC_OUT_OF_MEMORY;
  free(header.data);
  free(tensors);
  return status;
}
