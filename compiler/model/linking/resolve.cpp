// The one walk over a model file that checks keys, kinds and ranges. Knows no key but "type" and "name".
#include "compiler/model/linking/resolve.h"

#include "compiler/model/json/characters.h"
#include "compiler/model/json/json_reader.h"
#include "ir/suggest.h"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <optional>

namespace gradc {
namespace {

using Json = JsonValue::Kind;

std::string join(const std::string &context, const std::string &next) {
  return context.empty() ? next : context + ": " + next;
}

/// Is `value` of a JSON kind that the attribute could take? Tells the alternatives of any_of apart.
bool could_be(const JsonValue &value, const Attr &attr) {
  switch (attr.kind) {
  case Attr::Kind::integer:
    return value.is(Json::integer);
  case Attr::Kind::number:
    return value.is(Json::integer) || value.is(Json::number);
  case Attr::Kind::boolean:
    return value.is(Json::boolean);
  case Attr::Kind::string:
  case Attr::Kind::name:
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
  }
  return false;
}

class Resolver {
public:
  Resolver(const JsonValue &root, DType float_dtype, Diagnostics &diagnostics)
      : root_(root), float_(float_dtype), diagnostics_(diagnostics) {}

  JsonValue object(const JsonValue &value, const std::vector<const std::vector<Attr> *> &attrs,
                   const std::vector<Attr> &rest, const std::string &context) {
    JsonValue result = JsonValue::object(value.span);
    for (const auto *group : attrs)
      for (const Attr &attr : *group)
        member(value, attr, context, result);
    for (const JsonMember &given : value.members)
      if (!known(attrs, given.key))
        further(value, given, attrs, rest, context, result);
    return result;
  }

  JsonValue family(const JsonValue &value, const Family &family, const std::string &context) {
    JsonValue full = written_out(value, family);
    const JsonValue *type = full.find("type");
    if (!type || !type->is(Json::string))
      return fail(type ? type->span : anchor(full),
                  type ? join(context, "'type' must be a string, got " + as_written(*type, diagnostics_))
                       : join(context, fmt::format("missing 'type'; expected one of {}",
                                                   fmt::join(names(family), ", "))));
    const ObjectSpec *spec = nullptr;
    for (const ObjectSpec *candidate : family.types)
      if (candidate->name == type->text)
        spec = candidate;
    if (!spec)
      return fail(inside_quotes(type->span), join(context, unknown_type(family, type->text)));
    const std::vector<Attr> tag = {attr::string("type", "")};
    return object(full, {&tag, &family.common, &spec->attrs}, {}, context);
  }

private:
  static bool known(const std::vector<const std::vector<Attr> *> &groups, std::string_view key) {
    for (const auto *group : groups)
      for (const Attr &attr : *group)
        if (attr.name == key)
          return true;
    return false;
  }

  void member(const JsonValue &value, const Attr &attr, const std::string &context, JsonValue &result) {
    const JsonValue *given = value.find(attr.name);
    if (given && !given->is(Json::null)) {
      JsonValue checked = this->value(*given, attr, context);
      if (checked.valid || attr.default_json.empty()) {
        result.valid = result.valid && checked.valid;
        if (checked.valid || checked.is(Json::array) || checked.is(Json::object))
          result.set(attr.name, std::move(checked));
        return;
      }
    }
    if (!attr.default_json.empty()) {
      // Shorthands in the tables are written out as those of the user are.
      result.set(attr.name, this->value(read_literal(attr.default_json, anchor(value)), attr, context));
    } else if (attr.required()) {
      diagnostics_.error(anchor(value), join(context, fmt::format("missing '{}' ({}: {})", attr.name,
                                                                  expected(attr), attr.doc)));
      result.valid = false;
    }
  }

