/* A scanner for the JSON of a safetensors header: strict, in place, without recursion or allocation.
 * After the first mistake every call fails and `error` says what was expected. */
#ifndef GRADC_CORE_JSON_H
#define GRADC_CORE_JSON_H

#include "runtime/core/core.h"

typedef struct {
  char *begin, *at, *end; /* the text; strings are decoded where they stand */
  const char *error;      /* null while all is well */
} gradc_core_json;

/* Skips white space; true and past it when the next character is `wanted`. Not finding it is no mistake. */
GRADC_CORE int gradc_core_json_accept(gradc_core_json *json, char wanted);

/* As accept, but not finding it is the mistake `error`. */
GRADC_CORE int gradc_core_json_expect(gradc_core_json *json, char wanted, const char *error);

/* A string as NUL-terminated UTF-8; null on a mistake. A string that holds U+0000 is one. */
GRADC_CORE const char *gradc_core_json_string(gradc_core_json *json);

/* A whole number in [0, INT64_MAX] without sign, fraction, exponent or leading zeros; -1 on a mistake. */
GRADC_CORE int64_t gradc_core_json_size(gradc_core_json *json);

/* Skips white space; anything but the end of the text after it is a mistake. */
GRADC_CORE int gradc_core_json_end(gradc_core_json *json);

/* Records the mistake `error` (a static text) unless there was one before. Returns 0. */
GRADC_CORE int gradc_core_json_fail(gradc_core_json *json, const char *error);

#endif
