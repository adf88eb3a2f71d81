// The one walk over a model file that checks keys, kinds and ranges. Knows no key but "type" and "name".
#include "compiler/model/linking/resolve.h"

#include "compiler/model/json/json_reader.h"
#include "compiler/model/linking/forms.h"
#include "compiler/model/linking/hints.h"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <iterator>
#include <set>
#include <utility>

namespace gradc {
namespace {

using Json = JsonValue::Kind;

std::string join(const std::string &context, const std::string &next) {
  return context.empty() ? next : context + ": " + next;
}

class Resolver {
public:
  Resolver(const JsonValue &root, DType float_dtype, Diagnostics &diagnostics, Corrections &corrections)
      : root_(root), float_(float_dtype), diagnostics_(diagnostics), corrections_(corrections) {}

  JsonValue object(const JsonValue &written, const std::vector<const std::vector<Attr> *> &attrs,
                   const std::vector<Attr> &rest, const std::string &context) {
    const JsonValue value = with_known_keys(written, attrs, rest, context);
    JsonValue result = JsonValue::object(value.span);
    for (auto group = attrs.begin(); group != attrs.end(); ++group)
      for (const Attr &attr : **group)
        if (!known({group + 1, attrs.end()}, attr.name)) // a type says more of a key than its family
          member(value, attr, context, result);
    for (const JsonMember &given : value.members)
      if (!known(attrs, given.key))
        further(given, rest[0], context, result);
    return result;
  }

  JsonValue family(const JsonValue &value, const Family &family, const std::string &context) {
    const std::vector<Attr> tag = {attr::string("type", "")};
    JsonValue full = written_out(value, family);
    if (value.is(Json::object) && !value.find("type")) { // perhaps it is misspelt
      std::vector<const std::vector<Attr> *> any = {&tag, &family.common};
      for (const ObjectSpec *spec : family.types)
        any.push_back(&spec->attrs);
      full = written_out(with_known_keys(value, any, {}, context), family);
    }
    const JsonValue *type = full.find("type");
    if (!type || !type->is(Json::string))
      return fail(type ? type->span : anchor(full),
                  type ? join(context, "'type' must be a string, got " + as_written(*type, diagnostics_))
                       : join(context, fmt::format("missing 'type'; expected one of {}",
                                                   fmt::join(names(family), ", "))));
    if (in_block_ && !argument_in(*type).empty())
      return full;
    const ObjectSpec *spec = nullptr;
    for (const ObjectSpec *candidate : family.types)
      if (candidate->name == type->text)
        spec = candidate;
    if (!spec)
      return fail(inside_quotes(type->span), join(context, fmt::format("unknown {} '{}'{}", family.what, type->text,
                                                                       hint_for_type(type->text, family).text)));
    return object(full, {&tag, &family.common, &spec->attrs}, {}, context);
  }

  /// `value` is one of the family.
  JsonValue member_of(const JsonValue &value, const Family &family, const std::string &context) {
    return this->family(value, attr::one_of("", family, ""), context);
  }

private:
  static bool known(const std::vector<const std::vector<Attr> *> &groups, std::string_view key) {
    for (const auto *group : groups)
      for (const Attr &attr : *group)
        if (attr.name == key)
          return true;
    return false;
  }

