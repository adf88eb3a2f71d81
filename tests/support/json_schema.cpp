#include "tests/support/json_schema.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <map>
#include <optional>
#include <regex>
#include <stdexcept>

namespace gradc::tests {
namespace {

using Json = nlohmann::ordered_json;

class Validator {
public:
  explicit Validator(const Json &root) : root_(root) {}

  bool satisfies(const Json &value, const Json &schema) const {
    if (schema.is_boolean())
      return schema.get<bool>();
    return std::all_of(schema.items().begin(), schema.items().end(),
                       [&](const auto &keyword) { return holds(keyword.key(), keyword.value(), value, schema); });
  }

private:
  bool holds(const std::string &keyword, const Json &argument, const Json &value, const Json &schema) const {
    if (keyword == "type")
      return is_of(value, argument.get<std::string>());
    if (keyword == "const")
      return value == argument;
    if (keyword == "enum")
      return std::find(argument.begin(), argument.end(), value) != argument.end();
    if (keyword == "$ref")
      return satisfies(value, root_.at(Json::json_pointer(argument.get<std::string>().substr(1))));
    if (keyword == "anyOf")
      return std::any_of(argument.begin(), argument.end(), [&](const Json &s) { return satisfies(value, s); });
    if (keyword == "allOf")
      return std::all_of(argument.begin(), argument.end(), [&](const Json &s) { return satisfies(value, s); });
    if (keyword == "if")
      return !satisfies(value, argument) || satisfies(value, schema.at("then"));
    if (value.is_number())
      if (const auto holds = number_holds(keyword, argument, value.get<double>()))
        return *holds;
    if (keyword == "pattern")
      return !value.is_string() || std::regex_search(value.get<std::string>(), pattern(argument.get<std::string>()));
    if (keyword == "items")
      return !value.is_array() || std::all_of(value.begin(), value.end(), [&](const Json &v) { return satisfies(v, argument); });
    if (keyword == "minItems")
      return !value.is_array() || value.size() >= argument.get<size_t>();
    if (keyword == "maxItems")
      return !value.is_array() || value.size() <= argument.get<size_t>();
    return !value.is_object() ? is_known(keyword) : object_holds(keyword, argument, value, schema);
  }

  static std::optional<bool> number_holds(const std::string &keyword, const Json &limit, double number) {
    if (keyword == "minimum")
      return number >= limit.get<double>();
    if (keyword == "maximum")
      return number <= limit.get<double>();
    if (keyword == "exclusiveMinimum")
      return number > limit.get<double>();
    if (keyword == "exclusiveMaximum")
      return number < limit.get<double>();
    return std::nullopt;
  }

  bool object_holds(const std::string &keyword, const Json &argument, const Json &value, const Json &schema) const {
    for (const auto &[key, member] : value.items()) {
      const bool named = schema.contains("properties") && schema["properties"].contains(key);
      if (keyword == "properties" && named && !satisfies(member, argument[key]))
        return false;
      if (keyword == "additionalProperties" && !named && !satisfies(member, argument))
        return false;
      if (keyword == "propertyNames" && !satisfies(key, argument))
        return false;
    }
    if (keyword == "required")
      return std::all_of(argument.begin(), argument.end(), [&](const Json &key) { return value.contains(key.get<std::string>()); });
    return is_known(keyword);
  }

  static const std::regex &pattern(const std::string &text) {
    static std::map<std::string, std::regex> compiled;
    return compiled.try_emplace(text, text).first->second;
  }

  static bool is_of(const Json &value, const std::string &type) {
    static const std::map<std::string, std::function<bool(const Json &)>> kinds = {
        {"object", [](const Json &v) { return v.is_object(); }},   {"array", [](const Json &v) { return v.is_array(); }},
        {"string", [](const Json &v) { return v.is_string(); }},   {"integer", [](const Json &v) { return v.is_number() && v.get<double>() == std::floor(v.get<double>()); }},
        {"number", [](const Json &v) { return v.is_number(); }},   {"boolean", [](const Json &v) { return v.is_boolean(); }},
        {"null", [](const Json &v) { return v.is_null(); }}};
    return kinds.at(type)(value);
  }

  /// Those that say nothing about this value.
  static bool is_known(const std::string &keyword) {
    static constexpr std::string_view kWords =
        " $schema title description default definitions then properties additionalProperties propertyNames required minimum maximum "
        "exclusiveMinimum exclusiveMaximum ";
    if (kWords.find(" " + keyword + " ") == std::string_view::npos)
      throw std::logic_error("unknown keyword of JSON Schema: " + keyword);
    return true;
  }

  const Json &root_;
};

} // namespace

bool satisfies(const Json &document, const Json &schema) { return Validator(schema).satisfies(document, schema); }

} // namespace gradc::tests
