// Preprocessing as part of the model, and the forward pass as a function, run by the reference interpreter.
#include "compiler/model/graphs/forward.h"
#include "compiler/model/model.h"
#include "ir/interpreter.h"
#include "ir/op.h"
#include "ir/verifier.h"
#include "tests/support/models.h"

#include <catch2/catch.hpp>

#include <cmath>
#include <set>

namespace gradc {
namespace {

using tests::model_of;

/// Two columns of which one is constant, and a target: all standardized, the target scaled and shifted too.
const std::string kModel = R"({
  "inputs": {"x": {"shape": [2]}, "y": {"shape": [1]}},
  "layers": [{"name": "out", "type": "dense", "units": 1, "input": "x"}],
  "loss": {"type": "mse", "target": "y"}, "metrics": ["mae", "r2"],
  "train": {"data": {"path": "d.csv", "x": {"columns": [0, 1], "standardize": true},
                     "y": {"column": 2, "scale": 0.01, "offset": -3, "standardize": true}}}
})";

double column(int64_t row) { return 3 + std::sin(1.3 * static_cast<double>(row)); }
double target(int64_t row) { return 1000 + 7 * std::cos(0.7 * static_cast<double>(row)); }

/// Runs an entry on the rows [first, first + batch), and keeps what it updates in `state`.
std::vector<Tensor> run(const Model &model, Entry entry, Bindings &state, int64_t first, int64_t batch) {
  const Graph graph = build_graph(model, entry, batch, DType::f64);
  verify(graph);
  for (const Node &node : graph.nodes) {
    if (!node.is_declaration() || (is_state(node.role) && state.contains(node.name)))
      continue;
    Tensor tensor(node.type);
    for (int64_t row = 0; node.role == Role::input && row < node.type.shape[0]; ++row)
      if (node.name == "x") {
        tensor.set(2 * row, column(first + row));
        tensor.set(2 * row + 1, 14.62);
      } else {
        tensor.set(row, target(first + row));
      }
    state.insert_or_assign(node.name, tensor);
  }
  return interpret(graph, state);
}

struct Moments {
  double mean = 0, deviation = 0;
};
Moments moments(double (*value)(int64_t), int64_t rows) {
  Moments m;
  for (int64_t i = 0; i < rows; ++i)
    m.mean += value(i) / static_cast<double>(rows);
  for (int64_t i = 0; i < rows; ++i)
    m.deviation += std::pow(value(i) - m.mean, 2) / static_cast<double>(rows);
  m.deviation = std::sqrt(m.deviation);
  return m;
}

TEST_CASE("statistics are those of all rows, whatever the batches", "[model]") {
  const Model model = model_of(kModel);
  const Moments x = moments(column, 100), y = moments(target, 100);
  for (const std::vector<int64_t> &batches : {std::vector<int64_t>{100}, {1, 99}, {32, 32, 32, 4}}) {
    Bindings state;
    run(model, Entry::init, state, 0, 1);
    int64_t row = 0;
    for (int64_t batch : batches) {
      run(model, Entry::fit, state, row, batch);
      row += batch;
    }
    CHECK(state.at("x.count").floats[0] == 100);
    CHECK(state.at("x.mean").floats[0] == Approx(x.mean).epsilon(1e-13));
    CHECK(state.at("x.deviation").floats[0] == Approx(x.deviation).epsilon(1e-13));
    CHECK(state.at("y.mean").floats[0] == Approx(y.mean * 0.01 - 3).epsilon(1e-13));
    CHECK(state.at("y.deviation").floats[0] == Approx(y.deviation * 0.01).epsilon(1e-11));
    CHECK(state.at("x.mean").floats[1] == Approx(14.62).epsilon(1e-13));
    CHECK(state.at("x.deviation").floats[1] == 1); // constant up to rounding
  }
}

