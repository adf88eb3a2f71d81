// One mistake in a model file is one error: what follows from it is not reported again.
#include "compiler/model/model.h"

#include <catch2/catch.hpp>
#include <functional>
#include <nlohmann/json.hpp>

namespace gradc {
namespace {

using Json = nlohmann::ordered_json;
using Path = Json::json_pointer;

const char *const kModels[] = {
    R"json({
      "name": "flowers",
      "inputs": {"size": {"shape": [4]}, "color": {"shape": [], "dtype": "i64"}, "kind": {"shape": [], "dtype": "i32"}},
      "layers": [
        {"name": "colors", "type": "one_hot", "classes": 2, "input": "color"},
        {"name": "both", "type": "concat", "input": ["size", "colors"], "axis": 0},
        {"name": "hidden", "type": "dense", "units": 8, "activation": {"type": "leaky_relu", "alpha": 0.1}, "l2": 0.01,
         "weight_initializer": {"type": "xavier_normal", "gain": {"type": "leaky_relu", "alpha": 0.1}}, "drop_connect": 0.1},
        {"name": "noisy", "type": "noise", "stddev": 0.1},
        {"name": "some", "type": "slice", "axis": 0, "start": 1, "stop": 7, "step": 2},
        {"name": "limited", "type": "clip", "min": -3, "max": 3},
        {"name": "average", "type": "mean", "axes": [0], "keep": true},
        {"name": "drop", "type": "dropout", "rate": 0.25},
        {"name": "scores", "type": "dense", "units": 3, "weight_initializer": {"type": "constant", "value": 1}}
      ],
      "loss": {"type": "softmax_cross_entropy", "logits": "scores", "labels": "kind", "label_smoothing": 0.1},
      "metrics": ["accuracy"],
      "optimizer": {"type": "adamw", "learning_rate": {"type": "step", "initial": 0.1, "every": 5}, "beta1": 0.5},
      "outputs": ["scores"],
      "train": {
        "batch_size": 8, "epochs": 3, "seed": 1, "shuffle": false, "validation_split": 0.25,
        "data": {"path": "flowers.csv", "header": true, "delimiter": ";", "size": {"columns": [0, 3], "standardize": true},
                 "color": {"column": "color", "labels": ["red", "blue"]}, "kind": {"column": "kind"}}
      }
    })json",
    R"json({
      "inputs": {"x": {"shape": [2, 3]}, "y": {"shape": [1]}, "z": {"shape": [2]}},
      "layers": [
        {"name": "flat", "type": "flatten", "input": "x"},
        {"name": "trunk", "type": "dense", "units": 4, "activation": "tanh"},
        {"name": "first", "type": "dense", "units": 1},
        {"name": "second", "type": "dense", "units": 2, "input": "trunk"},
        {"name": "bent", "type": "expression", "of": "second * sigmoid(mean(first)) + 1"}
      ],
      "loss": [{"type": "mse", "prediction": "first", "target": "y"}, {"type": "mae", "prediction": "second", "target": "z", "weight": 2},
               {"type": "expression", "of": "mean(abs(bent - z))", "weight": 0.1}],
      "metrics": [{"type": "r2", "name": "fit", "prediction": "first", "target": "y"}, {"type": "mae", "prediction": "second", "target": "z"},
                  {"type": "expression", "name": "worst", "of": "max(abs(bent - z))", "higher_is_better": false}],
      "optimizer": {"type": "sgd", "learning_rate": 0.5},
      "train": {"data": {"path": "d.npz", "x": {"array": "a"}, "y": {"scale": 2, "offset": 1}, "z": {"path": "z.npy"}}}
    })json",
    R"({
      "inputs": {"x": {"shape": [4]}, "y": {"shape": [2]}, "kind": {"shape": [], "dtype": "i32"}},
      "layers": [
        {"name": "trunk", "type": "dense", "units": 4, "activation": "tanh", "input": "x"},
        {"name": "middle", "type": "dense", "units": 2},
        {"name": "spread", "type": "dense", "units": 2, "activation": "softplus", "input": "trunk"},
        {"name": "scores", "type": "dense", "units": 3, "input": "trunk"}
      ],
      "loss": [
        {"type": "gaussian_nll", "prediction": "middle", "variance": "spread", "target": "y", "full": true, "epsilon": 0.001},
        {"type": "focal", "logits": "scores", "labels": "kind", "alpha": [1, 2, 3], "ignore": -1, "gamma": 1.5},
        {"type": "cosine", "prediction": "middle", "target": "spread", "margin": 0.5, "weight": 0.5}
      ],
      "metrics": ["r2", "accuracy"]
    })",
    R"json({
      "inputs": {"x": {"shape": [4]}, "y": {"shape": [4]}},
      "blocks": {
        "residual": {
          "arguments": {"units": 4, "bend": "relu", "project": false},
          "layers": [
            {"name": "wide", "type": "dense", "units": "$units", "activation": "$bend", "l2": 0.01},
            {"name": "skip", "type": "dense", "units": "$units", "use_bias": false, "input": "input", "when": "$project"},
            {"name": "sum", "type": "expression", "of": "wide + skip"}
          ]
        },
        "pair": {
          "arguments": {"units": null},
          "inputs": ["left", "right"],
          "layers": [
            {"name": "both", "type": "add", "input": ["left", "right"]},
            {"name": "inner", "type": "block", "block": "residual", "set": {"units": "$units", "project": true}, "repeat": 2}
          ]
        }
      },
      "layers": [
        {"name": "stem", "type": "dense", "units": 4, "input": "x"},
        {"name": "net", "type": "block", "block": "residual", "repeat": 3, "set": {"bend": {"type": "elu", "alpha": 0.5}},
         "first": {"project": true}},
        {"name": "tied", "type": "block", "block": "residual", "share": "net.1"},
        {"name": "two", "type": "block", "block": "pair", "input": ["stem", "tied"], "set": {"units": 4}},
        {"name": "matrix", "type": "parameter", "shape": [4, 4], "initializer": {"type": "normal", "stddev": 0.5}, "l1": 0.01},
        {"name": "turned", "type": "op", "op": "contract", "indices": "bi,io->bo", "input": ["two", "matrix"]},
        {"name": "total", "type": "op", "op": "sum", "axes": [1], "keep": true},
        {"name": "rate", "type": "op", "op": "constant", "value": 0.5, "shape": [4], "per_example": true},
        {"name": "out", "type": "expression", "of": "turned + total * rate"}
      ],
      "loss": {"type": "mse", "prediction": "out", "target": "y"},
      "outputs": ["out"]
    })json"};