  /// The object without the keys that must not be there; those that are misspelt have their right names.
  JsonValue with_known_keys(const JsonValue &value, const std::vector<const std::vector<Attr> *> &groups,
                            const std::vector<Attr> &rest, const std::string &context) {
    std::vector<std::string_view> allowed;
    for (const auto *group : groups)
      for (const Attr &attr : *group)
        if (std::ranges::find(allowed, attr.name) == allowed.end())
          allowed.push_back(attr.name);
    const JsonMember *names = rest.empty() ? nullptr : top_level(rest[0].keys_of);
    if (names && names->value.members.empty())
      names = nullptr;
    if (names)
      for (const JsonMember &entry : names->value.members)
        allowed.push_back(entry.key);
    const bool free = !rest.empty() && !names; // where what names them is missing or wrong, that is reported
    const std::set<std::string_view> known(allowed.begin(), allowed.end());
    std::set<std::string_view> lacking = known;
    for (const JsonMember &given : value.members)
      lacking.erase(given.key);
    const auto absent = [&] {
      std::vector<std::string_view> keys;
      std::copy_if(allowed.begin(), allowed.end(), std::back_inserter(keys), [&](std::string_view key) { return lacking.contains(key); });
      return keys;
    };
    JsonValue result = value;
    result.members.clear();
    for (const JsonMember &given : value.members) {
      if (free || known.contains(given.key)) {
        result.members.push_back(given);
        continue;
      }
      const Hint hint = hint_for_key(given.key, allowed, absent(), missing_keys(lacking, given.value, groups, names, rest));
      error(inside_quotes(given.key_span), join(context, fmt::format("unknown key '{}'{}", given.key, hint.text)));
      if (lacking.erase(hint.meant) == 0)
        continue;
      result.members.push_back({std::string(hint.meant), given.key_span, given.value});
      corrections_.emplace(std::pair(given.key_span.source, given.key_span.begin), hint.meant);
    }
    return result;
  }

  /// The required keys among the `lacking` ones that could have the value `given`.
  static std::vector<std::string_view> missing_keys(const std::set<std::string_view> &lacking, const JsonValue &given,
                                                    const std::vector<const std::vector<Attr> *> &groups, const JsonMember *names,
                                                    const std::vector<Attr> &rest) {
    std::vector<std::string_view> missing;
    for (const auto *group : groups)
      for (const Attr &attr : *group)
        if (attr.required() && lacking.contains(attr.name) && could_be(given, attr))
          missing.push_back(attr.name);
    if (names && could_be(given, rest[0]))
      for (const JsonMember &entry : names->value.members)
        if (lacking.contains(entry.key))
          missing.push_back(entry.key);
    return missing;
  }

  /// A member of the document, by its right name; null when it is missing.
  const JsonMember *top_level(std::string_view key) const {
    for (const JsonMember &member : root_.members)
      if (const auto found = corrections_.find({member.key_span.source, member.key_span.begin});
          member.key == key || (found != corrections_.end() && found->second == key))
        return &member;
    return nullptr;
  }

  /// Was the key written otherwise, and is its value none that the right key could have? Then the mistake is already reported.
  bool wrongly_corrected(const JsonMember &member, const Attr &attr) const {
    return corrections_.contains({member.key_span.source, member.key_span.begin}) && !could_be(member.value, attr);
  }

