// The forms of values; see forms.h.
#include "compiler/model/linking/forms.h"

#include "compiler/model/linking/hints.h"

#include <cmath>
#include <fmt/format.h>

namespace gradc {

using Json = JsonValue::Kind;

/// As JSON Schema has it, 3.0 is an integer.
static bool is_integer(const JsonValue &value) {
  return value.is(Json::integer) || (value.is(Json::number) && value.number == std::floor(value.number) && std::abs(value.number) < 0x1p63);
}

bool could_be(const JsonValue &value, const Attr &attr) {
  switch (attr.kind) {
  case Attr::Kind::integer:
    return is_integer(value);
  case Attr::Kind::number:
    return value.is(Json::integer) || value.is(Json::number);
  case Attr::Kind::boolean:
    return value.is(Json::boolean);
  case Attr::Kind::string:
  case Attr::Kind::name:
  case Attr::Kind::expression:
  case Attr::Kind::choice:
    return value.is(Json::string);
  case Attr::Kind::list:
    return value.is(Json::array) || (attr.or_single && could_be(value, attr.of[0]));
  case Attr::Kind::object:
    return value.is(Json::object);
  case Attr::Kind::family: {
    const bool number = value.is(Json::integer) || value.is(Json::number);
    return value.is(Json::object) || (value.is(Json::string) && attr.family->by_name) ||
           (number && !attr.family->number_type.empty());
  }
  case Attr::Kind::any_of:
    for (const Attr &alternative : attr.of)
      if (could_be(value, alternative))
        return true;
    return false;
  case Attr::Kind::any:
    return true;
  }
  return false;
}

static bool is_literal(std::string_view text) {
  return text == "true" || text == "false" || (!text.empty() && text.find_first_not_of("0123456789+-.eE") == std::string_view::npos);
}

std::string form_hint(const JsonValue &value, const Attr &attr) {
  if (attr.kind == Attr::Kind::list && attr.or_single)
    return form_hint(value, attr.of[0]);
  if (attr.kind == Attr::Kind::family && value.is(Json::string))
    return written_out_hint(value.text, *attr.family);
  if (attr.kind == Attr::Kind::object)
    for (const Attr &key : attr.object->attrs)
      if (key.required() && could_be(value, key))
        return fmt::format("; write {{\"{}\": ...}}", key.name);
  const bool numeric = attr.kind == Attr::Kind::integer || attr.kind == Attr::Kind::number || attr.kind == Attr::Kind::boolean;
  return numeric && value.is(Json::string) && is_literal(value.text) ? "; write it without quotes" : "";
}

} // namespace gradc
