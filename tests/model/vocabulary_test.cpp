// Formulas of the vocabulary, of every entry of a table where one test fits them all.
#include "compiler/model/model.h"
#include "compiler/model/tables/activations.h"
#include "ir/interpreter.h"
#include "tests/support/models.h"

#include <catch2/catch.hpp>

#include <cmath>
#include <fmt/format.h>

namespace gradc {
namespace {

using tests::model_of;

/// What an entry gives and leaves behind, in f64 and one example, where all that is not given is 0.
std::pair<std::vector<Tensor>, Bindings> run(const Model &model, Entry entry, const Bindings &given) {
  const Graph graph = build_graph(model, entry, 1, DType::f64);
  Bindings state;
  for (const Node &node : graph.nodes)
    if (node.is_declaration()) {
      const auto it = given.find(node.name);
      state.emplace(node.name, it == given.end() ? Tensor(node.type) : it->second);
    }
  std::vector<Tensor> results = interpret(graph, state);
  return {std::move(results), std::move(state)};
}

Tensor tensor(Type type, const std::vector<double> &values) {
  Tensor result(std::move(type));
  for (size_t i = 0; i < values.size(); ++i)
    result.set(static_cast<int64_t>(i), values[i]);
  return result;
}

/// Three numbers times a diagonal matrix of weights, through an activation.
Model activated(std::string_view activation) {
  return model_of(fmt::format(R"({{
    "inputs": {{"x": {{"shape": [3]}}, "y": {{"shape": [3]}}}},
    "layers": [{{"name": "f", "type": "dense", "units": 3, "activation": "{}"}}],
    "loss": {{"type": "mse", "target": "y"}}}})",
                          activation));
}

/// At three points that are all different in sign and size.
Bindings at(double scale, double target) {
  return {{"x", tensor({DType::f64, {1, 3}}, {1, 1, 1})},
          {"y", tensor({DType::f64, {1, 3}}, {target, 2 * target, 0})},
          {"f.weight", tensor({DType::f64, {3, 3}}, {scale, 0, 0, 0, -0.6 * scale, 0, 0, 0, 1.9 * scale})}};
}

double loss_at(const Model &model, Bindings given, size_t weight, double step) {
  given.at("f.weight").floats[weight] += step;
  return run(model, Entry::evaluate, given).first[0].number(0);
}

// Some are written with a gradient of their own, with_gradient_of().
TEST_CASE("the gradient of every activation agrees with finite differences", "[model]") {
  constexpr double h = 1e-4;
  for (const ObjectSpec *activation : activations().types)
    for (double scale : {0.3, -1.1, 4.0}) {
      INFO("activation " << activation->name << " at " << scale);
      const Model model = activated(activation->name);
      const Bindings given = at(scale, 0.7), left = run(model, Entry::grad_step, given).second;
      for (size_t i = 0; i < 9; ++i) {
        const double numeric = (8 * (loss_at(model, given, i, h) - loss_at(model, given, i, -h)) -
                                (loss_at(model, given, i, 2 * h) - loss_at(model, given, i, -2 * h))) / (12 * h);
        INFO("weight " << i);
        CHECK(left.at("f.weight.grad").floats[i] == Approx(numeric).epsilon(1e-8).margin(1e-10));
      }
    }
}

TEST_CASE("every activation passes NaN on", "[model]") {
  const double nan = std::nan("");
  for (const ObjectSpec *activation : activations().types) {
    const Bindings given = {{"f.bias", tensor({DType::f64, {3}}, {nan, nan, nan})}};
    const std::vector<Tensor> results = run(activated(activation->name), Entry::predict, given).first;
    INFO("activation " << activation->name);
    for (double y : results[0].floats)
      CHECK(std::isnan(y));
  }
}

double cross_entropy(const std::string &label, double smoothing, const std::vector<double> &logits, const Tensor &labels) {
  const Model model = model_of(fmt::format(R"({{
    "inputs": {{"x": {{"shape": [3]}}, "y": {}}},
    "layers": [{{"name": "z", "type": "dense", "units": 3, "input": "x"}}],
    "loss": {{"type": "softmax_cross_entropy", "labels": "y", "label_smoothing": {}}}}})",
                                       label, smoothing));
  return run(model, Entry::evaluate, {{"z.bias", tensor({DType::f64, {3}}, logits)}, {"y", labels}}).first[0].number(0);
}

// As PyTorch's CrossEntropyLoss: the labels become (1 - s) labels + s / classes.
TEST_CASE("label smoothing gives part of each label to all classes", "[model]") {
  const double log_sum = std::log(std::exp(1) + std::exp(2) + std::exp(4));
  const double minus_log[] = {log_sum - 1, log_sum - 2, log_sum - 4};
  const double expected = 0.9 * minus_log[1] + 0.1 / 3 * (minus_log[0] + minus_log[1] + minus_log[2]);
  const Tensor number = tensor({DType::i32, {1}}, {1}), vector = tensor({DType::f64, {1, 3}}, {0, 1, 0});
  CHECK(cross_entropy(R"({"shape": [], "dtype": "i32"})", 0.1, {1, 2, 4}, number) == Approx(expected));
  CHECK(cross_entropy(R"({"shape": [3]})", 0.1, {1, 2, 4}, vector) == Approx(expected));
  CHECK(cross_entropy(R"({"shape": [3]})", 0, {1, 2, 4}, vector) == Approx(minus_log[1]));
}

TEST_CASE("one_hot is 1 at the number, and nowhere where there is none", "[model]") {
  const Model model = model_of(R"({
    "inputs": {"k": {"shape": [4], "dtype": "i64"}, "y": {"shape": [4, 3]}},
    "layers": [{"name": "rows", "type": "one_hot", "classes": 3, "input": "k"},
               {"name": "trained", "type": "dense", "units": 3}],
    "outputs": ["rows", "trained"],
    "loss": {"type": "mse", "target": "y"}})");
  const auto [results, state] = run(model, Entry::predict, {{"k", tensor({DType::i64, {1, 4}}, {2, 0, -1, 3})}});
  CHECK(results[0].type == Type{DType::f64, {1, 4, 3}});
  CHECK(results[0].floats == std::vector<double>{0, 0, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0});
}

} // namespace
} // namespace gradc
