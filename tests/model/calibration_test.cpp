// Initial values that data decide (lsuv), run by the reference interpreter.
#include "compiler/model/model.h"
#include "ir/interpreter.h"
#include "ir/verifier.h"
#include "tests/support/models.h"

#include <catch2/catch.hpp>

#include <cmath>
#include <fmt/format.h>

namespace gradc {
namespace {

using tests::model_of;

constexpr int64_t kBatch = 32;

/// Runs an entry on rows of which no two are alike, and keeps what it updates in `state`.
std::vector<Tensor> run(const Model &model, Entry entry, Bindings &state, DType dtype = DType::f64, double scale = 3) {
  const Graph graph = build_graph(model, entry, kBatch, dtype);
  verify(graph);
  for (const Node &node : graph.nodes) {
    if (!node.is_declaration() || (is_state(node.role) && state.contains(node.name)))
      continue;
    Tensor tensor(node.type);
    for (int64_t i = 0; node.role == Role::input && i < node.type.elements(); ++i)
      tensor.set(i, scale * std::sin(0.37 * static_cast<double>(i) + 0.001 * static_cast<double>(i * i)) + 0.2);
    state.insert_or_assign(node.name, tensor);
  }
  return interpret(graph, state);
}

double variance(const std::vector<double> &values) {
  double mean = 0, squares = 0;
  for (double value : values)
    mean += value / static_cast<double>(values.size());
  for (double value : values)
    squares += (value - mean) * (value - mean);
  return squares / static_cast<double>(values.size());
}

/// `depth` pairs of a linear layer, which is an output, and an activation.
Model deep(const std::string &activation, int64_t depth, const std::string &optimizer = "\"sgd\"") {
  std::string layers, outputs;
  for (int64_t i = 0; i < depth; ++i) {
    layers += fmt::format(R"({{"name": "linear{0}", "type": "dense", "units": {1}, "weight_initializer": "lsuv"{2}}},
                              {{"name": "bent{0}", "type": "activation", "activation": "{3}"}},)",
                          i, 12 + 5 * (i % 3), i ? "" : R"(, "input": "x")", activation);
    outputs += fmt::format("\"linear{}\", ", i);
  }
  return model_of(fmt::format(R"({{"inputs": {{"x": {{"shape": [10]}}, "y": {{"shape": [2]}}}},
    "layers": [{}{{"name": "drop", "type": "dropout", "rate": 0.5}}, {{"name": "out", "type": "dense", "units": 2, "weight_initializer": "lsuv"}}],
    "outputs": [{}"out"], "loss": {{"type": "mse", "target": "y", "prediction": "out"}}, "optimizer": {}}})",
                              layers, outputs, optimizer));
}

} // namespace

TEST_CASE("after calibration the linear output of every layer has variance 1, however deep", "[model]") {
  for (const char *activation : {"tanh", "relu", "sigmoid"})
    for (const auto &[dtype, precision] : {std::pair(DType::f64, 1e-12), {DType::f32, 1e-5}}) {
      const Model model = deep(activation, 20);
      Bindings state;
      run(model, Entry::init, state, dtype);
      CHECK(variance(run(model, Entry::predict, state, dtype)[10].floats) != Approx(1).epsilon(0.01));
      run(model, Entry::calibrate, state, dtype);
      const std::vector<Tensor> outputs = run(model, Entry::predict, state, dtype);
      REQUIRE(outputs.size() == 21);
      for (size_t i = 0; i < outputs.size(); ++i) {
        INFO(activation << ", layer " << i);
        CHECK(variance(outputs[i].floats) == Approx(1).epsilon(precision));
      }
    }
}

TEST_CASE("after calibration the linear output of convolutions has variance 1", "[model]") {
  const Model model = model_of(R"({"inputs": {"x": {"shape": [9, 8, 3]}, "y": {"shape": [2]}},
    "layers": [{"name": "a", "type": "conv2d", "filters": 5, "kernel_size": 3, "strides": 2, "padding": "same", "weight_initializer": "lsuv", "input": "x"},
               {"name": "b", "type": "depthwise_conv2d", "kernel_size": 2, "depth_multiplier": 2, "weight_initializer": "lsuv"},
               {"name": "c", "type": "separable_conv2d", "filters": 6, "kernel_size": 2, "pointwise_initializer": "lsuv"},
               {"name": "d", "type": "conv_transpose2d", "filters": 4, "kernel_size": 3, "strides": 2, "groups": 2, "weight_initializer": "lsuv"},
               {"name": "flat", "type": "flatten"}, {"name": "out", "type": "dense", "units": 2}],
    "outputs": ["a", "b", "c", "d"], "loss": {"type": "mse", "target": "y", "prediction": "out"}})");
  Bindings state;
  run(model, Entry::init, state);
  run(model, Entry::calibrate, state);
  for (const Tensor &output : run(model, Entry::predict, state))
    CHECK(variance(output.floats) == Approx(1).epsilon(1e-12));
}

