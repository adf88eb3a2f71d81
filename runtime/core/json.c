/* The scanner of json.h; RFC 8259 as far as a safetensors header needs it. */
#include "runtime/core/json.h"

#include <stddef.h>

int gradc_core_json_fail(gradc_core_json *json, const char *error) {
  if (!json->error)
    json->error = error;
  return 0;
}

static void skip_space(gradc_core_json *json) {
  while (json->at < json->end &&
         (*json->at == ' ' || *json->at == '\t' || *json->at == '\n' || *json->at == '\r'))
    ++json->at;
}

int gradc_core_json_accept(gradc_core_json *json, char wanted) {
  if (json->error)
    return 0;
  skip_space(json);
  if (json->at == json->end || *json->at != wanted)
    return 0;
  ++json->at;
  return 1;
}

int gradc_core_json_expect(gradc_core_json *json, char wanted, const char *error) {
  return gradc_core_json_accept(json, wanted) || gradc_core_json_fail(json, error);
}

int gradc_core_json_end(gradc_core_json *json) {
  if (json->error)
    return 0;
  skip_space(json);
  return json->at == json->end || gradc_core_json_fail(json, "nothing but white space after the header");
}

/* The value of four hexadecimal digits at json->at, which moves past them; -1 if they are not there. */
static int32_t four_hex_digits(gradc_core_json *json) {
  if (json->end - json->at < 4)
    return -1;
  int32_t value = 0;
  for (int i = 0; i < 4; ++i) {
    char c = *json->at++;
    int digit = c >= '0' && c <= '9'   ? c - '0'
                : c >= 'a' && c <= 'f' ? c - 'a' + 10
                : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                       : -1;
    if (digit < 0)
      return -1;
    value = value * 16 + digit;
  }
  return value;
}

/* The code point of the \u escape whose digits start at json->at, with its low surrogate; -1 if malformed. */
static int32_t unicode_escape(gradc_core_json *json) {
  int32_t high = four_hex_digits(json);
  if (high < 0xD800 || high > 0xDFFF)
    return high;
  if (high > 0xDBFF || json->end - json->at < 2 || json->at[0] != '\\' || json->at[1] != 'u')
    return -1;
  json->at += 2;
  int32_t low = four_hex_digits(json);
  if (low < 0xDC00 || low > 0xDFFF)
    return -1;
  return 0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00);
}

/* Writes a code point as UTF-8. Its escape was at least as long, so decoding in place never overtakes reading. */
static char *put_utf8(char *out, int32_t c) {
  if (c < 0x80) {
    *out++ = (char)c;
    return out;
  }
  int more = c < 0x800 ? 1 : c < 0x10000 ? 2 : 3;
  static const uint8_t kLead[] = {0, 0xC0, 0xE0, 0xF0};
  *out++ = (char)(kLead[more] | (c >> (6 * more)));
  while (more-- > 0)
    *out++ = (char)(0x80 | ((c >> (6 * more)) & 0x3F));
  return out;
}

/* Length of the well-formed UTF-8 sequence at `s` (Unicode 15, table 3-7), 0 if there is none. */
static int utf8_length(const char *text, const char *end) {
  const uint8_t *s = (const uint8_t *)text;
  int length = s[0] < 0x80 ? 1 : s[0] < 0xC2 ? 0 : s[0] < 0xE0 ? 2 : s[0] < 0xF0 ? 3 : s[0] < 0xF5 ? 4 : 0;
  if (length == 0 || end - text < length)
    return 0;
  for (int i = 1; i < length; ++i)
    if ((s[i] & 0xC0) != 0x80)
      return 0;
  if ((s[0] == 0xE0 && s[1] < 0xA0) || (s[0] == 0xED && s[1] > 0x9F) || (s[0] == 0xF0 && s[1] < 0x90) ||
      (s[0] == 0xF4 && s[1] > 0x8F))
    return 0;
  return length;
}

/* Decodes the escape whose backslash was read into *out. */
static int decode_escape(gradc_core_json *json, char **out) {
  static const char kFrom[] = "\"\\/bfnrt", kTo[] = "\"\\/\b\f\n\r\t";
  char c = json->at < json->end ? *json->at++ : 0;
  if (c == 'u') {
    int32_t code = unicode_escape(json);
    if (code < 0)
      return gradc_core_json_fail(json, "a valid \\u escape");
    if (code == 0)
      return gradc_core_json_fail(json, "a string without U+0000");
    *out = put_utf8(*out, code);
    return 1;
  }
  for (int i = 0; kFrom[i]; ++i)
    if (c == kFrom[i]) {
      *(*out)++ = kTo[i];
      return 1;
    }
  return gradc_core_json_fail(json, "a valid escape");
}

const char *gradc_core_json_string(gradc_core_json *json) {
  if (!gradc_core_json_expect(json, '"', "a string"))
    return NULL;
  char *start = json->at, *out = start;
  while (json->at < json->end) {
    char c = *json->at;
    if (c == '"') {
      ++json->at;
      *out = 0;
      return start;
    }
    if (c == '\\') {
      ++json->at;
      if (!decode_escape(json, &out))
        return NULL;
      continue;
    }
    int length = (uint8_t)c < 0x20 ? 0 : utf8_length(json->at, json->end);
    if (length == 0) {
      gradc_core_json_fail(json, "a string of valid UTF-8 without control characters");
      return NULL;
    }
    while (length-- > 0)
      *out++ = *json->at++;
  }
  gradc_core_json_fail(json, "the end of a string");
  return NULL;
}

int64_t gradc_core_json_size(gradc_core_json *json) {
  if (json->error)
    return -1;
  skip_space(json);
  char *start = json->at;
  int64_t value = 0;
  while (json->at < json->end && *json->at >= '0' && *json->at <= '9') {
    if (__builtin_mul_overflow(value, 10, &value) || __builtin_add_overflow(value, *json->at - '0', &value)) {
      gradc_core_json_fail(json, "a whole number that fits 63 bits");
      return -1;
    }
    ++json->at;
  }
  if (json->at == start || (*start == '0' && json->at - start > 1)) {
    gradc_core_json_fail(json, "a whole number");
    return -1;
  }
  return value;
}