  void member(const JsonValue &value, const Attr &attr, const std::string &context, JsonValue &result) {
    const JsonMember *written = value.find_member(attr.name);
    const JsonValue *given = written ? &written->value : nullptr;
    if (written && wrongly_corrected(*written, attr)) {
      result.valid = false;
      return;
    }
    if (given && !given->is(Json::null)) {
      JsonValue checked = this->value(*given, attr, context);
      if (checked.valid || attr.default_json.empty() || attr.of_shape) {
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
      error(anchor(value), join(context, fmt::format("missing '{}' ({}: {})", attr.name, expected(attr), attr.doc)));
      result.valid = false;
    }
  }

  void further(const JsonMember &given, Attr entry, const std::string &context, JsonValue &result) {
    const std::string inner = join(context, fmt::format("{} '{}'", entry.name, given.key));
    entry.name = {};
    if (wrongly_corrected(given, entry)) {
      result.valid = false;
      return;
    }
    JsonValue checked = value(given.value, entry, inner);
    result.valid = result.valid && checked.valid;
    result.members.push_back({given.key, given.key_span, std::move(checked)});
  }

  /// `context` is that of the object the value is in.
  JsonValue value(const JsonValue &value, const Attr &attr, const std::string &context) {
    if (in_block_ && !argument_in(value).empty())
      return value;
    if (!could_be(value, attr))
      return mismatch(value, attr, context);
    switch (attr.kind) {
    case Attr::Kind::integer:
    case Attr::Kind::number:
      if (!within(attr, value.number))
        return fail(value.span, join(context, fmt::format("{} must be {}, got {}", subject(attr),
                                                          violated_limit(attr, value.number),
                                                          as_written(value, diagnostics_))));
      if (attr.kind == Attr::Kind::integer && value.is(Json::number))
        return JsonValue::of(static_cast<int64_t>(value.number), value.span);
      return attr.kind == Attr::Kind::number && !attr.in_f64 ? rounded(value, attr, context) : value;
    case Attr::Kind::boolean:
    case Attr::Kind::string:
    case Attr::Kind::expression:
    case Attr::Kind::any:
      return value;
    case Attr::Kind::name:
      if (!(attr.dotted ? is_path(value.text) : is_name(value.text)))
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
    constexpr size_t kMaxListed = 20;
    const std::string hint = hint_for_choice(value.text, attr.choices).text;
    if (attr.choices.size() > kMaxListed && !hint.empty())
      return fail(inside_quotes(value.span), join(context, fmt::format("unknown {} '{}'{}", attr.name, value.text, hint)));
    return fail(inside_quotes(value.span),
                join(context, fmt::format("{} must be {}, got '{}'{}", subject(attr), expected(attr), value.text, hint)));
  }

  JsonValue list(const JsonValue &value, const Attr &attr, const std::string &context) {
    JsonValue result = JsonValue::array(value.span);
    const JsonValue *begin = value.is(Json::array) ? value.items.data() : &value;
    const size_t count = value.is(Json::array) ? value.items.size() : 1;
    if (count < attr.min_items || count > attr.max_items)
      return fail(value.span, join(context, fmt::format("{} must have {}, got {}", subject(attr),
                                                        count_wanted(attr), count)));
    const bool in_block_before = std::exchange(in_block_, in_block_ || attr.in_block);
    for (size_t i = 0; i < count; ++i) {
      const Attr &item = attr.of[0];
      result.items.push_back(item.kind == Attr::Kind::family
                                 ? family(begin[i], item, join(context, item_label(begin[i], attr, value, i)))
                                 : element(begin[i], item, attr, value, i, context));
      result.valid = result.valid && result.items.back().valid;
    }
    in_block_ = in_block_before;
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
      return fmt::format("{} item{}", attr.min_items, attr.min_items == 1 ? "" : "s");
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

  static std::string subject(const Attr &attr) {
    return attr.name.empty() ? "this" : fmt::format("'{}'", attr.name);
  }

  JsonValue mismatch(const JsonValue &value, const Attr &attr, const std::string &context) {
    const bool huge = value.is(Json::number) && value.text.find_first_of(".eE") == std::string::npos;
    return fail(value.span, join(context, fmt::format("{} must be {}{}, got {}{}", subject(attr), expected(attr),
                                                      huge ? " of at most 64 bits" : "", as_written(value, diagnostics_),
                                                      form_hint(value, attr))));
  }

  /// The part of a string literal between its quotes.
  Span inside_quotes(Span span) const {
    const std::string &text = diagnostics_.source(span.source).text;
    const bool quoted = span.end - span.begin > 2 && text[span.begin] == '"';
    return quoted ? span.part(span.begin + 1, span.end - 1) : span;
  }

  void error(Span span, std::string message) { diagnostics_.error(span, std::move(message)); }

  JsonValue fail(Span span, std::string message) {
    error(span, std::move(message));
    JsonValue poisoned;
    poisoned.span = span;
    poisoned.valid = false;
    return poisoned;
  }

  const JsonValue &root_;
  const DType float_;
  Diagnostics &diagnostics_;
  Corrections &corrections_;
  bool in_block_ = false; // "$filters" stands for what a use of the block gives
};

} // namespace

JsonValue resolve(const JsonValue &value, const ObjectSpec &spec, const std::string &context, DType float_dtype,
                  Diagnostics &diagnostics, Corrections *corrections) {
  Corrections found;
  JsonValue result = Resolver(value, float_dtype, diagnostics, found).object(value, {&spec.attrs}, spec.rest, context);
  if (corrections)
    *corrections = std::move(found);
  return result;
}

JsonValue resolve(const JsonValue &value, const Family &family, const std::string &context, DType float_dtype,
                  Diagnostics &diagnostics) {
  Corrections found;
  return Resolver(value, float_dtype, diagnostics, found).member_of(value, family, context);
}

} // namespace gradc
