/* Reads and checks the header of a safetensors file, trusting nothing in it. */
#include "runtime/core/json.h"
#include "runtime/core/safetensors.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const struct {
  const char *name;
  int64_t bits;
} kDtypes[] = {
    {"BOOL", 8},    {"F4", 4},      {"F6_E2M3", 6}, {"F6_E3M2", 6}, {"U8", 8},   {"I8", 8},   {"F8_E5M2", 8},
    {"F8_E4M3", 8}, {"F8_E8M0", 8}, {"I16", 16},    {"U16", 16},    {"F16", 16}, {"BF16", 16}, {"I32", 32},
    {"U32", 32},    {"F32", 32},    {"C64", 64},    {"F64", 64},    {"I64", 64}, {"U64", 64},
};

const char *gradc_core_dtype_name(int32_t dtype) {
  switch (dtype) {
  case GRADC_F32:
    return "F32";
  case GRADC_F64:
    return "F64";
  case GRADC_I32:
    return "I32";
  case GRADC_I64:
    return "I64";
  case GRADC_BOOL:
    return "BOOL";
  default:
    return "?";
  }
}

/* Ends a text that was cut at `end` before its last character where that is not whole, in UTF-8. */
static void drop_part_of_character(char *text, int64_t end) {
  int64_t first = end - 1;
  while (first > 0 && ((uint8_t)text[first] & 0xC0) == 0x80)
    --first;
  if (first < 0)
    return;
  uint8_t lead = (uint8_t)text[first];
  int64_t length = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : lead >= 0xC0 ? 2 : 1;
  if (end - first < length)
    text[first] = '\0';
}

int32_t gradc_core_report(gradc_core_message to, int32_t status, const char *format, ...) {
  if (!to.text || to.bytes <= 0)
    return status;
  va_list arguments;
  va_start(arguments, format);
  int length = vsnprintf(to.text, (size_t)to.bytes, format, arguments);
  va_end(arguments);
  if (length >= to.bytes)
    drop_part_of_character(to.text, to.bytes - 1);
  return status;
}

int gradc_core_read(int file, void *to, int64_t bytes, int64_t offset) {
  char *at = to;
  while (bytes > 0) {
    ssize_t got = pread(file, at, (size_t)bytes, offset);
    if (got < 0 && errno == EINTR)
      continue;
    if (got == 0)
      errno = ENODATA;
    if (got <= 0)
      return 0;
    at += got;
    bytes -= got;
    offset += got;
  }
  return 1;
}

static int64_t dtype_bits(const char *name) {
  for (size_t i = 0; i < sizeof kDtypes / sizeof *kDtypes; ++i)
    if (strcmp(kDtypes[i].name, name) == 0)
      return kDtypes[i].bits;
  return 0;
}

/* [d0, d1, ...]; *elements becomes their product, *fits whether it is below 2^63. */
static int read_shape(gradc_core_json *json, gradc_core_entry *entry, int64_t *elements, int *fits) {
  *elements = 1;
  *fits = 1;
  entry->rank = 0;
  if (!gradc_core_json_expect(json, '[', "'[' and a shape"))
    return 0;
  if (gradc_core_json_accept(json, ']'))
    return 1;
  do {
    int64_t dim = gradc_core_json_size(json);
    if (dim < 0)
      return 0;
    if (entry->rank < GRADC_MAX_RANK)
      entry->dims[entry->rank] = dim;
    ++entry->rank;
    *fits &= !__builtin_mul_overflow(*elements, dim, elements);
  } while (gradc_core_json_accept(json, ','));
  return gradc_core_json_expect(json, ']', "']' after a shape");
}

static int read_offsets(gradc_core_json *json, gradc_core_entry *entry) {
  if (!gradc_core_json_expect(json, '[', "'[' and two offsets"))
    return 0;
  entry->begin = gradc_core_json_size(json);
  gradc_core_json_expect(json, ',', "',' between two offsets");
  entry->end = gradc_core_json_size(json);
  return gradc_core_json_expect(json, ']', "']' after two offsets");
}

