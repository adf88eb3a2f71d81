// Primitives as layers, and values that are one for the whole batch.
#include "compiler/model/model.h"
#include "ir/interpreter.h"
#include "ir/op.h"
#include "ir/verifier.h"
#include "tests/support/models.h"
#include "tests/support/op_samples.h"

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include <algorithm>

namespace gradc {
namespace {

using Json = nlohmann::ordered_json;
using tests::model_of;

/// A model that trains a layer beside these and returns the last of them.
std::string beside(Json layers) {
  const std::string last = layers.back()["name"];
  layers.push_back({{"name", "out"}, {"type", "dense"}, {"units", 1}, {"input", "x"}});
  return Json{{"inputs", {{"x", {{"shape", {2}}}}, {"y", {{"shape", {1}}}}}},
              {"layers", layers},
              {"loss", {{"type", "mse"}, {"prediction", "out"}, {"target", "y"}}},
              {"outputs", {last, "out"}}}
      .dump();
}

/// The op of a sample as a layer that reads constants of the types of its operands.
Json as_layers(const Graph &sample, const Node &node) {
  Json layers = Json::array(), layer = {{"name", "result"}, {"type", "op"}, {"op", node.op->name}};
  const bool random = node.op->kind == OpKind::source;
  for (Value operand : random ? std::vector<Value>() : node.inputs) {
    const Type &type = sample.type(operand);
    const std::string name = "operand" + std::to_string(layers.size());
    layers.push_back({{"name", name},
                      {"type", "op"},
                      {"op", "constant"},
                      {"value", 1},
                      {"shape", type.shape},
                      {"dtype", to_string(type.dtype)}});
    layer["input"].push_back(name);
  }
  for (const auto &[name, value] : node.attrs)
    if (name != "stream")
      layer[name] = std::visit([](const auto &x) { return Json(x); }, value);
  if (node.op->type_rule != TypeRule::derived)
    layer["shape"] = node.type.shape;
  if (node.op->type_rule == TypeRule::written)
    layer["dtype"] = to_string(node.type.dtype);
  layers.push_back(layer);
  return layers;
}

bool has_f64(const Graph &graph) {
  return std::ranges::any_of(graph.nodes, [](const Node &node) { return node.type.dtype == DType::f64; });
}

TEST_CASE("every op is a layer", "[model]") {
  tests::Rng rng(1);
  for (const OpDef *op : all_ops()) {
    int tried = 0;
    for (int i = 0; i < 60 && tried < 5; ++i) {
      const Graph sample = tests::sample_op_graph(*op, rng, {.real = DType::f32});
      const Node &node = sample.nodes.back();
      if (has_f64(sample))
        continue; // the floats of a model are of one type
      ++tried;
      const Json layers = as_layers(sample, node);
      INFO(layers.dump());
      const Model model = model_of(beside(layers));
      const ModelLayer &layer = model.layers[layers.size() - 1];
      CHECK(layer.output == node.type.shape);
      CHECK(layer.dtype == node.type.dtype);
      CHECK_FALSE(layer.per_example);
      const Graph predict = build_graph(model, Entry::predict, 3);
      CHECK_NOTHROW(verify(predict));
      CHECK(std::ranges::any_of(predict.nodes, [&](const Node &other) { return other.op == op && other.type == node.type; }));
    }
    INFO("op " << op->name);
    CHECK(tried > 0);
  }
}

/// What predict returns first, for `batch` examples of which all elements are 0 but for the parameters, which are 0.5.
Tensor predicted(const Model &model, int64_t batch) {
  const Graph graph = build_graph(model, Entry::predict, batch, DType::f64);
  Bindings state;
  for (const Node &node : graph.nodes)
    if (node.is_declaration()) {
      Tensor tensor(node.type);
      for (int64_t i = 0; node.role == Role::param && i < node.type.elements(); ++i)
        tensor.set(i, 0.5);
      state.emplace(node.name, std::move(tensor));
    }
  return interpret(graph, state)[0];
}

TEST_CASE("one value for the whole batch is predicted once for each example", "[model]") {
  const Tensor result = predicted(model_of(R"({
    "inputs": {"x": {"shape": [2]}, "y": {"shape": [2]}},
    "layers": [{"name": "w", "type": "parameter", "shape": [2]}, {"name": "twice", "type": "scale", "factor": 2},
               {"name": "sum", "type": "add", "input": ["x", "twice"]}],
    "loss": {"type": "mse", "prediction": "sum", "target": "y"}, "outputs": ["twice", "sum"]})"),
                                  3);
  CHECK(result.type == Type{DType::f64, {3, 2}});
  CHECK(result.floats == std::vector<double>(6, 1.0));
}

TEST_CASE("an op without operands makes a value for each example where the file says so", "[model]") {
  for (bool per_example : {true, false}) {
    const Model model = model_of(
        beside({{{"name", "n"}, {"type", "op"}, {"op", "random_normal"}, {"shape", {4}}, {"per_example", per_example}}}));
    CHECK(model.layers[0].per_example == per_example);
    const Tensor drawn = predicted(model, 2);
    CHECK(drawn.type == Type{DType::f64, {2, 4}});
    CHECK((drawn.floats[0] == drawn.floats[4]) != per_example); // the two examples have numbers of their own, or the same
  }
}

TEST_CASE("a penalty of one value for the whole batch does not depend on the batch", "[model]") {
  const Model model = model_of(R"({
    "inputs": {"x": {"shape": [2]}, "y": {"shape": [2]}},
    "layers": [{"name": "w", "type": "parameter", "shape": [2], "activity_l2": 0.5}, {"name": "out", "type": "add", "input": ["x", "w"]}],
    "loss": {"type": "mse", "target": "y"}})");
  for (int64_t batch : {1, 4}) {
    const Graph graph = build_graph(model, Entry::train_step, batch, DType::f64);
    Bindings state;
    for (const Node &node : graph.nodes)
      if (node.is_declaration()) {
        Tensor tensor(node.type);
        for (int64_t i = 0; node.name == "w.value" && i < 2; ++i)
          tensor.set(i, 3);
        state.emplace(node.name, std::move(tensor));
      }
    state.at("w.activity_l2").set(0, 0.5);
    CHECK(interpret(graph, state)[0].number(0) == Approx(9 + 0.5 * 18)); // mean of w^2, and the sum of w^2
  }
}

} // namespace
} // namespace gradc