// Of the first layer the weights are known: their rows or columns are orthonormal before.
TEST_CASE("calibration scales weights and leaves all else alone", "[model]") {
  const Model model = deep("tanh", 2, R"({"type": "adam", "average": {"type": "ema", "decay": 0.9}})");
  Bindings state;
  run(model, Entry::init, state);
  Bindings before = state;
  for (const char *input : {"x", "y"})
    before.erase(input);
  run(model, Entry::calibrate, state);
  for (const auto &[name, tensor] : before) {
    INFO(name);
    if (!name.ends_with(".weight") && !name.ends_with(".weight.ema")) {
      CHECK(tensor.floats == state.at(name).floats);
      continue;
    }
    const double factor = state.at(name).floats[0] / tensor.floats[0];
    CHECK(factor > 0);
    CHECK(factor != 1);
    for (size_t i = 0; i < tensor.floats.size(); ++i)
      CHECK(state.at(name).floats[i] == Approx(tensor.floats[i] * factor).epsilon(1e-12));
  }
  CHECK(state.at("out.weight").floats == state.at("out.weight.ema").floats);
}

TEST_CASE("weights that several layers use are scaled once, for the first", "[model]") {
  const Model model = model_of(R"({"inputs": {"x": {"shape": [6]}, "y": {"shape": [6]}},
    "layers": [{"name": "a", "type": "dense", "units": 6, "weight_initializer": "lsuv", "input": "x"},
               {"name": "b", "type": "dense", "units": 6, "share": "a", "input": "bent"},
               {"name": "bent", "type": "activation", "activation": "tanh", "input": "a"},
               {"name": "c", "type": "dense", "units": 6, "weight_initializer": "lsuv", "input": "b"}],
    "outputs": ["a", "b", "c"], "loss": {"type": "mse", "target": "y", "prediction": "c"}})");
  Bindings state;
  run(model, Entry::init, state);
  run(model, Entry::calibrate, state);
  const std::vector<Tensor> outputs = run(model, Entry::predict, state);
  CHECK(variance(outputs[0].floats) == Approx(1).epsilon(1e-12));
  CHECK(variance(outputs[1].floats) != Approx(1).epsilon(0.01));
  CHECK(variance(outputs[2].floats) == Approx(1).epsilon(1e-12));
}

TEST_CASE("weights whose output does not vary keep their scale", "[model]") {
  const Model model = model_of(R"({"inputs": {"x": {"shape": [6]}, "y": {"shape": [1]}},
    "layers": [{"name": "zero", "type": "scale", "factor": 0, "input": "x"},
               {"name": "a", "type": "dense", "units": 1, "weight_initializer": "lsuv"}],
    "loss": {"type": "mse", "target": "y"}})");
  Bindings state;
  run(model, Entry::init, state);
  const std::vector<double> before = state.at("a.weight").floats;
  run(model, Entry::calibrate, state);
  CHECK(state.at("a.weight").floats == before);
}

TEST_CASE("a model whose initializers see no data has no entry calibrate", "[model]") {
  const char *text = R"({"inputs": {"x": {"shape": [2]}, "y": {"shape": [1]}},
    "layers": [{"name": "a", "type": "dense", "units": 1, "input": "x"}], "loss": {"type": "mse", "target": "y"}})";
  CHECK_FALSE(has_entry(model_of(text), Entry::calibrate));
  CHECK_THROWS_WITH(build_graph(model_of(text), Entry::calibrate, 1), "no initializer is 'lsuv': the model has nothing to calibrate");
  CHECK(has_entry(model_of(text, {"layers.a.weight_initializer=lsuv"}), Entry::calibrate));
}

} // namespace gradc
