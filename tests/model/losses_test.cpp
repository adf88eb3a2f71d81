// Every loss against PyTorch: reference/losses.json has an entry of "loss", the values of what it names, and PyTorch's value
// and gradients.
#include "compiler/model/model.h"
#include "compiler/model/tables/losses.h"
#include "ir/interpreter.h"
#include "tests/support/models.h"

#include <catch2/catch.hpp>

#include <algorithm>
#include <cmath>
#include <fmt/format.h>
#include <fstream>
#include <nlohmann/json.hpp>
#include <set>

namespace gradc {
namespace {

using Json = nlohmann::ordered_json;
using Numbers = std::vector<double>;

const Json &references() {
  static const Json all = Json::parse(std::ifstream(GRADC_SOURCE_DIR "/tests/reference/losses.json"));
  return all;
}

/// The model of a case: each layer that the loss reads holds the weights of a dense layer, row by row, which numbers from 0
/// to `rows` choose.
Model model_of_case(const Json &reference) {
  Json model = {{"inputs", {{"row", {{"shape", Json::array()}, {"dtype", "i32"}}}}},
                {"layers", {{{"type", "one_hot"}, {"name", "rows"}, {"classes", reference["rows"]}, {"input", "row"}}}},
                {"loss", reference["loss"]}};
  for (const auto &[name, input] : reference["inputs"].items())
    model["inputs"][name] = {{"shape", input["shape"]}, {"dtype", input["dtype"]}};
  for (const auto &[name, layer] : reference["layers"].items()) {
    const size_t units = layer["values"].size() / reference["rows"].get<size_t>();
    model["layers"].push_back({{"type", "dense"}, {"name", name + "_flat"}, {"units", units}});
    model["layers"].back().update({{"use_bias", false}, {"input", "rows"}});
    model["layers"].push_back({{"type", "reshape"}, {"name", name}, {"shape", layer["shape"]}});
  }
  return tests::model_of(model.dump());
}

void set_all(Tensor &tensor, const Numbers &values) {
  REQUIRE(static_cast<size_t>(tensor.type.elements()) == values.size());
  for (size_t i = 0; i < values.size(); ++i)
    tensor.set(static_cast<int64_t>(i), values[i]);
}

Bindings bindings_of(const Graph &graph, const Json &reference) {
  Bindings state;
  for (const Node &node : graph.nodes)
    if (node.is_declaration())
      state.emplace(node.name, Tensor(node.type));
  for (int64_t row = 0; row < reference["rows"]; ++row)
    state.at("row").set(row, static_cast<double>(row));
  for (const auto &[name, input] : reference["inputs"].items())
    set_all(state.at(name), input["values"]);
  for (const auto &[name, layer] : reference["layers"].items())
    set_all(state.at(name + "_flat.weight"), layer["values"]);
  return state;
}

/// Relative to the largest of them.
double deviation(const Tensor &got, const Numbers &expected) {
  double largest = 0, worst = 0;
  for (double x : expected)
    largest = std::max(largest, std::abs(x));
  for (size_t i = 0; i < expected.size(); ++i) {
    const double difference = std::abs(got.number(static_cast<int64_t>(i)) - expected[i]);
    worst = std::isfinite(difference) ? std::max(worst, difference) : INFINITY;
  }
  return largest == 0 ? worst : worst / largest;
}

TEST_CASE("losses and their gradients are those of PyTorch", "[model]") {
  for (const Json &reference : references()) {
    const Model model = model_of_case(reference);
    for (const auto &[dtype, bound] : {std::pair(DType::f64, 1e-12), {DType::f32, 1e-5}}) {
      const Graph graph = build_graph(model, Entry::grad_step, reference["rows"], dtype);
      Bindings state = bindings_of(graph, reference);
      const double value = interpret(graph, state).at(0).number(0);
      const double expected = reference["value"];
      INFO(reference["name"] << " in " << to_string(dtype) << ": " << fmt::format("{} for {}", value, expected));
      CHECK(std::abs(value - expected) <= bound * std::max(1.0, std::abs(value)));
      for (const auto &[name, layer] : reference["layers"].items()) {
        INFO(name);
        CHECK(deviation(state.at(name + "_flat.weight.grad"), layer["gradient"]) < bound);
      }
    }
  }
}

double value_at(const Graph &evaluate, Bindings state, const std::string &weight, size_t element, double step) {
  state.at(weight).floats[element] += step;
  return interpret(evaluate, state).at(0).number(0);
}

TEST_CASE("the gradients of losses agree with finite differences", "[model]") {
  constexpr double h = 1e-4;
  for (const Json &reference : references()) {
    const Graph graph = build_graph(model_of_case(reference), Entry::grad_step, reference["rows"], DType::f64);
    Bindings state = bindings_of(graph, reference);
    interpret(graph, state);
    for (const auto &[name, layer] : reference["layers"].items())
      for (size_t i = 0; i < layer["values"].size(); i += 4) { // some elements of all rows
        if (layer["values"][i] < reference["loss"].value("epsilon", -INFINITY))
          continue; // counts as epsilon, and has the gradient of a larger one
        const std::string weight = name + "_flat.weight";
        const auto at = [&](double step) { return value_at(graph, state, weight, i, step); };
        const double numeric = (8 * (at(h) - at(-h)) - (at(2 * h) - at(-2 * h))) / (12 * h);
        INFO(reference["name"] << ", element " << i << " of " << name);
        CHECK(state.at(weight + ".grad").floats[i] == Approx(numeric).epsilon(1e-7).margin(1e-9));
      }
  }
}

TEST_CASE("every loss has a reference, with every one of its keys", "[model]") {
  for (const ObjectSpec *loss : losses().types) {
    std::set<std::string> keys;
    for (const Json &reference : references())
      if (reference["loss"]["type"] == std::string(loss->name))
        for (const auto &[key, value] : reference["loss"].items())
          keys.insert(key);
    for (const Attr &attr : loss->attrs) {
      INFO(loss->name << ": " << attr.name);
      CHECK((keys.contains(std::string(attr.name)) || (attr.name == "epsilon" && !keys.empty())));
    }
  }
}

} // namespace
} // namespace gradc
