// Overrides: a path of keys, then "=", then a value.
#include "compiler/model/json/overrides.h"

#include "compiler/model/json/json_reader.h"

#include <charconv>
#include <fmt/format.h>

namespace gradc {
namespace {

using Json = JsonValue::Kind;

using Key = Override::Key;

std::vector<Key> split(std::string_view path, uint32_t source) {
  std::vector<Key> keys;
  for (size_t begin = 0; begin <= path.size();) {
    const size_t end = std::min(path.find('.', begin), path.size());
    keys.push_back({std::string(path.substr(begin, end - begin)), {source, begin, end}});
    begin = end + 1;
  }
  return keys;
}

/// The value as JSON; text that is no JSON is a string, so that quotes can be left out.
JsonValue value_of(const std::string &text, Span span) {
  Diagnostics unused;
  std::optional<JsonValue> value = read_json(unused.add_source("", text), unused);
  if (!value || unused.has_errors())
    return JsonValue::of(text, span);
  return read_literal(text, span);
}

JsonValue *item(JsonValue &list, const std::string &key) {
  for (JsonValue &candidate : list.items)
    if (const JsonValue *name = candidate.find("name"); name && name->is(Json::string) && name->text == key)
      return &candidate;
  size_t index = 0;
  auto [end, failure] = std::from_chars(key.data(), key.data() + key.size(), index);
  const bool valid = failure == std::errc() && end == key.data() + key.size() && index < list.items.size();
  return valid ? &list.items[index] : nullptr;
}

/// The place `key` leads to; new keys of objects are made. Null when there is none.
JsonValue *descend(JsonValue &at, const Key &key) {
  if (at.is(Json::array))
    return item(at, key.text);
  if (at.is(Json::null) || at.is(Json::string)) { // "adam" is short for {"type": "adam"}
    JsonValue object = JsonValue::object(at.span);
    if (at.is(Json::string))
      object.set("type", at);
    at = std::move(object);
  }
  if (!at.is(Json::object))
    return nullptr;
  for (JsonMember &member : at.members)
    if (member.key == key.text)
      return &member.value;
  JsonValue fresh;
  fresh.span = key.span;
  at.members.push_back({key.text, key.span, std::move(fresh)});
  return &at.members.back().value;
}

} // namespace

Override parse_override(const std::string &text, Diagnostics &diagnostics) {
  const uint32_t source = diagnostics.add_source("<command line>", text);
  const size_t equals = text.find('=');
  Override parsed;
  if (equals == std::string::npos || equals == 0) {
    diagnostics.error({source, 0, text.size()}, "an override is written path.in.model=value");
    parsed.applied = true;
    return parsed;
  }
  parsed.keys = split(std::string_view(text).substr(0, equals), source);
  parsed.value = value_of(text.substr(equals + 1), {source, equals + 1, text.size()});
  return parsed;
}

void apply_override(JsonValue &root, Override &override, size_t done, const IsLater &is_later, Diagnostics &diagnostics) {
  JsonValue *at = &root;
  for (; done < override.keys.size(); ++done) {
    const Key &key = override.keys[done];
    if (at->is(Json::object) && is_later(*at, key.text))
      return;
    JsonValue *next = key.text.empty() ? nullptr : descend(*at, key);
    if (!next) {
      diagnostics.error(key.span, at->is(Json::array)
                                      ? fmt::format("the list has no item '{}'; items go by name or position", key.text)
                                      : fmt::format("there is no '{}' in a number or truth value", key.text));
      override.applied = true;
      return;
    }
    at = next;
  }
  *at = override.value;
  override.applied = true;
}

} // namespace gradc
