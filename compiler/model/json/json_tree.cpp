// The tree of a JSON document: access and text.
#include "compiler/model/json/json_tree.h"

#include "ir/error.h"

#include <nlohmann/json.hpp>

namespace gradc {

JsonValue JsonValue::of(bool value, Span span) {
  JsonValue v;
  v.kind = Kind::boolean, v.span = span, v.boolean = value;
  return v;
}

JsonValue JsonValue::of(int64_t value, Span span) {
  JsonValue v;
  v.kind = Kind::integer, v.span = span, v.integer = value, v.number = static_cast<double>(value);
  v.text = std::to_string(value);
  return v;
}

JsonValue JsonValue::of(double value, Span span) {
  JsonValue v;
  v.kind = Kind::number, v.span = span, v.number = value;
  v.text = nlohmann::json(value).dump();
  return v;
}

JsonValue JsonValue::of(std::string value, Span span) {
  JsonValue v;
  v.kind = Kind::string, v.span = span, v.text = std::move(value);
  return v;
}

JsonValue JsonValue::object(Span span) {
  JsonValue v;
  v.kind = Kind::object, v.span = span;
  return v;
}

JsonValue JsonValue::array(Span span) {
  JsonValue v;
  v.kind = Kind::array, v.span = span;
  return v;
}

const JsonMember *JsonValue::find_member(std::string_view key) const {
  for (const JsonMember &member : members)
    if (member.key == key)
      return &member;
  return nullptr;
}

const JsonValue *JsonValue::find(std::string_view key) const {
  const JsonMember *member = find_member(key);
  return member ? &member->value : nullptr;
}

void JsonValue::set(std::string_view key, JsonValue value) {
  for (JsonMember &member : members)
    if (member.key == key) {
      member.value = std::move(value);
      return;
    }
  Span where = value.span;
  members.push_back({std::string(key), where, std::move(value)});
}

const JsonValue &JsonValue::at(std::string_view key) const {
  const JsonValue *value = find(key);
  internal_check(value != nullptr, "the model has no '" + std::string(key) + "' here");
  return *value;
}

static const JsonValue &checked(const JsonValue &value, bool fits, std::string_view key) {
  internal_check(fits, "the model's '" + std::string(key) + "' is of another kind");
  return value;
}

bool JsonValue::boolean_at(std::string_view key) const {
  const JsonValue &v = at(key);
  return checked(v, v.kind == Kind::boolean, key).boolean;
}

int64_t JsonValue::integer_at(std::string_view key) const {
  const JsonValue &v = at(key);
  return checked(v, v.kind == Kind::integer, key).integer;
}

double JsonValue::number_at(std::string_view key) const {
  const JsonValue &v = at(key);
  return checked(v, v.kind == Kind::integer || v.kind == Kind::number, key).number;
}

const std::string &JsonValue::string_at(std::string_view key) const {
  const JsonValue &v = at(key);
  return checked(v, v.kind == Kind::string, key).text;
}

static nlohmann::ordered_json to_json(const JsonValue &value) {
  using Kind = JsonValue::Kind;
  nlohmann::ordered_json json;
  switch (value.kind) {
  case Kind::null:
    break;
  case Kind::boolean:
    json = value.boolean;
    break;
  case Kind::integer:
    json = value.integer;
    break;
  case Kind::number:
    json = value.number;
    break;
  case Kind::string:
    json = value.text;
    break;
  case Kind::array:
    json = nlohmann::ordered_json::array();
    for (const JsonValue &item : value.items)
      json.push_back(to_json(item));
    break;
  case Kind::object:
    json = nlohmann::ordered_json::object();
    for (const JsonMember &member : value.members)
      json[member.key] = to_json(member.value);
    break;
  }
  return json;
}

std::string to_text(const JsonValue &value, int indent) { return to_json(value).dump(indent); }

} // namespace gradc
