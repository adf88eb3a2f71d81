#include "tests/support/model_maker.h"

#include "compiler/model/layers/layer.h"
#include "compiler/model/tables/optimizers.h"
#include "compiler/model/tables/sections.h"

#include <cmath>

namespace gradc::tests {

using Json = ModelMaker::Json;

Json ModelMaker::file(int mistakes) {
  mistakes_ = mistakes;
  return object(model_spec());
}

Json ModelMaker::model(int mistakes) {
  mistakes_ = mistakes;
  Json file;
  file["inputs"] = {{"x", {{"shape", {3}}}}, {"y", {{"shape", {3}}}}};
  file["layers"] = Json::array();
  for (size_t count = below(4); count > 0; --count) {
    const char *types[] = {"dense", "activation", "dropout", "flatten", "scale"};
    const ObjectSpec &spec = find_layer(types[below(5)])->spec;
    Json layer = {{"type", spec.name}};
    add_keys(layer, spec.attrs);
    if (layer.contains("units") && layer["units"].is_number_integer() && layer["units"] > 8)
      layer["units"] = 1 + below(8);
    file["layers"].push_back(std::move(layer));
  }
  file["layers"].push_back({{"type", "dense"}, {"units", 3}});
  file["loss"] = {{"type", once_in(2) ? "mse" : "mae"}, {"target", "y"}};
  file["optimizer"] = family(optimizers());
  for (const char *key : {"groups", "decay_except"}) // names that match no parameter
    if (file["optimizer"].is_object())
      file["optimizer"].erase(key);
  file["metrics"] = once_in(2) ? Json("mae") : Json::array({"r2"});
  file["train"] = object(train_spec());
  file["train"].erase("data");
  file["train"].erase("stratify"); // neither input has labels
  for (const char *key : {"validation_split", "test_split"})
    if (file["train"].contains(key) && file["train"][key].is_number() && file["train"][key] > 0.4 && file["train"][key] < 1)
      file["train"][key] = 0.25;
  return file;
}

Json ModelMaker::value(const Attr &attr) {
  if (in_block_ && once_in(10))
    return once_in(2) ? "$a" : "$_a1";
  if (mistakes_ > 0 && once_in(20)) {
    --mistakes_;
    return wrong_value(attr);
  }
  return right_value(attr);
}

Json ModelMaker::right_value(const Attr &attr) {
  switch (attr.kind) {
  case Attr::Kind::integer:
  case Attr::Kind::number:
    return number(attr);
  case Attr::Kind::boolean:
    return once_in(2);
  case Attr::Kind::string:
    return once_in(2) ? "text" : "";
  case Attr::Kind::expression:
    return once_in(2) ? "mean(x)" : "x - 1";
  case Attr::Kind::name:
    return once_in(2) ? "x" : "_a1";
  case Attr::Kind::choice:
    return attr.choices[below(attr.choices.size())];
  case Attr::Kind::list: {
    if (attr.or_single && once_in(2))
      return value(attr.of[0]);
    Json list = Json::array();
    const bool before = in_block_;
    for (size_t count = std::min(attr.min_items + below(3), attr.max_items); count > 0; --count) {
      in_block_ = before || attr.in_block;
      list.push_back(attr.in_block ? family(*attr.of[0].family) : value(attr.of[0])); // a layer itself is no argument
      in_block_ = before;
    }
    return list;
  }
  case Attr::Kind::object:
    return object(*attr.object);
  case Attr::Kind::family:
    return family(*attr.family);
  case Attr::Kind::any_of:
    return value(attr.of[below(attr.of.size())]);
  case Attr::Kind::any:
    return once_in(3) ? Json(nullptr) : once_in(2) ? Json::array({1, "x", {{"y", false}}}) : Json(0.5);
  }
  return nullptr;
}

/// A value of another kind, or just outside the limits. A few of them are right for some attributes.
Json ModelMaker::wrong_value(const Attr &attr) {
  const double far = 1e6;
  switch (below(9)) {
  case 0: return nullptr;
  case 1: return "no such word";
  case 2: return 0.5;
  case 3: return Json::array();
  case 4: return {{"no_such_key", 1}};
  case 5: return !once_in(2);
  case 6: return Json::array({"x", 1, nullptr});
  case 7: return attr.kind == Attr::Kind::integer ? Json(static_cast<int64_t>(std::max(attr.min, -far)) - 1) : Json(std::max(attr.min, -far) - 0.5);
  default: return attr.kind == Attr::Kind::integer ? Json(static_cast<int64_t>(std::min(attr.max, far)) + 1) : Json(attr.max_open ? attr.max : std::min(attr.max, far) + 0.5);
  }
}

Json ModelMaker::number(const Attr &attr) {
  const double low = std::max(attr.min, -10.0), high = std::min(attr.max, low + 20);
  if (attr.kind == Attr::Kind::integer) {
    const int64_t whole = static_cast<int64_t>(low) + static_cast<int64_t>(below(static_cast<size_t>(high - low) + 1));
    return once_in(10) ? Json(static_cast<double>(whole)) : Json(whole);
  }
  if (once_in(3) && !attr.min_open)
    return low;
  return low + (high - low) * static_cast<double>(1 + below(999)) / 1000;
}

Json ModelMaker::object(const ObjectSpec &spec) {
  Json result = Json::object();
  add_keys(result, spec.attrs);
  if (!spec.rest.empty())
    for (const char *name : {"x", "_a1"})
      if (spec.rest[0].keys_of.empty() || once_in(2))
        result[name] = value(spec.rest[0]);
  return result;
}

Json ModelMaker::family(const Family &family) {
  const ObjectSpec &spec = *family.types[below(family.types.size())];
  if (family.by_name && once_in(3))
    return spec.name; // a mistake where it has required keys
  if (!family.number_type.empty() && once_in(3))
    return 0.25;
  Json result = Json::object();
  if (spec.name != family.default_type || once_in(2))
    result["type"] = mistakes_ > 0 && once_in(30) ? (--mistakes_, Json("no_such_type")) : Json(spec.name);
  add_keys(result, family.common);
  add_keys(result, spec.attrs);
  return result;
}

void ModelMaker::add_keys(Json &object, const std::vector<Attr> &attrs) {
  for (const Attr &attr : attrs) {
    const bool forgotten = mistakes_ > 0 && attr.required() && once_in(40);
    mistakes_ -= forgotten;
    if (attr.required() ? !forgotten : once_in(2))
      object[std::string(attr.name)] = !attr.required() && once_in(10) ? Json(nullptr) : value(attr);
  }
  if (mistakes_ > 0 && once_in(60))
    --mistakes_, object["no_such_key"] = 1;
}

} // namespace gradc::tests