TEST_CASE("the loss is standardized; predictions and metrics are in the units of the data", "[model]") {
  const Model model = model_of(kModel);
  constexpr int64_t kRows = 20;
  Bindings state;
  run(model, Entry::init, state, 0, 1);
  run(model, Entry::fit, state, 0, kRows);
  state.at("out.weight").set(0, 0.5);
  state.at("out.bias").set(0, 0.25);
  const Moments x = moments(column, kRows), y = moments(target, kRows);
  const std::vector<Tensor> predicted = run(model, Entry::predict, state, 0, kRows);
  const std::vector<Tensor> sums = run(model, Entry::evaluate, state, 0, kRows);
  double loss = 0, mae = 0, squares = 0;
  for (int64_t row = 0; row < kRows; ++row) {
    const double standardized = (column(row) - x.mean) / x.deviation * 0.5 + 0.25;
    const double own = standardized * y.deviation + y.mean;
    CHECK(predicted[0].floats[static_cast<size_t>(row)] == Approx(own).epsilon(1e-12));
    loss += std::pow(standardized - (target(row) - y.mean) / y.deviation, 2);
    mae += std::fabs(own - target(row));
    squares += std::pow(own - target(row), 2);
  }
  CHECK(sums[0].floats[0] == Approx(loss));
  CHECK(sums[1].floats[0] == Approx(mae));
  CHECK(sums[2].floats[0] == Approx(squares));
}

TEST_CASE("before anything is fitted, standardization changes nothing", "[model]") {
  const Model model = model_of(kModel);
  Bindings state;
  run(model, Entry::init, state, 0, 1);
  CHECK(state.at("x.mean").floats == std::vector<double>{0, 0});
  CHECK(state.at("x.deviation").floats == std::vector<double>{1, 1});
}

TEST_CASE("a model that standardizes nothing has no entry fit", "[model]") {
  CHECK(has_entry(model_of(kModel), Entry::fit));
  CHECK_FALSE(has_entry(model_of(R"({"inputs": {"x": {"shape": [2]}, "y": {"shape": [1]}},
    "layers": [{"type": "dense", "units": 1, "input": "x"}], "loss": {"type": "mse", "target": "y"}})"),
                        Entry::fit));
}

TEST_CASE("an f64 input is computed on in the type of the model", "[model]") {
  const Model model = model_of(R"({"inputs": {"x": {"shape": [2], "dtype": "f64"}, "y": {"shape": [1], "dtype": "f64"}},
    "layers": [{"type": "dense", "units": 1, "input": "x"}], "loss": {"type": "mse", "target": "y"},
    "train": {"data": {"path": "d.csv", "x": {"columns": [0, 1]}, "y": {"column": 2, "standardize": true}}}})");
  const Graph graph = build_graph(model, Entry::predict, 4, DType::f32);
  CHECK(graph.type(*graph.find("x")) == Type{DType::f64, {4, 2}});
  CHECK(graph.type(graph.returns[0].value) == Type{DType::f64, {4, 1}}); // of the target, in its own units
  for (const Node &node : graph.nodes)
    if (!node.is_declaration() && node.op->kind == OpKind::contraction)
      CHECK(node.type.dtype == DType::f32);
}

TEST_CASE("a graph that calls the forward pass twice drops different units", "[model]") {
  const Model model = model_of(R"({"inputs": {"x": {"shape": [64]}, "y": {"shape": [64]}},
    "layers": [{"name": "w", "type": "dense", "units": 64, "input": "x"}, {"name": "d", "type": "dropout", "rate": 0.5}],
    "loss": {"type": "mse", "target": "y"}})");
  Graph graph;
  StandIns stand_ins;
  const Declarations declared = declare(graph, model, Entry::train_step, 4, DType::f64);
  Forward forward(graph, model, declared, stand_ins, DType::f64);
  const std::vector<Value> inputs = forward.declared_inputs();
  const Value first = forward(inputs, true).back(), second = forward(inputs, true).back();
  const Value calm = forward(inputs, false).back();
  for (Value v : {first, second, calm})
    graph.returns.push_back({"", v});
  verify(graph);
  Bindings values;
  for (const Node &node : graph.nodes)
    if (node.is_declaration()) {
      Tensor tensor(node.type);
      for (int64_t i = 0; i < node.type.elements() && is_float(node.type.dtype); ++i)
        tensor.set(i, node.role == Role::scalar ? 0.5 : 1);
      values.emplace(node.name, tensor);
    }
  const std::vector<Tensor> results = interpret(graph, values);
  int64_t both = 0, one = 0;
  for (size_t i = 0; i < 4 * 64; ++i) {
    both += results[0].floats[i] != 0 && results[1].floats[i] != 0;
    one += (results[0].floats[i] != 0) != (results[1].floats[i] != 0);
    CHECK(results[2].floats[i] != 0);
  }
  CHECK(both > 30); // a quarter of 256, by independent draws
  CHECK(one > 80);  // a half
}

} // namespace
} // namespace gradc
