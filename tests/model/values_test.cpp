// Activations at their kinks and in their tails, and layers, compared with PyTorch: reference/values.json holds models with
// their parameters and inputs, and PyTorch's output, loss and gradients in f64.
#include "compiler/model/layers/layer.h"
#include "compiler/model/model.h"
#include "compiler/model/tables/activations.h"
#include "ir/interpreter.h"
#include "tests/support/models.h"

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include <fstream>
#include <set>

namespace gradc {
namespace {

using Json = nlohmann::json;

const Json &references() {
  static const Json all = Json::parse(std::ifstream(GRADC_SOURCE_DIR "/tests/reference/values.json"));
  return all;
}

/// What a graph declares: inputs, parameters and buffers of a reference, the hypers of the model, else 0.
Bindings state_of(const Graph &graph, const Model &model, const Json &reference) {
  Bindings state;
  for (const Node &node : graph.nodes)
    if (node.is_declaration()) {
      Tensor tensor(node.type);
      for (const char *group : {"inputs", "parameters", "buffers"})
        if (const Json given = reference.value(group, Json::object()); given.contains(node.name)) {
          const auto numbers = given[node.name].get<std::vector<double>>();
          REQUIRE(static_cast<int64_t>(numbers.size()) == node.type.elements());
          for (size_t i = 0; i < numbers.size(); ++i)
            tensor.set(static_cast<int64_t>(i), numbers[i]);
        }
      state.emplace(node.name, std::move(tensor));
    }
  for (const ModelHyper &hyper : model.hypers)
    state.at(hyper.name).set(0, hyper.value);
  return state;
}

void check_close(const std::vector<double> &got, const Json &expected) {
  const auto numbers = expected.get<std::vector<double>>();
  REQUIRE(got.size() == numbers.size());
  for (size_t i = 0; i < got.size(); ++i) {
    INFO("element " << i);
    CHECK(got[i] == Approx(numbers[i]).epsilon(1e-12).margin(1e-14));
  }
}

} // namespace

TEST_CASE("values and gradients of activations and layers are those of PyTorch", "[model]") {
  for (const Json &reference : references()) {
    INFO(reference["name"]);
    const Model model = tests::model_of(reference["model"].dump());
    const Shape &target = model.inputs.back().shape;
    const int64_t batch = static_cast<int64_t>(reference["inputs"]["y"].size()) / element_count(target);
    const Graph predict = build_graph(model, Entry::predict, batch, DType::f64);
    Bindings state = state_of(predict, model, reference);
    check_close(interpret(predict, state)[0].floats, reference["output"]);
    const Graph gradients = build_graph(model, Entry::grad_step, batch, DType::f64);
    state = state_of(gradients, model, reference);
    CHECK(interpret(gradients, state)[0].number(0) == Approx(reference["loss"].get<double>()).epsilon(1e-12));
    for (const auto &[name, expected] : reference["gradients"].items()) {
      INFO("gradient of " << name);
      check_close(state.at(name + ".grad").floats, expected);
    }
    const Json moved = reference.value("moved", Json::object());
    for (const auto &[name, expected] : moved.items()) {
      INFO("then " << name);
      check_close(state.at(name).floats, expected);
    }
  }
}

/// In trajectories, or random (random_layers_test.cpp), without gradient (vocabulary_test.cpp), or in expressions_test.cpp.
const std::set<std::string_view> kOthers = {"flatten", "reshape", "add", "multiply", "concat", "noise", "dropout",
                                            "alpha_dropout", "stochastic_depth", "one_hot", "expression", "spatial_dropout"};

TEST_CASE("every activation and every layer has values of PyTorch", "[model]") {
  std::set<std::string> used;
  for (const Json &reference : references())
    for (const Json &layer : reference["model"]["layers"]) {
      used.insert(layer["type"].get<std::string>());
      if (const auto activation = layer.find("activation"); activation != layer.end())
        used.insert(activation->is_string() ? activation->get<std::string>() : (*activation)["type"].get<std::string>());
    }
  for (const ObjectSpec *spec : activations().types) {
    INFO("activation " << spec->name << ": give it a case in reference/make_values.py");
    CHECK(used.contains(std::string(spec->name)));
  }
  for (const LayerDef *def : all_layers()) {
    INFO("layer " << def->spec.name << ": give it a case in reference/make_values.py");
    CHECK((kOthers.contains(def->spec.name) || used.contains(std::string(def->spec.name))));
  }
}

} // namespace gradc
