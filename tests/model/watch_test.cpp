// What a run that is watched looks at is what its step would do.
#include "compiler/model/graphs/watch.h"

#include "ir/interpreter.h"
#include "tests/support/models.h"

#include <catch2/catch.hpp>

#include <cmath>

namespace gradc::tests {
namespace {

constexpr int64_t kBatch = 5;

Model watched_model() {
  return model_of(R"({
    "inputs": {"x": {"shape": [3]}, "y": {"shape": [2]}},
    "layers": [{"name": "hidden", "type": "dense", "units": 4, "activation": "relu", "input": "x"},
               {"name": "drop", "type": "dropout", "rate": 0.5},
               {"name": "smooth", "type": "dense", "units": 4, "activation": "tanh"},
               {"name": "fixed", "type": "dense", "units": 4, "trainable": false},
               {"name": "out", "type": "dense", "units": 2}],
    "loss": {"type": "mse", "target": "y"}, "optimizer": "sgd"})");
}

/// Values for all that a graph declares: sin(1), sin(2), ..., and for one unit of `hidden` a bias that keeps it at 0.
Bindings values_for(const Graph &graph) {
  Bindings bindings;
  int count = 0;
  for (const Node &node : graph.nodes) {
    if (!node.is_declaration())
      continue;
    Tensor tensor(node.type);
    for (double &x : tensor.floats)
      x = std::sin(++count);
    if (node.name == "drop.rate")
      tensor.floats = {0.5};
    if (node.name == "hidden.bias")
      tensor.floats = {2, 2, -1000, 2};
    bindings.emplace(node.name, tensor);
  }
  return bindings;
}

} // namespace

TEST_CASE("a watched step has the norms of the gradients of grad_step, and counts what is active", "[watch]") {
  const Model model = watched_model();
  const Graph watch = build_watch(model, kBatch, DType::f64);
  Graph step = build_graph(model, Entry::grad_step, kBatch, DType::f64);
  CHECK(watch.updates.empty());
  Bindings bindings = values_for(step), gradients = bindings;
  interpret(step, gradients);
  const std::vector<Tensor> seen = interpret(watch, bindings);
  std::vector<std::string> names;
  for (size_t i = 0; i < seen.size(); ++i) {
    const std::string &name = watch.returns[i].name;
    names.push_back(name);
    if (!name.ends_with(".gradient"))
      continue;
    double squares = 0;
    for (double g : gradients.at(name.substr(0, name.rfind('.')) + ".grad").floats)
      squares += g * g;
    INFO(name);
    CHECK(squares > 0);
    CHECK(seen[i].number(0) == Approx(squares));
  }
  CHECK(names == std::vector<std::string>{"hidden.weight.gradient", "hidden.bias.gradient", "smooth.weight.gradient",
                                          "smooth.bias.gradient", "out.weight.gradient", "out.bias.gradient", "hidden.active"});
  const std::vector<double> &active = seen.back().floats;
  CHECK(active.size() == 4);
  CHECK(active[2] == 0);
  CHECK(active[0] + active[1] + active[3] > 0);
}

} // namespace gradc::tests