  /// A member that no attribute is the key of.
  void further(const JsonValue &object, const JsonMember &given, const std::vector<const std::vector<Attr> *> &groups,
               const std::vector<Attr> &rest, const std::string &context, JsonValue &result) {
    std::vector<std::string_view> allowed;
    for (const auto *group : groups)
      for (const Attr &attr : *group)
        allowed.push_back(attr.name);
    if (!rest.empty() && !rest[0].keys_of.empty())
      if (const JsonValue *keys = root_.find(rest[0].keys_of))
        for (const JsonMember &entry : keys->members)
          allowed.push_back(entry.key);
    const bool free = !rest.empty() && rest[0].keys_of.empty();
    if (!free && std::find(allowed.begin(), allowed.end(), given.key) == allowed.end()) {
      std::vector<std::string_view> missing;
      std::copy_if(allowed.begin(), allowed.end(), std::back_inserter(missing),
                   [&](std::string_view key) { return !object.find(key); });
      std::string hint = did_you_mean(given.key, missing);
      if (hint.empty())
        hint = fmt::format("; expected {} {}", allowed.size() == 1 ? "only" : "one of",
                           fmt::join(allowed, ", "));
      diagnostics_.error(inside_quotes(given.key_span),
                         join(context, fmt::format("unknown key '{}'", given.key) + hint));
      return;
    }
    Attr entry = rest[0];
    const std::string inner = join(context, fmt::format("{} '{}'", entry.name, given.key));
    entry.name = {};
    JsonValue checked = value(given.value, entry, inner);
    result.valid = result.valid && checked.valid;
    result.members.push_back({given.key, given.key_span, std::move(checked)});
  }

  /// `context` is that of the object the value is in.
  JsonValue value(const JsonValue &value, const Attr &attr, const std::string &context) {
    if (!could_be(value, attr))
      return mismatch(value, attr, context);
    switch (attr.kind) {
    case Attr::Kind::integer:
    case Attr::Kind::number:
      if (!within(attr, value.number))
        return fail(value.span, join(context, fmt::format("{} must be {}, got {}", subject(attr),
                                                          violated_limit(attr, value.number),
                                                          as_written(value, diagnostics_))));
      return attr.kind == Attr::Kind::number && !attr.in_f64 ? rounded(value, attr, context) : value;
    case Attr::Kind::boolean:
    case Attr::Kind::string:
      return value;
    case Attr::Kind::name:
      if (!is_name(value.text))
        return fail(value.span,
                    join(context, fmt::format("{} is no name; names are letters, digits and _, at most 64",
                                              as_written(value, diagnostics_))));
      return value;
    case Attr::Kind::choice:
      return choice(value, attr, context);
    case Attr::Kind::list:
      return list(value, attr, context);
    case Attr::Kind::object: {
      const bool map = attr.object->attrs.empty(); // its keys say enough in messages
      const std::string inner = map || attr.name.empty() ? context : join(context, std::string(attr.name));
      return object(value, {&attr.object->attrs}, attr.object->rest, inner);
    }
    case Attr::Kind::family:
      return family(value, *attr.family,
                    attr.family->by_name && !value.is(Json::object) ? context
                                                                    : join(context, std::string(attr.name)));
    case Attr::Kind::any_of:
      for (const Attr &alternative : attr.of)
        if (could_be(value, alternative)) {
          if (alternative.kind == Attr::Kind::choice && !is_choice(alternative, value.text))
            break;
          Attr named = alternative;
          named.name = attr.name;
          return this->value(value, named, context);
        }
      return mismatch(value, attr, context);
    }
    return value;
  }

  /// A number within its limits may break them when it is rounded to the type it is used in: 0.99999999 is 1 in f32.
  JsonValue rounded(const JsonValue &value, const Attr &attr, const std::string &context) {
    const auto [least, most] = limits_in(float_, attr);
    const double used = float_ == DType::f32 ? static_cast<double>(static_cast<float>(value.number)) : value.number;
    if (used >= least && used <= most)
      return value;
    Attr finite = attr;
    if (std::isinf(used))
      finite.min = least, finite.max = most, finite.min_open = finite.max_open = false;
    return fail(value.span, join(context, fmt::format("{} must be {} in {}, the type it is used in, got {}", subject(attr),
                                                      violated_limit(finite, used), to_string(float_),
                                                      as_written(value, diagnostics_))));
  }

  static bool is_choice(const Attr &attr, std::string_view text) {
    return std::find(attr.choices.begin(), attr.choices.end(), text) != attr.choices.end();
  }

  JsonValue choice(const JsonValue &value, const Attr &attr, const std::string &context) {
    if (is_choice(attr, value.text))
      return value;
    std::string hint = did_you_mean(value.text, attr.choices);
    return fail(inside_quotes(value.span), join(context, fmt::format("{} must be {}, got '{}'", subject(attr),
                                                                     expected(attr), value.text) +
                                                             hint));
  }

  JsonValue list(const JsonValue &value, const Attr &attr, const std::string &context) {
    JsonValue result = JsonValue::array(value.span);
    const JsonValue *begin = value.is(Json::array) ? value.items.data() : &value;
    const size_t count = value.is(Json::array) ? value.items.size() : 1;
    if (count < attr.min_items || count > attr.max_items)
      return fail(value.span, join(context, fmt::format("{} must have {}, got {}", subject(attr),
                                                        count_wanted(attr), count)));
    for (size_t i = 0; i < count; ++i) {
      const Attr &item = attr.of[0];
      result.items.push_back(item.kind == Attr::Kind::family
                                 ? family(begin[i], item, join(context, item_label(begin[i], attr, value, i)))
                                 : element(begin[i], item, attr, value, i, context));
      result.valid = result.valid && result.items.back().valid;
    }
    return result;
  }

