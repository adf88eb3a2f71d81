// A JSON document that remembers where every key and value stands in its source, so that any later check can
// point at it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace gradc {

/// Bytes [begin, end) of source number `source` of a Diagnostics.
struct Span {
  uint32_t source = 0;
  size_t begin = 0, end = 0;
  uint32_t expansion = 0; // of a Diagnostics, that the value was copied by; 0: the value stands where it was written

  /// The bytes [from, to) of the same source, seen by the same expansion.
  Span part(size_t from, size_t to) const { return {source, from, to, expansion}; }
};

struct JsonMember;

struct JsonValue {
  enum class Kind : uint8_t { null, boolean, integer, number, string, array, object };

  Kind kind = Kind::null;
  Span span;
  bool boolean = false;
  int64_t integer = 0; // Kind::integer
  double number = 0;   // Kind::integer and Kind::number
  std::string text;    // of a string; of a number as it was written
  std::vector<JsonValue> items;
  std::vector<JsonMember> members; // in file order; keys are unique
  /// False when a check has already reported what is wrong inside, so that later checks stay silent.
  bool valid = true;

  static JsonValue of(bool value, Span span);
  static JsonValue of(int64_t value, Span span);
  static JsonValue of(double value, Span span);
  static JsonValue of(std::string value, Span span);
  static JsonValue object(Span span);
  static JsonValue array(Span span);

  bool is(Kind k) const { return kind == k; }
  /// Null when there is no such key (or this is no object).
  const JsonValue *find(std::string_view key) const;
  const JsonMember *find_member(std::string_view key) const;
  /// Adds the member or replaces its value.
  void set(std::string_view key, JsonValue value);

  // Access to a document that has been checked: InternalFault when the key is absent or of another kind.
  const JsonValue &at(std::string_view key) const;
  bool boolean_at(std::string_view key) const;
  int64_t integer_at(std::string_view key) const;
  double number_at(std::string_view key) const;
  const std::string &string_at(std::string_view key) const;
};

struct JsonMember {
  std::string key;
  Span key_span;
  JsonValue value;
};

/// Compact JSON text, or indented by `indent` spaces a level. Numbers read back as the same double.
std::string to_text(const JsonValue &, int indent = -1);

} // namespace gradc
