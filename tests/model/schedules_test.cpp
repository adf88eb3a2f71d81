// Schedules of any rate. What each schedule computes is compared with PyTorch in trajectory_test.cpp.
#include "compiler/model/model.h"
#include "compiler/model/tables/schedules.h"
#include "compiler/reports/rates.h"
#include "ir/interpreter.h"
#include "ir/text/text.h"
#include "tests/support/models.h"

#include <catch2/catch.hpp>
#include <fmt/format.h>

#include <map>
#include <nlohmann/json.hpp>

namespace gradc {
namespace {

const std::string kModel = R"({
  "inputs": {"x": {"shape": [4]}, "y": {"shape": [2]}},
  "layers": [{"name": "hidden", "type": "dense", "units": 5, "activation": "tanh", "input": "x", "l2": 0.1, "l1": 0.2},
             {"name": "drop", "type": "dropout", "rate": 0.4},
             {"name": "out", "type": "dense", "units": 2}],
  "loss": {"type": "mse", "target": "y"},
  "optimizer": {"type": "adamw", "learning_rate": 0.5, "weight_decay": 0.25, "clip_norm": 1, "clip_value": 2,
      "clip_adaptive": 3}})";

/// The keys of the model that are run-time arguments, and what they are called there.
const std::map<std::string, std::string> kRates = {{"optimizer.learning_rate", "learning_rate"},
                                                   {"optimizer.weight_decay", "weight_decay"},
                                                   {"optimizer.clip_norm", "clip_norm"},
                                                   {"optimizer.clip_value", "clip_value"},
                                                   {"optimizer.clip_adaptive", "clip_adaptive"},
                                                   {"layers.hidden.l1", "hidden.l1"},
                                                   {"layers.hidden.l2", "hidden.l2"},
                                                   {"layers.drop.rate", "drop.rate"}};

} // namespace

TEST_CASE("schedules: every run-time argument may have one", "[model]") {
  CHECK(tests::model_of(kModel).hypers.size() == kRates.size());
  for (const auto &[key, name] : kRates) {
    INFO(key);
    const Model model = tests::model_of(kModel, {key + R"(={"type": "linear", "initial": 0.75})"});
    const std::vector<RateCurve> curves = rate_curves(model, 10);
    REQUIRE(curves.size() == 1);
    CHECK(curves[0].name == name);
    for (const auto &[step, value] : curves[0].values)
      CHECK(value == Approx(0.75 * (1 - static_cast<double>(step) / 10)));
    CHECK(nlohmann::json::parse(signature(model))["scheduled"] == nlohmann::json::array({name}));
  }
}

TEST_CASE("schedules: the code that trains is the same for all of them", "[model]") {
  const Model plain = tests::model_of(kModel);
  for (const ObjectSpec *type : schedules().types) {
    INFO(type->name);
    std::vector<std::string> overrides;
    for (const auto &[key, name] : kRates) {
      const char *keys = type->name == "step"        ? R"(, "every": 3)"
                         : type->name == "piecewise" ? R"(, "boundaries": [2], "factors": [0.5])"
                         : type->name == "exponential" || type->name == "inverse_time" ? R"(, "decay_rate": 0.5)"
                                                                                       : "";
      overrides.push_back(fmt::format(R"({}={{"type": "{}", "initial": 0.3, "warmup_steps": 2{}}})", key, type->name, keys));
    }
    const Model model = tests::model_of(kModel, overrides);
    CHECK(rate_curves(model, 10).size() == kRates.size());
    for (const Entry entry : {Entry::train_step, Entry::grad_step, Entry::apply, Entry::evaluate})
      CHECK(print(build_graph(model, entry, 3)) == print(build_graph(plain, entry, 3)));
  }
}

TEST_CASE("schedules: before the end of a run of unknown length the rate stays where it begins, after it where it ends",
          "[model]") {
  const std::map<std::string, std::pair<double, double>> kinds = {
      {R"("linear", "final_factor": 0.5)", {1, 0.5}},
      {R"("polynomial", "power": 3, "final_factor": 0.25)", {1, 0.25}},
      {R"("cosine", "restarts": 2, "cycle_factor": 1.5, "final_factor": 0.125)", {1, 0.125}},
      {R"("one_cycle", "start_factor": 0.5, "final_factor": 0.25)", {0.5, 0.25}}};
  for (const auto &[type, factors] : kinds) {
    INFO(type);
    const auto model = [&](const std::string &more) {
      return tests::model_of(kModel, {fmt::format(R"(optimizer.learning_rate={{"initial": 2, "type": {}{}}})", type, more)});
    };
    CHECK(rate_curves(model(R"(, "decay_steps": 4)"), 100)[0].values[99].second == Approx(2 * factors.second));
    Bindings bindings;
    const Graph graph = build_graph(model(""), Entry::schedule, 0);
    for (const Node &node : graph.nodes)
      if (node.is_declaration())
        bindings.emplace(node.name, Tensor(node.type));
    bindings.at("learning_rate").set(0, 2);
    bindings.at("step").set_integer(0, 7);
    CHECK(interpret(graph, bindings)[0].number(0) == Approx(2 * factors.first));
  }
}

} // namespace gradc
