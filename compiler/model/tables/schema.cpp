// The JSON Schema (draft-07) of the model format, from the tables.
#include "compiler/model/model.h"
#include "compiler/model/tables/sections.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

namespace gradc {
namespace {

using Json = nlohmann::ordered_json;

class SchemaWriter {
public:
  Json document() {
    Json schema = {{"$schema", "http://json-schema.org/draft-07/schema#"}, {"title", "gradc model"}};
    schema.update(object(model_spec()));
    schema["definitions"] = definitions_;
    return schema;
  }

private:
  Json value(const Attr &a) {
    Json schema = kind(a);
    const bool any_string = a.kind == Attr::Kind::any || a.kind == Attr::Kind::string || a.kind == Attr::Kind::expression;
    if (in_block_ && !any_string)
      schema = {{"anyOf", {std::move(schema), argument()}}};
    if (!a.doc.empty())
      schema["description"] = a.doc;
    if (!a.default_json.empty())
      schema["default"] = Json::parse(a.default_json);
    return schema;
  }

  Json kind(const Attr &a) {
    switch (a.kind) {
    case Attr::Kind::integer:
      return limited(a, "integer");
    case Attr::Kind::number:
      return limited(a, "number");
    case Attr::Kind::boolean:
      return {{"type", "boolean"}};
    case Attr::Kind::string:
    case Attr::Kind::expression:
      return {{"type", "string"}};
    case Attr::Kind::name:
      return a.dotted ? pattern_of_paths() : pattern_of_names();
    case Attr::Kind::choice:
      return {{"enum", a.choices}};
    case Attr::Kind::list:
      return list(a);
    case Attr::Kind::object:
      return object(*a.object);
    case Attr::Kind::family:
      return family(*a.family);
    case Attr::Kind::any_of: {
      Json any = Json::array();
      for (const Attr &alternative : a.of)
        any.push_back(value(alternative));
      return {{"anyOf", any}};
    }
    case Attr::Kind::any:
      return Json::object();
    }
    return Json::object();
  }

  /// "$filters"
  static Json argument() { return {{"type", "string"}, {"pattern", "^\\$[A-Za-z_][A-Za-z0-9_]{0,63}$"}}; }

  static Json pattern_of_names() {
    return {{"type", "string"}, {"pattern", "^[A-Za-z_][A-Za-z0-9_]{0,63}$"}};
  }

  static Json pattern_of_paths() {
    return {{"type", "string"}, {"pattern", "^[A-Za-z_][A-Za-z0-9_]{0,63}(\\.[A-Za-z0-9_]{1,64})*$"}};
  }

  static Json limited(const Attr &a, std::string_view type) {
    Json schema = {{"type", type}};
    auto number = [&](double x) {
      return a.kind == Attr::Kind::integer ? Json(static_cast<int64_t>(x)) : Json(x);
    };
    if (a.min > -std::numeric_limits<double>::infinity())
      schema[a.min_open ? "exclusiveMinimum" : "minimum"] = number(a.min);
    if (a.max < std::numeric_limits<double>::infinity())
      schema[a.max_open ? "exclusiveMaximum" : "maximum"] = number(a.max);
    else if (a.kind == Attr::Kind::integer)
      schema["maximum"] = std::numeric_limits<int64_t>::max();
    return schema;
  }

  Json list(const Attr &a) {
    const bool before = std::exchange(in_block_, in_block_ || a.in_block);
    Json schema = {{"type", "array"}, {"items", a.in_block ? kind(a.of[0]) : value(a.of[0])}};
    in_block_ = before;
    if (a.min_items > 0)
      schema["minItems"] = a.min_items;
    if (a.max_items != ~size_t{0})
      schema["maxItems"] = a.max_items;
    return a.or_single ? Json{{"anyOf", {value(a.of[0]), schema}}} : schema;
  }

  void add_keys(const std::vector<Attr> &attrs, Json &schema) {
    for (const Attr &a : attrs) {
      Json v = value(a);
      if (!a.required()) // null is as good as leaving it out
        v = {{"anyOf", {std::move(v), {{"type", "null"}}}}};
      schema["properties"][std::string(a.name)] = std::move(v);
      if (a.required())
        schema["required"].push_back(a.name);
    }
  }

  Json object(const ObjectSpec &spec) {
    Json schema = {{"type", "object"}};
    if (!spec.doc.empty())
      schema["description"] = spec.doc;
    schema["properties"] = Json::object();
    add_keys(spec.attrs, schema);
    if (!spec.rest.empty() && !spec.rest[0].any_key)
      schema["propertyNames"] = pattern_of_names();
    schema["additionalProperties"] = spec.rest.empty() ? Json(false) : value(spec.rest[0]);
    return schema;
  }

  /// A reference to the family's definition, written once.
  Json family(const Family &f) {
    const std::string name = std::string(f.what) + (f.number_type.empty() ? "" : "_or_number") + (in_block_ ? "_in_block" : "");
    if (!definitions_.contains(name)) {
      definitions_[name] = nullptr; // a place in the order
      definitions_[name] = define(f);
    }
    return {{"$ref", "#/definitions/" + name}};
  }

  /// Those that need no further keys.
  static Json short_names(const Family &f) {
    Json names = Json::array();
    for (const ObjectSpec *spec : f.types)
      if (std::none_of(spec->attrs.begin(), spec->attrs.end(), [](const Attr &a) { return a.required(); }))
        names.push_back(spec->name);
    return names;
  }

  Json define(const Family &f) {
    Json names = Json::array(), cases = Json::array();
    for (const ObjectSpec *spec : f.types) {
      names.push_back(spec->name);
      Json keys = {{"description", spec->doc}, {"properties", {{"type", true}}}};
      add_keys(f.common, keys);
      add_keys(spec->attrs, keys);
      keys["additionalProperties"] = false;
      Json test = {{"properties", {{"type", {{"const", spec->name}}}}}}; // holds where there is no type
      if (spec->name != f.default_type)
        test["required"] = {"type"};
      cases.push_back({{"if", std::move(test)}, {"then", std::move(keys)}});
    }
    Json type = {{"enum", names}};
    if (in_block_)
      type = {{"anyOf", {std::move(type), argument()}}};
    Json tagged = {{"type", "object"}, {"properties", {{"type", std::move(type)}}}, {"allOf", std::move(cases)}};
    if (f.default_type.empty())
      tagged["required"] = {"type"};
    Json forms = {std::move(tagged)};
    if (f.by_name)
      forms.push_back({{"enum", short_names(f)}});
    for (const Attr &a : f.common)
      if (a.name == f.number_key)
        forms.push_back(kind(a));
    Json schema = {{"description", f.doc}};
    schema["anyOf"] = std::move(forms);
    return schema;
  }

  Json definitions_ = Json::object();
  bool in_block_ = false; // values may be arguments of the block
};

} // namespace

Json schema() { return SchemaWriter().document(); }

} // namespace gradc
