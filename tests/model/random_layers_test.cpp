// Layers that draw random numbers in training: which elements they change, by how much, and that they do nothing else.
#include "compiler/model/model.h"
#include "ir/interpreter.h"
#include "tests/support/models.h"

#include <catch2/catch.hpp>

#include <algorithm>
#include <cmath>
#include <fmt/format.h>

namespace gradc {
namespace {

constexpr int64_t kUnits = 4096;

/// `keys` are those of a layer that reads kUnits biases of a dense layer; the loss is the mean of (y - target)^2.
Model random_layer(const std::string &keys) {
  return tests::model_of(fmt::format(R"({{
    "inputs": {{"x": {{"shape": [1]}}, "y": {{"shape": [{0}]}}}},
    "layers": [{{"name": "a", "type": "dense", "units": {0}, "input": "x"}}, {{"name": "f", {1}}}],
    "loss": {{"type": "mse", "target": "y"}}}})",
                                     kUnits, keys));
}

struct Result {
  double loss;
  std::vector<double> gradients; // of the biases
};

/// With every target 0, in f64.
Result run(const Model &model, Entry entry, double (*bias)(int64_t), int64_t step = 0, int64_t batch = 1) {
  const Graph graph = build_graph(model, entry, batch, DType::f64);
  Bindings state;
  for (const Node &node : graph.nodes)
    if (node.is_declaration())
      state.emplace(node.name, Tensor(node.type));
  for (const ModelHyper &hyper : model.hypers)
    state.at(hyper.name).set(0, hyper.value);
  state.at("seed").set_integer(0, 11);
  state.at("step").set_integer(0, step);
  for (int64_t i = 0; i < kUnits; ++i)
    state.at("a.bias").set(i, bias(i));
  const double loss = interpret(graph, state)[0].number(0);
  return {loss, entry == Entry::grad_step ? state.at("a.bias.grad").floats : std::vector<double>()};
}

double zero(int64_t) { return 0; }
double one(int64_t) { return 1; }
/// Mean 0 and variance 1.
double both_signs(int64_t i) { return i % 2 == 0 ? 1 : -1; }

// The standard error of the variance of 4096 numbers is sqrt(2 / 4096) = 2.2 % of it.
TEST_CASE("noise has its deviation in training, another value each step, and is off in evaluation", "[model]") {
  const Model model = random_layer(R"("type": "noise", "stddev": 0.25)");
  const double first = run(model, Entry::grad_step, zero).loss;
  CHECK(first == Approx(0.0625).epsilon(0.1));
  CHECK(run(model, Entry::grad_step, zero).loss == first);
  CHECK(run(model, Entry::grad_step, zero, 1).loss != first);
  CHECK(run(model, Entry::evaluate, zero).loss == 0);
}

TEST_CASE("stochastic_depth drops whole examples and scales the others", "[model]") {
  const Model model = random_layer(R"("type": "stochastic_depth", "rate": 0.2)");
  constexpr int64_t kBatch = 40;
  const Result trained = run(model, Entry::grad_step, one, 0, kBatch);
  const double kept = trained.loss * kBatch * 0.8 * 0.8;
  CHECK(kept == Approx(std::round(kept)).epsilon(1e-12));
  CHECK((kept > 20 && kept < kBatch));
  for (double gradient : trained.gradients) // 2 y slope, where y = slope = 1 / 0.8
    CHECK(gradient == Approx(2 * kept / (0.8 * 0.8) / (kBatch * kUnits)));
  CHECK(run(model, Entry::evaluate, one, 0, kBatch).loss == kBatch);
}

