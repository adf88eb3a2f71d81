#include "compiler/model/linking/arguments.h"

#include "compiler/model/json/json_reader.h"
#include "compiler/model/tables/attributes.h"
#include "ir/suggest.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <functional>
#include <set>

namespace gradc {
namespace {

class Copier {
public:
  Copier(const Arguments &arguments, uint32_t expansion, CopyBudget &budget)
      : arguments_(arguments), expansion_(expansion), budget_(budget) {}

  bool copy(const JsonValue &from, bool with_arguments, size_t depth, JsonValue &to) {
    if (depth > kMaxJsonDepth || !budget_.take(from))
      return false;
    if (with_arguments)
      if (const auto argument = arguments_.find(argument_in(from)); argument != arguments_.end())
        return copy(argument->second, false, depth, to);
    to = JsonValue();
    to.kind = from.kind, to.boolean = from.boolean, to.integer = from.integer, to.number = from.number;
    to.valid = from.valid;
    to.text =
        with_arguments && from.is(JsonValue::Kind::string) && from.text.starts_with("$$") ? from.text.substr(1) : from.text;
    to.span = here(from.span);
    for (const JsonValue &item : from.items)
      if (!copy(item, with_arguments, depth + 1, to.items.emplace_back()))
        return false;
    for (const JsonMember &member : from.members) {
      to.members.push_back({member.key, here(member.key_span), {}});
      if (!copy(member.value, with_arguments, depth + 1, to.members.back().value))
        return false;
    }
    return true;
  }

private:
  Span here(Span span) const {
    span.expansion = expansion_;
    return span;
  }

  const Arguments &arguments_;
  const uint32_t expansion_;
  CopyBudget &budget_;
};

void each_argument(const JsonValue &value, const std::function<void(std::string_view, Span)> &visit) {
  if (const std::string_view name = argument_in(value); !name.empty())
    visit(name, value.span);
  for (const JsonValue &item : value.items)
    each_argument(item, visit);
  for (const JsonMember &member : value.members)
    each_argument(member.value, visit);
}

} // namespace

bool CopyBudget::take(const JsonValue &value) {
  values -= 1 + static_cast<int64_t>(value.text.size() / 64);
  return values >= 0;
}

bool copy_with_arguments(const JsonValue &from, const Arguments &arguments, uint32_t expansion, CopyBudget &budget,
                         JsonValue &to) {
  return Copier(arguments, expansion, budget).copy(from, true, 0, to);
}

bool arguments_of_use(const JsonValue &block, const JsonValue &use, const std::string &name, bool first, Arguments &arguments,
                      Diagnostics &diagnostics) {
  const JsonValue &declared = block.at("arguments");
  const std::string context = fmt::format("layer '{}': block '{}'", name, use.string_at("block"));
  std::vector<std::string_view> names;
  for (const JsonMember &argument : declared.members) {
    names.push_back(argument.key);
    arguments[argument.key] = argument.value;
  }
  bool good = true;
  for (std::string_view key : {"set", "first"})
    for (const JsonMember &given : use.at(key).members) {
      if (!declared.find(given.key)) {
        diagnostics.error(given.key_span,
                          fmt::format("{} has no argument '{}'{}", context, given.key, did_you_mean(given.key, names)));
        good = false;
      } else if (!given.value.is(JsonValue::Kind::null) && (first || key == "set")) {
        arguments[given.key] = given.value;
      }
    }
  std::vector<std::string_view> missing;
  for (std::string_view argument : names)
    if (arguments.find(argument)->second.is(JsonValue::Kind::null))
      missing.push_back(argument);
  if (good && !missing.empty())
    diagnostics.error(use.at("block").span, fmt::format("{} needs '{}'; write \"set\": {{\"{}\": ...}}", context,
                                                        fmt::join(missing, "' and '"), missing[0]));
  return good && missing.empty();
}

bool check_arguments(const std::string &name, const JsonValue &block, const JsonValue &raw, Diagnostics &diagnostics) {
  const std::vector<JsonMember> &declared = block.at("arguments").members;
  std::vector<std::string_view> names;
  for (const JsonMember &argument : declared)
    names.push_back(argument.key);
  bool good = !diagnostics.has_errors_in(raw.span); // else a value that is wrong may have been meant to be an argument
  std::set<std::string, std::less<>> used;
  each_argument(block.at("layers"), [&](std::string_view argument, Span span) {
    used.emplace(argument);
    if (block.at("arguments").find(argument))
      return;
    diagnostics.error(span, fmt::format("block '{}': it has no argument '{}'{}", name, argument,
                                        names.empty() ? "; name it in its 'arguments'" : did_you_mean(argument, names)));
    good = false;
  });
  for (const JsonMember &argument : declared) {
    const std::string context = fmt::format("block '{}': argument '{}'", name, argument.key);
    if (!is_name(argument.key))
      diagnostics.error(argument.key_span, context + ": names are letters, digits and _, at most 64");
    else if (!used.contains(argument.key) && good)
      diagnostics.error(argument.key_span,
                        context + " is never used; remove it, or write \"$" + argument.key + "\" in a layer");
    else
      continue;
    good = false;
  }
  return good;
}

} // namespace gradc
