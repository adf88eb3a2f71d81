#include "compiler/model/linking/anchor.h"

#include "compiler/model/json/characters.h"

namespace gradc {

using Json = JsonValue::Kind;

Span anchor(const JsonValue &object) {
  for (std::string_view key : {"type", "name"})
    if (const JsonValue *value = object.find(key))
      return value->span;
  if (object.is(Json::object) || object.is(Json::array))
    return object.span.part(object.span.begin, object.span.begin + 1);
  return object.span;
}

std::string as_written(const JsonValue &value, const Diagnostics &diagnostics) {
  if (value.is(Json::array))
    return "a list";
  if (value.is(Json::object))
    return "an object";
  const std::string &source = diagnostics.source(value.span.source).text;
  return shortened(std::string_view(source).substr(value.span.begin, value.span.end - value.span.begin), 40);
}

} // namespace gradc