/// Every value inside `json` but itself.
void each_value(const Json &json, const Path &at, const std::function<void(const Path &)> &visit) {
  if (!json.is_structured())
    return;
  for (const auto &[key, value] : json.items()) {
    const Path path = json.is_array() ? at / std::stoul(key) : at / key;
    visit(path);
    each_value(value, path, visit);
  }
}

void check_one_error(const Json &model, const std::string &mistake) {
  Diagnostics diagnostics;
  if (load_model_text(model.dump(1), "model.json", {}, diagnostics))
    return; // no mistake
  INFO(mistake << "\n" << diagnostics.render());
  CHECK(diagnostics.errors().size() == 1);
}

/// The names of inputs, blocks and their arguments are the user's own: to change one where it is declared is a mistake in each
/// place that has it.
bool is_declared_name(const Path &path) {
  const Path parent = path.parent_pointer();
  return parent == Path("/inputs") || parent == Path("/blocks") || (!parent.empty() && parent.back() == "arguments");
}

TEST_CASE("the models that mistakes are made in have none", "[model]") {
  for (const char *text : kModels) {
    Diagnostics diagnostics;
    load_model_text(text, "model.json", {}, diagnostics);
    CHECK(diagnostics.render() == "");
  }
}

TEST_CASE("a misspelt key is one error", "[model]") {
  for (const char *text : kModels) {
    const Json model = Json::parse(text);
    each_value(model, Path(), [&](const Path &path) {
      const std::string key = path.back();
      if (model[path.parent_pointer()].is_array() || is_declared_name(path))
        return;
      for (const std::string &wrong : {key + "s", key.substr(1)}) {
        Json changed = model;
        Json renamed = Json::object();
        for (const auto &[name, value] : model[path.parent_pointer()].items())
          renamed[name == key ? wrong : name] = value;
        changed[path.parent_pointer()] = renamed;
        if (wrong.size() > 0 && !model[path.parent_pointer()].contains(wrong))
          check_one_error(changed, path.to_string() + " as " + wrong);
      }
    });
  }
}

TEST_CASE("a value of another kind is one error", "[model]") {
  for (const char *text : kModels) {
    const Json model = Json::parse(text);
    each_value(model, Path(), [&](const Path &path) {
      for (const Json &wrong : {Json(-5), Json("nonsense"), Json(true), Json(1e300), Json::object(), Json::array()}) {
        if ((path.back() == "shape" && wrong.is_array()) || (path.back() == "name" && wrong.is_string()) ||
            (path.back() == "path" && wrong.is_string()) || (path.back() == "blocks" && wrong == Json::object()) ||
            (path.back() == "arguments" && wrong == Json::object()))
          continue; // right by itself, and wrong in each place that depends on it
        Json changed = model;
        changed[path] = wrong;
        check_one_error(changed, path.to_string() + " = " + wrong.dump());
      }
    });
  }
}

TEST_CASE("a key that is missing is one error", "[model]") {
  for (const char *text : kModels) {
    const Json model = Json::parse(text);
    each_value(model, Path(), [&](const Path &path) {
      if (model[path.parent_pointer()].is_array() || is_declared_name(path))
        return;
      if (path.back() == "name" || path.back() == "dtype" || path.back() == "blocks" || path.back() == "arguments")
        return; // may be left out, and then is another in each place that depends on it
      Json changed = model;
      changed[path.parent_pointer()].erase(path.back());
      check_one_error(changed, "no " + path.to_string());
    });
  }
}

} // namespace
} // namespace gradc