/* {"dtype": ..., "shape": [...], "data_offsets": [begin, end]} in any order, each exactly once. */
static int read_entry(gradc_core_json *json, gradc_core_entry *entry) {
  enum { kDtype = 1, kShape = 2, kOffsets = 4, kAll = 7 };
  int seen = 0, fits = 1;
  int64_t elements = 0, bits = 0;
  if (!gradc_core_json_expect(json, '{', "'{' and a tensor's description"))
    return 0;
  do {
    const char *key = gradc_core_json_string(json);
    if (!key || !gradc_core_json_expect(json, ':', "':'"))
      return 0;
    int which = strcmp(key, "dtype") == 0          ? kDtype
                : strcmp(key, "shape") == 0        ? kShape
                : strcmp(key, "data_offsets") == 0 ? kOffsets
                                                   : 0;
    if (which == 0 || (seen & which))
      return gradc_core_json_fail(json, "\"dtype\", \"shape\" and \"data_offsets\", each once");
    seen |= which;
    if (which == kDtype && !(entry->dtype = gradc_core_json_string(json)))
      return 0;
    if (which == kShape && !read_shape(json, entry, &elements, &fits))
      return 0;
    if (which == kOffsets && !read_offsets(json, entry))
      return 0;
  } while (gradc_core_json_accept(json, ','));
  if (!gradc_core_json_expect(json, '}', "'}' after a tensor's description"))
    return 0;
  if (seen != kAll)
    return gradc_core_json_fail(json, "\"dtype\", \"shape\" and \"data_offsets\", each once");
  if ((bits = dtype_bits(entry->dtype)) == 0)
    return gradc_core_json_fail(json, "a dtype of the format");
  if (!fits || __builtin_mul_overflow(elements, bits, &bits) || bits % 8 != 0)
    return gradc_core_json_fail(json, "a shape whose size in bytes is a whole number that fits 63 bits");
  if (entry->begin > entry->end || entry->end - entry->begin != bits / 8)
    return gradc_core_json_fail(json, "offsets that span exactly the shape's bytes");
  return 1;
}

/* {"key": "value", ...} */
static int read_metadata(gradc_core_json *json, gradc_core_index *index) {
  if (!gradc_core_json_expect(json, '{', "'{' and metadata"))
    return 0;
  if (gradc_core_json_accept(json, '}'))
    return 1;
  do {
    const char *key = gradc_core_json_string(json), *value;
    if (!key || !gradc_core_json_expect(json, ':', "':'") || !(value = gradc_core_json_string(json)))
      return 0;
    if (strcmp(key, GRADC_CORE_OPTIMIZER) == 0)
      index->optimizer = value;
  } while (gradc_core_json_accept(json, ','));
  return gradc_core_json_expect(json, '}', "'}' after metadata");
}

/* Room for one more entry in an array that doubles. Null when memory is out. */
static gradc_core_entry *add_entry(gradc_core_index *index, int64_t *room) {
  if (index->count == *room) {
    int64_t larger = *room == 0 ? 64 : 2 * *room;
    void *grown = realloc(index->entries, (size_t)larger * sizeof *index->entries);
    if (!grown)
      return NULL;
    index->entries = grown;
    *room = larger;
  }
  return memset(&index->entries[index->count++], 0, sizeof *index->entries);
}

static int32_t parse_header(gradc_core_json *json, gradc_core_index *index) {
  int64_t room = 0;
  int metadata_seen = 0;
  if (json->begin == json->end || *json->begin != '{')
    gradc_core_json_fail(json, "a header that starts with '{'");
  gradc_core_json_expect(json, '{', "'{'");
  if (!gradc_core_json_accept(json, '}')) {
    do {
      const char *name = gradc_core_json_string(json);
      if (!name || !gradc_core_json_expect(json, ':', "':'"))
        break;
      if (strcmp(name, "__metadata__") == 0) {
        if (metadata_seen++)
          gradc_core_json_fail(json, "\"__metadata__\" only once");
        read_metadata(json, index);
        continue;
      }
      gradc_core_entry *entry = add_entry(index, &room);
      if (!entry)
        return GRADC_OUT_OF_MEMORY;
      entry->name = name;
      read_entry(json, entry);
    } while (gradc_core_json_accept(json, ','));
    gradc_core_json_expect(json, '}', "',' or '}'");
  }
  gradc_core_json_end(json);
  return json->error ? GRADC_BAD_FILE : GRADC_OK;
}

