// Making and describing attributes.
#include "compiler/model/tables/attributes.h"

#include "ir/error.h"

#include <algorithm>
#include <cctype>
#include <cmath>
#include <fmt/format.h>

namespace gradc {

Attr &&Attr::at_least(double value) && { return min = value, std::move(*this); }
Attr &&Attr::above(double value) && { return min = value, min_open = true, std::move(*this); }
Attr &&Attr::at_most(double value) && { return max = value, std::move(*this); }
Attr &&Attr::below(double value) && { return max = value, max_open = true, std::move(*this); }
Attr &&Attr::used_in_f64() && { return in_f64 = true, std::move(*this); }
Attr &&Attr::decides_shape() && { return of_shape = true, std::move(*this); }
Attr &&Attr::defaults_to(std::string_view json) && { return default_json = json, std::move(*this); }
Attr &&Attr::otherwise(std::string_view text) && { return default_doc = text, std::move(*this); }
Attr &&Attr::items(size_t least, size_t most) && {
  min_items = least, max_items = most;
  return std::move(*this);
}

namespace attr {

static Attr make(std::string_view name, Attr::Kind kind, std::string_view doc) {
  Attr a;
  a.name = name, a.kind = kind, a.doc = doc;
  return a;
}

Attr integer(std::string_view name, std::string_view doc) { return make(name, Attr::Kind::integer, doc); }
Attr number(std::string_view name, std::string_view doc) { return make(name, Attr::Kind::number, doc); }
Attr boolean(std::string_view name, std::string_view doc) { return make(name, Attr::Kind::boolean, doc); }
Attr string(std::string_view name, std::string_view doc) { return make(name, Attr::Kind::string, doc); }
Attr name(std::string_view name, std::string_view doc) { return make(name, Attr::Kind::name, doc); }
Attr expression(std::string_view name, std::string_view doc) { return make(name, Attr::Kind::expression, doc); }
Attr any(std::string_view name, std::string_view doc) { return make(name, Attr::Kind::any, doc); }

Attr path(std::string_view name, std::string_view doc) {
  Attr a = make(name, Attr::Kind::name, doc);
  a.dotted = true;
  return a;
}

Attr choice(std::string_view name, std::vector<std::string_view> choices, std::string_view doc) {
  Attr a = make(name, Attr::Kind::choice, doc);
  a.choices = std::move(choices);
  return a;
}

Attr list(std::string_view name, Attr item, std::string_view doc) {
  Attr a = make(name, Attr::Kind::list, doc);
  a.of.push_back(std::move(item));
  return a;
}

Attr one_or_list(std::string_view name, Attr item, std::string_view doc) {
  Attr a = list(name, std::move(item), doc);
  a.or_single = true;
  return a;
}

Attr object(std::string_view name, const ObjectSpec &spec, std::string_view doc) {
  Attr a = make(name, Attr::Kind::object, doc);
  a.object = &spec;
  return a;
}

Attr one_of(std::string_view name, const Family &family, std::string_view doc) {
  Attr a = make(name, Attr::Kind::family, doc);
  a.family = &family;
  return a;
}

Attr any_of(std::string_view name, std::vector<Attr> alternatives, std::string_view doc) {
  Attr a = make(name, Attr::Kind::any_of, doc);
  a.of = std::move(alternatives);
  return a;
}

} // namespace attr

static std::string with_article(std::string_view noun) {
  const bool vowel = std::string_view("aeiou").find(noun.front()) != std::string_view::npos;
  return (vowel ? "an " : "a ") + std::string(noun);
}

static std::string plural(const Attr &item) {
  switch (item.kind) {
  case Attr::Kind::integer:
    return "integers";
  case Attr::Kind::number:
    return "numbers";
  case Attr::Kind::string:
    return "strings";
  case Attr::Kind::name:
    return "names";
  case Attr::Kind::family:
    return std::string(item.family->what) + (item.family->what.ends_with('s') ? "es" : "s");
  default:
    return "values";
  }
}

std::string expected(const Attr &a) {
  switch (a.kind) {
  case Attr::Kind::integer:
    return "an integer";
  case Attr::Kind::number:
    return "a number";
  case Attr::Kind::boolean:
    return "true or false";
  case Attr::Kind::string:
    return "a string";
  case Attr::Kind::name:
    return "a name";
  case Attr::Kind::expression:
    return "an expression";
  case Attr::Kind::choice: {
    std::string text;
    for (size_t i = 0; i < a.choices.size(); ++i)
      text += fmt::format("{}'{}'", i == 0 ? "" : i + 1 == a.choices.size() ? " or " : ", ", a.choices[i]);
    return text;
  }
  case Attr::Kind::list:
    return a.or_single ? expected(a.of[0]) + " or a list of " + plural(a.of[0])
                       : "a list of " + plural(a.of[0]);
  case Attr::Kind::object:
    return "an object";
  case Attr::Kind::family:
    return (a.family->number_type.empty() ? "" : "a number or ") + with_article(a.family->what);
  case Attr::Kind::any_of: {
    std::string text;
    for (size_t i = 0; i < a.of.size(); ++i)
      text += (i ? " or " : "") + expected(a.of[i]);
    return text;
  }
  case Attr::Kind::any:
    return "a value";
  }
  return "";
}

const Attr &find_attr(const std::vector<Attr> &attrs, std::string_view name) {
  const auto found = std::ranges::find(attrs, name, &Attr::name);
  internal_check(found != attrs.end(), "there is no key " + std::string(name));
  return *found;
}

const Attr *expression_key(const ObjectSpec &spec) {
  const auto found = std::ranges::find(spec.attrs, Attr::Kind::expression, &Attr::kind);
  return found == spec.attrs.end() ? nullptr : &*found;
}

std::string limits(const Attr &a) {
  std::string text;
  if (a.min > -std::numeric_limits<double>::infinity())
    text = fmt::format("{} {}", a.min_open ? "above" : "at least", a.min);
  if (a.max < std::numeric_limits<double>::infinity())
    text += fmt::format("{}{} {}", text.empty() ? "" : " and ", a.max_open ? "below" : "at most", a.max);
  return text;
}

bool within(const Attr &a, double value) {
  const bool low = a.min_open ? value > a.min : value >= a.min;
  const bool high = a.max_open ? value < a.max : value <= a.max;
  return low && high;
}

template <class Float> static std::pair<double, double> limits_in_type(const Attr &a) {
  constexpr Float kLeast = std::numeric_limits<Float>::lowest(), kMost = std::numeric_limits<Float>::max();
  Float least = kLeast, most = kMost;
  if (a.min > kLeast) {
    least = static_cast<Float>(a.min);
    if (least < a.min || (a.min_open && least == a.min))
      least = std::nextafter(least, kMost);
  }
  if (a.max < kMost) {
    most = static_cast<Float>(a.max);
    if (most > a.max || (a.max_open && most == a.max))
      most = std::nextafter(most, kLeast);
  }
  return {least, most};
}

std::pair<double, double> limits_in(DType dtype, const Attr &a) {
  return dtype == DType::f32 ? limits_in_type<float>(a) : limits_in_type<double>(a);
}

std::string violated_limit(const Attr &a, double value) {
  Attr broken = a;
  const bool low = a.min_open ? value <= a.min : value < a.min;
  (low ? broken.max : broken.min) =
      low ? std::numeric_limits<double>::infinity() : -std::numeric_limits<double>::infinity();
  return limits(broken);
}

static bool is_letter(char c) { return std::isalpha(static_cast<unsigned char>(c)) || c == '_'; }

/// Letters, digits and _, at most 64.
static bool is_part(std::string_view text) {
  return !text.empty() && text.size() <= 64 &&
         std::ranges::all_of(text, [](char c) { return is_letter(c) || std::isdigit(static_cast<unsigned char>(c)); });
}

bool is_name(std::string_view text) { return is_part(text) && is_letter(text.front()); }

bool is_path(std::string_view text) {
  const size_t first = std::min(text.find('.'), text.size());
  if (!is_name(text.substr(0, first)))
    return false;
  for (size_t at = first; at < text.size();) {
    const size_t end = std::min(text.find('.', at + 1), text.size());
    if (!is_part(text.substr(at + 1, end - at - 1)))
      return false;
    at = end;
  }
  return true;
}

std::string_view argument_in(const JsonValue &value) {
  const std::string_view text = value.text;
  return value.is(JsonValue::Kind::string) && text.starts_with('$') && is_name(text.substr(1)) ? text.substr(1)
                                                                                               : std::string_view();
}

} // namespace gradc