  JsonValue family(const JsonValue &item, const Attr &attr, const std::string &context) {
    return could_be(item, attr) ? family(item, *attr.family, context) : mismatch(item, attr, context);
  }

  JsonValue element(const JsonValue &item, Attr attr, const Attr &list, const JsonValue &given, size_t index,
                    const std::string &context) {
    const std::string label =
        given.is(Json::array) ? fmt::format("{}[{}]", list.name, index) : std::string(list.name);
    attr.name = label;
    return value(item, attr, context);
  }

  /// "layer 'hidden'", "metrics[2]", "loss".
  static std::string item_label(const JsonValue &item, const Attr &list, const JsonValue &given,
                                size_t index) {
    const JsonValue *name = item.find("name");
    if (name && name->is(Json::string))
      return fmt::format("{} '{}'", list.of[0].family->what, name->text);
    return given.is(Json::array) ? fmt::format("{}[{}]", list.name, index) : std::string(list.name);
  }

  static std::string count_wanted(const Attr &attr) {
    if (attr.min_items == attr.max_items)
      return fmt::format("{} items", attr.min_items);
    return attr.max_items == ~size_t{0}
               ? fmt::format("at least {} item{}", attr.min_items, attr.min_items == 1 ? "" : "s")
               : fmt::format("{} to {} items", attr.min_items, attr.max_items);
  }

  JsonValue written_out(const JsonValue &value, const Family &family) const {
    JsonValue full = JsonValue::object(value.span);
    if (value.is(Json::object)) {
      full = value;
      if (!value.find("type") && !family.default_type.empty())
        full.set("type", JsonValue::of(std::string(family.default_type), value.span));
      return full;
    }
    if (value.is(Json::string)) {
      full.set("type", value);
    } else {
      full.set("type", JsonValue::of(std::string(family.number_type), value.span));
      full.set(family.number_key, value);
    }
    return full;
  }

  static std::vector<std::string_view> names(const Family &family) {
    std::vector<std::string_view> result;
    for (const ObjectSpec *spec : family.types)
      result.push_back(spec->name);
    return result;
  }

  static std::string unknown_type(const Family &family, const std::string &type) {
    std::string hint = did_you_mean(type, names(family));
    if (hint.empty())
      hint = fmt::format("; expected one of {}", fmt::join(names(family), ", "));
    return fmt::format("unknown {} '{}'{}", family.what, type, hint);
  }

  static std::string subject(const Attr &attr) {
    return attr.name.empty() ? "this" : fmt::format("'{}'", attr.name);
  }

  JsonValue mismatch(const JsonValue &value, const Attr &attr, const std::string &context) {
    const bool huge = value.is(Json::number) && value.text.find_first_of(".eE") == std::string::npos;
    return fail(value.span, join(context, fmt::format("{} must be {}{}, got {}", subject(attr),
                                                      expected(attr), huge ? " of at most 64 bits" : "",
                                                      as_written(value, diagnostics_))));
  }

  /// The part of a string literal between its quotes.
  Span inside_quotes(Span span) const {
    const std::string &text = diagnostics_.source(span.source).text;
    const bool quoted = span.end - span.begin > 2 && text[span.begin] == '"';
    return quoted ? Span{span.source, span.begin + 1, span.end - 1} : span;
  }

  JsonValue fail(Span span, std::string message) {
    diagnostics_.error(span, std::move(message));
    JsonValue poisoned;
    poisoned.span = span;
    poisoned.valid = false;
    return poisoned;
  }

  const JsonValue &root_;
  const DType float_;
  Diagnostics &diagnostics_;
};

} // namespace

JsonValue resolve(const JsonValue &value, const ObjectSpec &spec, const std::string &context, DType float_dtype,
                  Diagnostics &diagnostics) {
  return Resolver(value, float_dtype, diagnostics).object(value, {&spec.attrs}, spec.rest, context);
}

Span anchor(const JsonValue &object) {
  for (std::string_view key : {"type", "name"})
    if (const JsonValue *value = object.find(key))
      return value->span;
  if (object.is(Json::object) || object.is(Json::array))
    return {object.span.source, object.span.begin, object.span.begin + 1};
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
