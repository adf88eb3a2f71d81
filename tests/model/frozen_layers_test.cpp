// Layers with "trainable": false: no gradient, no slot, no update, whatever the optimizer.
#include "compiler/model/model.h"
#include "compiler/model/tables/optimizers.h"
#include "ir/verifier.h"
#include "tests/support/models.h"

#include <catch2/catch.hpp>
#include <set>

namespace gradc {
namespace {

std::string model_text(std::string_view optimizer) {
  return R"({"inputs": {"x": {"shape": [4]}, "y": {"shape": [2]}},
    "layers": [{"name": "first", "type": "dense", "units": 5, "activation": "tanh", "input": "x"},
               {"name": "still", "type": "dense", "units": 5, "activation": "tanh", "l2": 0.1, "trainable": false},
               {"name": "last", "type": "dense", "units": 2}],
    "loss": {"type": "mse", "target": "y"},
    "optimizer": {"type": ")" + std::string(optimizer) + R"(", "clip_norm": 1, "weight_decay": 0.1}})";
}

std::set<std::string> updated(const Graph &graph) {
  std::set<std::string> names;
  for (const Update &update : graph.updates)
    names.insert(graph[update.target].name);
  return names;
}

} // namespace

TEST_CASE("a layer that is not trainable is changed by no entry but init, for every optimizer", "[model]") {
  for (const ObjectSpec *optimizer : optimizers().types) {
    const Model model = tests::model_of(model_text(optimizer->name));
    for (const Entry entry : entries_of(model)) {
      const Graph graph = build_graph(model, entry, 3);
      verify(graph);
      const std::set<std::string> names = updated(graph);
      INFO(optimizer->name << ", " << to_string(entry));
      for (const std::string &name : names)
        CHECK((!name.starts_with("still.") || entry == Entry::init));
      if (entry == Entry::train_step || entry == Entry::apply)
        for (const char *name : {"first.weight", "first.bias", "last.weight", "last.bias"})
          CHECK(names.contains(name));
      for (const Node &node : graph.nodes)
        if (node.is_declaration() && node.name.starts_with("still."))
          CHECK((node.role == Role::param || node.role == Role::scalar));
    }
  }
}

} // namespace gradc