static int by_offset(const void *left, const void *right) {
  const gradc_core_entry *a = left, *b = right;
  if (a->begin != b->begin)
    return a->begin < b->begin ? -1 : 1;
  return (a->end > b->end) - (a->end < b->end);
}

static int by_name(const void *left, const void *right) {
  return strcmp(((const gradc_core_entry *)left)->name, ((const gradc_core_entry *)right)->name);
}

/* The tensors tile [0, bytes) and have different names. Leaves them sorted by name. */
static int32_t check_layout(gradc_core_index *index, int64_t bytes, gradc_core_message message) {
  int64_t end = 0;
  if (index->count > 0)
    qsort(index->entries, (size_t)index->count, sizeof *index->entries, by_offset);
  for (int64_t i = 0; i < index->count; ++i) {
    const gradc_core_entry *e = &index->entries[i];
    if (e->begin != end)
      return gradc_core_report(message, GRADC_BAD_FILE,
                               "tensor '%s': expected to start at byte %lld of the data, where the one before "
                               "ends, found %lld",
                               e->name, (long long)end, (long long)e->begin);
    end = e->end;
  }
  if (end != bytes)
    return gradc_core_report(message, GRADC_BAD_FILE, "expected %lld bytes of tensors after the header, found %lld",
                             (long long)end, (long long)bytes);
  if (index->count > 0)
    qsort(index->entries, (size_t)index->count, sizeof *index->entries, by_name);
  for (int64_t i = 1; i < index->count; ++i)
    if (by_name(&index->entries[i - 1], &index->entries[i]) == 0)
      return gradc_core_report(message, GRADC_BAD_FILE, "tensor '%s' is described twice", index->entries[i].name);
  return GRADC_OK;
}

int32_t gradc_core_index_read(int file, int64_t size, gradc_core_index *index, gradc_core_message message) {
  memset(index, 0, sizeof *index);
  uint64_t length = 0;
  if (size < (int64_t)sizeof length)
    return gradc_core_report(message, GRADC_BAD_FILE, "expected a safetensors file, found only %lld bytes",
                             (long long)size);
  if (!gradc_core_read(file, &length, sizeof length, 0))
    return gradc_core_report(message, GRADC_IO_ERROR, "cannot read: %m");
  if (length > kGradcCoreMaxHeader || (int64_t)length > size - (int64_t)sizeof length)
    return gradc_core_report(message, GRADC_BAD_FILE,
                             "the first 8 bytes announce a header of %llu bytes; expected at most %lld",
                             (unsigned long long)length,
                             (long long)(size - 8 < kGradcCoreMaxHeader ? size - 8 : kGradcCoreMaxHeader));
  index->data = (int64_t)(sizeof length + length);
  if (!(index->header = malloc((size_t)length + 1)))
    return gradc_core_report(message, GRADC_OUT_OF_MEMORY, "no memory for a header of %llu bytes",
                             (unsigned long long)length);
  gradc_core_json json = {index->header, index->header, index->header + length, NULL};
  int32_t status = GRADC_OK;
  if (!gradc_core_read(file, index->header, (int64_t)length, sizeof length))
    status = gradc_core_report(message, GRADC_IO_ERROR, "cannot read the header: %m");
  else if ((status = parse_header(&json, index)) == GRADC_BAD_FILE)
    gradc_core_report(message, status, "header, byte %lld: expected %s", (long long)(json.at - json.begin),
                      json.error);
  else if (status == GRADC_OUT_OF_MEMORY)
    gradc_core_report(message, status, "no memory for the header's tensors");
  else
    status = check_layout(index, size - index->data, message);
  if (status != GRADC_OK)
    gradc_core_index_free(index);
  return status;
}

void gradc_core_index_free(gradc_core_index *index) {
  free(index->entries);
  free(index->header);
  memset(index, 0, sizeof *index);
}