TEST_CASE("spatial_dropout drops whole channels of an example and scales the others", "[model]") {
  constexpr int64_t kBatch = 5, kChannels = 256;
  const Model model = tests::model_of(fmt::format(R"({{
    "inputs": {{"x": {{"shape": [{0}]}}, "y": {{"shape": [3, 2, {1}]}}}},
    "layers": [{{"name": "a", "type": "dense", "units": {0}, "input": "x"}}, {{"type": "reshape", "shape": [3, 2, {1}]}},
               {{"name": "f", "type": "spatial_dropout", "rate": 0.25}}],
    "outputs": ["f"],
    "loss": {{"type": "mse", "target": "y"}}}})",
                                                  6 * kChannels, kChannels));
  Graph graph = build_forward(model, kBatch, DType::f64);
  Value dropped = 0;
  for (Value v = 0; v < graph.size(); ++v)
    if (graph[v].location == "/layers/2" && graph[v].type.shape == Shape{kBatch, 3, 2, kChannels})
      dropped = v;
  graph.returns.push_back({"f", dropped});
  Bindings state;
  for (const Node &node : graph.nodes)
    if (node.is_declaration())
      state.emplace(node.name, Tensor(node.type));
  state.at("f.rate").set(0, 0.25);
  for (double &bias : state.at("a.bias").floats)
    bias = 1;
  const std::vector<double> y = interpret(graph, state).back().floats;
  int64_t zeros = 0;
  for (int64_t example = 0; example < kBatch; ++example)
    for (int64_t channel = 0; channel < kChannels; ++channel) {
      const auto at = [&](int64_t position) { return y[static_cast<size_t>((example * 6 + position) * kChannels + channel)]; };
      CHECK((at(0) == 0 || at(0) == Approx(1 / 0.75)));
      for (int64_t position = 1; position < 6; ++position)
        CHECK(at(position) == at(0));
      zeros += at(0) == 0;
    }
  CHECK(static_cast<double>(zeros) / (kBatch * kChannels) == Approx(0.25).epsilon(0.15)); // a standard error of 5 %
  state = {};
  const Graph predict = build_graph(model, Entry::predict, kBatch, DType::f64);
  for (const Node &node : predict.nodes)
    if (node.is_declaration())
      state.emplace(node.name, Tensor(node.type));
  for (double &bias : state.at("a.bias").floats)
    bias = 1;
  const std::vector<double> predictions = interpret(predict, state)[0].floats;
  CHECK(std::ranges::all_of(predictions, [](double prediction) { return prediction == 1; }));
}

// As torch.nn.AlphaDropout: kept are a x + b, dropped a alpha' + b, with alpha' = -1.758...,
// a = ((1 - p)(1 + p alpha'^2))^-1/2 and b = -a p alpha'.
TEST_CASE("alpha_dropout keeps mean 0 and variance 1", "[model]") {
  const Model model = random_layer(R"("type": "alpha_dropout", "rate": 0.3)");
  const double limit = -1.7580993408473766, a = 1 / std::sqrt(0.7 * (1 + 0.3 * limit * limit)), b = -a * 0.3 * limit;
  const Result trained = run(model, Entry::grad_step, both_signs);
  double squares = 0, sum = 0;
  int64_t dropped = 0;
  for (int64_t i = 0; i < kUnits; ++i) {
    const double gradient = trained.gradients[static_cast<size_t>(i)] * kUnits / 2; // y slope
    const double y = gradient == 0 ? a * limit + b : a * both_signs(i) + b;
    if (gradient == 0)
      ++dropped;
    else
      CHECK(gradient == Approx(y * a));
    sum += y, squares += y * y;
  }
  CHECK(static_cast<double>(dropped) / kUnits == Approx(0.3).epsilon(0.1));
  CHECK(trained.loss == Approx(squares / kUnits));
  CHECK(squares / kUnits == Approx(1).epsilon(0.1));
  CHECK(sum / kUnits == Approx(0).margin(0.08));
  CHECK(run(model, Entry::evaluate, both_signs).loss == 1);
}

TEST_CASE("drop_connect drops weights, the same for all rows of a batch", "[model]") {
  const Model model = random_layer(R"("type": "dense", "units": 4096, "use_bias": false, "drop_connect": 0.25)");
  CHECK(random_layer(R"("type": "dense", "units": 4096)").hypers.size() == 1);
  REQUIRE(model.hypers.size() == 2);
  CHECK(model.hypers[1].name == "f.drop_connect");
  const Model small = tests::model_of(R"({
    "inputs": {"x": {"shape": [40]}, "y": {"shape": [50]}},
    "layers": [{"name": "f", "type": "dense", "units": 50, "use_bias": false, "drop_connect": 0.25}],
    "loss": {"type": "mae", "target": "y"}})");
  constexpr int64_t kBatch = 3;
  const Graph graph = build_graph(small, Entry::grad_step, kBatch, DType::f64);
  Bindings state;
  for (const Node &node : graph.nodes)
    if (node.is_declaration())
      state.emplace(node.name, Tensor(node.type));
  state.at("f.drop_connect").set(0, 0.25);
  for (double &x : state.at("x").floats)
    x = 1;
  for (double &y : state.at("y").floats)
    y = -1;
  interpret(graph, state);
  size_t dropped = 0;
  for (double gradient : state.at("f.weight.grad").floats) { // kBatch rows of x, each 1 / 0.75 and a mean over kBatch * 50
    if (gradient == 0)
      ++dropped;
    else
      CHECK(gradient == Approx(1 / 0.75 / 50));
  }
  CHECK(static_cast<double>(dropped) / 2000 == Approx(0.25).epsilon(0.15));
}

} // namespace
} // namespace gradc
