// The graphs of the entry points, run by the reference interpreter.
#include "compiler/model/layers/layer.h"
#include "compiler/model/model.h"
#include "compiler/model/tables/optimizers.h"
#include "ir/interpreter.h"
#include "ir/verifier.h"
#include "tests/support/models.h"

#include <catch2/catch.hpp>

#include <cmath>
#include <fmt/format.h>
#include <numbers>
#include <set>

namespace gradc {
namespace {

using tests::model_of;

/// Every layer, two losses, every kind of metric.
const std::string kZoo = R"({
  "inputs": {"a": {"shape": [6]}, "kind": {"shape": [], "dtype": "i32"},
             "class": {"shape": [], "dtype": "i64"}, "value": {"shape": []}},
  "layers": [
    {"name": "grid", "type": "reshape", "shape": [2, -1], "input": "a"},
    {"name": "mixed", "type": "dense", "units": 4, "activation": "gelu", "l1": 1e-3, "l2": 1e-3},
    {"name": "flat", "type": "flatten"},
    {"name": "left", "type": "dense", "units": 5, "activation": {"type": "leaky_relu", "alpha": 0.2}, "drop_connect": 0.1},
    {"name": "right", "type": "dense", "units": 5, "activation": "tanh", "input": "flat", "use_bias": false},
    {"name": "sum", "type": "add", "input": ["left", "right"]},
    {"name": "product", "type": "multiply", "input": ["left", "right"]},
    {"name": "kinds", "type": "one_hot", "classes": 3, "input": "kind"},
    {"name": "both", "type": "concat", "input": ["sum", "product", "kinds"]},
    {"name": "drop", "type": "dropout", "rate": 0.25},
    {"name": "gate", "type": "activation", "activation": "elu"},
    {"name": "bent", "type": "expression", "of": "gate - 0.5 * mean(tanh(gate)) * clip(value, -1, 1) ^ 2"},
    {"name": "scaled", "type": "scale", "factor": 0.5},
    {"name": "kinked", "type": "prelu", "slopes": "features", "input": "both"},
    {"name": "bells", "type": "rbf", "units": 4, "learn_width": true},
    {"name": "largest", "type": "maxout", "units": 2},
    {"name": "noisy", "type": "noise", "stddev": 0.01, "input": "kinked"},
    {"name": "unit", "type": "normalize"},
    {"name": "front", "type": "slice", "stop": 6},
    {"name": "half", "type": "split", "parts": 2, "part": 1},
    {"name": "back", "type": "slice", "start": 3, "stop": 6, "input": "unit"},
    {"name": "difference", "type": "subtract", "input": ["half", "back"]},
    {"name": "denominator", "type": "activation", "activation": "softplus", "input": "back"},
    {"name": "ratio", "type": "divide", "input": ["half", "denominator"]},
    {"name": "least", "type": "minimum", "input": ["difference", "ratio", "back"]},
    {"name": "most", "type": "maximum", "input": ["difference", "ratio"]},
    {"name": "pair", "type": "stack", "input": ["least", "most"]},
    {"name": "skipped", "type": "stochastic_depth", "rate": 0.1},
    {"name": "snn", "type": "alpha_dropout", "rate": 0.1},
    {"name": "tiled", "type": "tile", "times": [2, 1]},
    {"name": "sums", "type": "sum", "axes": 0},
    {"name": "clipped", "type": "clip", "min": -1, "max": 1},
    {"name": "average", "type": "mean", "keep": true},
    {"name": "image", "type": "reshape", "shape": [3, 2, 1], "input": "a"},
    {"name": "filtered", "type": "conv2d", "filters": 4, "kernel_size": 2, "padding": "same", "activation": "relu", "l2": 1e-3},
    {"name": "alone", "type": "depthwise_conv2d", "kernel_size": 2, "padding": "same", "drop_connect": 0.1},
    {"name": "separate", "type": "separable_conv2d", "filters": 4, "kernel_size": 2, "padding": "same", "l2": 1e-3},
    {"name": "larger", "type": "conv_transpose2d", "filters": 2, "kernel_size": 3, "strides": 2, "padding": "same"},
    {"name": "pooled", "type": "max_pool2d"},
    {"name": "smooth", "type": "average_pool2d", "strides": 1, "padding": "same"},
    {"name": "volume", "type": "reshape", "shape": [3, 2, 2, 1]},
    {"name": "solid", "type": "conv3d", "filters": 2, "kernel_size": 2},
    {"name": "row", "type": "reshape", "shape": [2, 2]},
    {"name": "line", "type": "conv1d", "filters": 4, "kernel_size": 2, "padding": "same", "groups": 2},
    {"name": "longer", "type": "conv_transpose1d", "filters": 2, "kernel_size": 3},
    {"name": "halved", "type": "max_pool1d"},
    {"name": "single", "type": "average_pool1d", "padding": "same"},
    {"name": "of_image", "type": "flatten"},
    {"name": "grid2", "type": "reshape", "shape": [2, 3, 1], "input": "a"},
    {"name": "channels", "type": "dense", "units": 4},
    {"name": "batches", "type": "batch_norm"},
    {"name": "gone", "type": "spatial_dropout", "rate": 0.1},
    {"name": "padded", "type": "zero_padding", "padding": [1, [0, 1]]},
    {"name": "cut", "type": "cropping", "cropping": [[1, 0], 0]},
    {"name": "instances", "type": "instance_norm", "scale": true},
    {"name": "bilinear", "type": "upsample", "factor": [1, 2], "interpolation": "bilinear"},
    {"name": "turned", "type": "permute", "axes": [1, 0, 2]},
    {"name": "groups", "type": "group_norm", "groups": 2},
    {"name": "rows", "type": "layer_norm"},
    {"name": "squares", "type": "rms_norm", "epsilon": 1e-6},
    {"name": "averages", "type": "global_average_pool"},
    {"name": "peaks", "type": "global_max_pool", "input": "squares"},
    {"name": "scores", "type": "dense", "units": 3, "input": "scaled"},
    {"name": "matrix", "type": "parameter", "shape": [2, 3], "l2": 1e-3},
    {"name": "by_matrix", "type": "op", "op": "contract", "indices": "bi,io->bo", "input": ["largest", "matrix"]},
    {"name": "all", "type": "concat", "input": ["scaled", "largest", "average", "of_image", "averages", "peaks", "by_matrix"]},
    {"name": "number", "type": "dense", "units": 1}],
  "loss": [{"type": "softmax_cross_entropy", "logits": "scores", "labels": "class"},
           {"type": "mse", "prediction": "number", "target": "value", "weight": 0.5}],
  "metrics": ["accuracy", "mae", "r2"],
  "optimizer": {"type": "adam", "learning_rate": 0.02}
})";

constexpr int64_t kBatch = 6;

/// Examples that can be learnt, hypers as the model says, state 0.
Bindings bindings_of(const Model &model, DType dtype) {
  Bindings values;
  Graph declared = build_graph(model, Entry::grad_step, kBatch, dtype);
  for (const Node &node : declared.nodes)
    if (node.is_declaration()) {
      Tensor tensor(node.type);
      for (int64_t i = 0; node.role == Role::input && i < node.type.elements(); ++i)
        tensor.set(i, is_float(node.type.dtype) ? std::sin(1.7 * static_cast<double>(i))
                                                : static_cast<double>(i % 2));
      values.emplace(node.name, tensor);
    }
  for (const ModelHyper &hyper : model.hypers)
    values.at(hyper.name).set(0, hyper.value);
  values.at("seed").set_integer(0, 5);
  return values;
}

std::vector<Tensor> run(const Model &model, Entry entry, Bindings &state, DType dtype = DType::f64) {
  const Graph graph = build_graph(model, entry, kBatch, dtype);
  verify(graph);
  Bindings used;
  for (const Node &node : graph.nodes)
    if (node.is_declaration()) {
      Tensor tensor = state.at(node.name);
      used.emplace(node.name, tensor.type == node.type ? tensor : Tensor(node.type));
    }
  std::vector<Tensor> results = interpret(graph, used);
  for (const auto &[name, tensor] : used)
    if (const auto v = graph.find(name); is_state(graph[*v].role))
      state.at(name) = tensor;
  return results;
}

TEST_CASE("every entry of every model is well formed and declares the same values", "[model]") {
  for (DType dtype : {DType::f32, DType::f64}) {
    const Model model = model_of(kZoo);
    std::vector<std::string> first;
    for (Entry entry : entries_of(model)) {
      const Graph graph = build_graph(model, entry, kBatch, dtype);
      CHECK_NOTHROW(verify(graph));
      std::vector<std::string> names;
      for (const Node &node : graph.nodes)
        if (node.is_declaration() && node.role != Role::grad)
          names.push_back(fmt::format("{} {}", to_string(node.role), node.name));
      if (first.empty())
        first = names;
      CHECK(names == first);
    }
    CHECK_NOTHROW(verify(build_forward(model, kBatch, dtype)));
  }
}

std::vector<std::string> returns_of(const Graph &graph) {
  std::vector<std::string> names;
  for (const Return &r : graph.returns)
    names.push_back(r.name);
  return names;
}

TEST_CASE("the model of these tests has every layer", "[model]") {
  std::set<const LayerDef *> used;
  for (const ModelLayer &layer : model_of(kZoo).layers)
    used.insert(layer.def);
  for (const LayerDef *def : all_layers()) {
    INFO("layer " << def->spec.name << " is missing in kZoo");
    CHECK(used.contains(def));
  }
}

TEST_CASE("entries return what the signature says", "[model]") {
  const Model model = model_of(kZoo);
  CHECK(returns_of(build_graph(model, Entry::train_step, kBatch)) == std::vector<std::string>{"loss"});
  CHECK(
      returns_of(build_graph(model, Entry::evaluate, kBatch)) ==
      std::vector<std::string>{"loss.scores.sum", "loss.scores.weight", "loss.number.sum", "loss.number.weight",
                                   "loss.penalty", "accuracy.sum", "mae.sum", "r2.sse", "r2.count", "r2.mean", "r2.spread"});
  CHECK(returns_of(build_graph(model, Entry::predict, kBatch)) ==
        std::vector<std::string>{"scores", "scores.probabilities", "number"});
}

TEST_CASE("the loss falls with every optimizer", "[model]") {
  const std::map<std::string_view, double> rates = {{"adadelta", 10}, {"lars", 1}, {"radam", 0.1}}; // in other units, or slow at first
  for (const ObjectSpec *optimizer : optimizers().types) {
    INFO(optimizer->name);
    const double rate = rates.contains(optimizer->name) ? rates.at(optimizer->name) : 0.03;
    const Model model = model_of(kZoo, {fmt::format("optimizer={}", optimizer->name), fmt::format("optimizer.learning_rate={}", rate)});
    Bindings state = bindings_of(model, DType::f64);
    run(model, Entry::init, state);
    const double before = run(model, Entry::evaluate, state)[0].number(0);
    for (int64_t step = 0; step < 20; ++step) {
      state.at("step").set_integer(0, step);
      run(model, Entry::train_step, state);
    }
    CHECK(run(model, Entry::evaluate, state)[0].number(0) < 0.9 * before);
  }
}

TEST_CASE("grad_step and apply are train_step", "[model]") {
  const Model model = model_of(kZoo, {"optimizer.weight_decay=0.01"});
  Bindings whole = bindings_of(model, DType::f32);
  run(model, Entry::init, whole, DType::f32);
  Bindings halves = whole;
  run(model, Entry::train_step, whole, DType::f32);
  run(model, Entry::grad_step, halves, DType::f32);
  run(model, Entry::apply, halves, DType::f32);
  for (const ModelParam &p : model.params) {
    CHECK(whole.at(p.name).floats == halves.at(p.name).floats);
    CHECK(whole.at(p.name + ".v").floats == halves.at(p.name + ".v").floats);
  }
}

TEST_CASE("dropout follows seed and step, and is off in evaluation", "[model]") {
  const Model model = model_of(kZoo);
  Bindings state = bindings_of(model, DType::f64);
  run(model, Entry::init, state);
  const double first = run(model, Entry::grad_step, state)[0].number(0);
  CHECK(run(model, Entry::grad_step, state)[0].number(0) == first);
  const double evaluated = run(model, Entry::evaluate, state)[0].number(0);
  state.at("step").set_integer(0, 1);
  CHECK(run(model, Entry::grad_step, state)[0].number(0) != first);
  CHECK(run(model, Entry::evaluate, state)[0].number(0) == evaluated);
}

struct Trajectory {
  std::string optimizer;
  std::vector<double> weights, losses;
};

// PyTorch 2.13, float64: torch.optim.{SGD, Adagrad, RMSprop, Adam, AdamW} with lr 0.05, weight_decay 0.1 and
// (momentum, nesterov, rmsprop+momentum) momentum 0.9; five steps on mean((X w - y)^2), X = [[1, -2], [3,
// 0.5]], y = [1, -1], w = [0.5, 0.5].
const std::vector<Trajectory> kTorch = {
    {"sgd",
     {-0.17985143433896483, -0.25889424199985356},
     {4.90625, 2.2876908203125002, 1.23681476288208, 0.72490782489589245, 0.44152508103915383}},
    {"momentum",
     {-0.60654969844833984, -1.3023465518514161},
     {4.90625, 2.2876908203125002, 0.62258779110473639, 1.088424621088667, 1.7636963157707191}},
    {"nesterov",
     {-0.27173275058596708, -1.0878772751212731},
     {4.90625, 1.032927923828125, 0.42934025569530176, 0.37298730998331475, 0.40742685208058466}},
    {"adagrad",
     {0.34556798808136518, 0.3427143242401543},
     {4.90625, 4.3665625000093451, 4.0159877559217723, 3.7466566648095498, 3.5249607902097426}},
    {"rmsprop",
     {-0.21826467489729526, -0.52532756061086672},
     {4.90625, 1.0000000429544702, 0.31178736163084542, 0.1120908529604407, 0.043017817194972656}},
    {"rmsprop+momentum",
     {-0.5643845548326899, -1.5907155316713033},
     {4.90625, 1.0000000429544704, 0.65089378486074279, 2.9748211023898077, 3.710397058598029}},
    {"adam",
     {0.2523617644359995, 0.2512363140921528},
     {4.90625, 4.3665625009345606, 3.8610279213736667, 3.3901584725109872, 2.954313574470361}},
    {"adamw",
     {0.24260448791555828, 0.24138861703947395},
     {4.90625, 4.3404476571905555, 3.8147994310067763, 3.3292633075833944, 2.8836309392936688}},
};

TEST_CASE("optimizers follow those of PyTorch", "[model]") {
  const std::string line = R"({
    "inputs": {"x": {"shape": [2]}, "y": {"shape": [1]}},
    "layers": [{"name": "line", "type": "dense", "units": 1, "use_bias": false,
                "weight_initializer": {"type": "constant", "value": 0.5}}],
    "loss": {"type": "mse", "target": "y"}})";
  for (const Trajectory &expected : kTorch) {
    INFO(expected.optimizer);
    const size_t plus = expected.optimizer.find('+');
    std::vector<std::string> overrides = {"optimizer.type=" + expected.optimizer.substr(0, plus),
                                          "optimizer.learning_rate=0.05", "optimizer.weight_decay=0.1"};
    if (plus != std::string::npos)
      overrides.push_back("optimizer.momentum=0.9");
    const Model model = model_of(line, overrides);
    const Graph step = build_graph(model, Entry::train_step, 2, DType::f64);
    Bindings state = bindings_of(model, DType::f64);
    state["x"] = Tensor({DType::f64, {2, 2}}), state["y"] = Tensor({DType::f64, {2, 1}});
    state["x"].floats = {1, -2, 3, 0.5}, state["y"].floats = {1, -1};
    std::erase_if(state, [](const auto &entry) { return entry.first.ends_with(".grad"); });
    state.at("line.weight").floats = {0.5, 0.5};
    for (size_t t = 0; t < expected.losses.size(); ++t) {
      state.at("step").set_integer(0, static_cast<int64_t>(t));
      CHECK(interpret(step, state)[0].number(0) == Approx(expected.losses[t]).epsilon(1e-12));
    }
    for (size_t i = 0; i < 2; ++i)
      CHECK(state.at("line.weight").floats[i] == Approx(expected.weights[i]).epsilon(1e-12));
  }
}

TEST_CASE("clip_norm scales all gradients by one factor, before weight decay", "[model]") {
  for (const double limit : {1e-3, 1e3}) {
    const Model model = model_of(kZoo, {fmt::format("optimizer={{\"type\": \"sgd\", \"learning_rate\": 1, \"weight_decay\": 0.5, "
                                                "\"clip_norm\": {}}}", limit)});
    Bindings state = bindings_of(model, DType::f64);
    run(model, Entry::init, state);
    run(model, Entry::grad_step, state);
    const Bindings before = state;
    double squares = 0;
    for (const ModelParam &p : model.params)
      for (double g : before.at(p.name + ".grad").floats)
        squares += g * g;
    const double factor = std::min(1.0, limit / (std::sqrt(squares) + 1e-6));
    run(model, Entry::apply, state);
    for (const ModelParam &p : model.params)
      for (size_t i = 0; i < state.at(p.name).floats.size(); ++i) {
        const double w = before.at(p.name).floats[i], g = before.at(p.name + ".grad").floats[i];
        CHECK(state.at(p.name).floats[i] == Approx(w - (factor * g + 0.5 * w)).margin(1e-15));
      }
  }
}

TEST_CASE("clip_value moves every element of a gradient into its range, and clip_norm sees what is left", "[model]") {
  for (const double norm : {0.0, 0.05}) {
    const Model model = model_of(kZoo, {fmt::format("optimizer={{\"type\": \"sgd\", \"learning_rate\": 1, \"clip_value\": 0.01, "
                                                "\"clip_norm\": {}}}", norm)});
    Bindings state = bindings_of(model, DType::f64);
    run(model, Entry::init, state);
    run(model, Entry::grad_step, state);
    const Bindings before = state;
    double squares = 0, largest = 0;
    auto clipped = [](double g) { return std::clamp(g, -0.01, 0.01); };
    for (const ModelParam &p : model.params)
      for (double g : before.at(p.name + ".grad").floats) {
        squares += std::pow(clipped(g), 2);
        largest = std::max(largest, std::abs(g));
      }
    CHECK(largest > 0.01); // else nothing is tested
    const double factor = norm == 0 ? 1 : std::min(1.0, norm / (std::sqrt(squares) + 1e-6));
    run(model, Entry::apply, state);
    for (const ModelParam &p : model.params)
      for (size_t i = 0; i < state.at(p.name).floats.size(); ++i) {
        const double w = before.at(p.name).floats[i], g = before.at(p.name + ".grad").floats[i];
        CHECK(state.at(p.name).floats[i] == Approx(w - factor * clipped(g)).margin(1e-15));
      }
  }
}

double rate_at(const std::string &schedule, int64_t step, int64_t total) {
  const Model model = model_of(kZoo, {"optimizer.learning_rate=" + schedule});
  Bindings state = bindings_of(model, DType::f64);
  state.at("step").set_integer(0, step);
  state.at("total_steps").set_integer(0, total);
  return run(model, Entry::schedule, state)[0].number(0);
}

TEST_CASE("schedules follow their formulas", "[model]") {
  CHECK_THROWS_WITH(rate_at("0.5", 7, 10), "all rates are constant: the model has no schedule");
  CHECK(rate_at(R"({"type": "constant", "initial": 0.5, "warmup_steps": 4})", 7, 10) == 0.5);
  CHECK(rate_at(R"({"type": "step", "initial": 1, "every": 3, "factor": 0.5})", 7, 10) == Approx(0.25));
  CHECK(rate_at(R"({"type": "exponential", "initial": 2, "decay_rate": 0.5, "decay_steps": 4})", 6, 10) ==
        Approx(2 * std::pow(0.5, 1.5)));
  CHECK(rate_at(R"({"type": "inverse_time", "initial": 2, "decay_rate": 0.5})", 6, 10) == Approx(0.5));
  const std::string cosine = R"({"type": "cosine", "initial": 2, "final_factor": 0.1, "warmup_steps": 4})";
  CHECK(rate_at(cosine, 0, 12) == Approx(0.5));
  CHECK(rate_at(cosine, 3, 12) == Approx(2));
  CHECK(rate_at(cosine, 4, 12) == Approx(2));
  CHECK(rate_at(cosine, 6, 12) == Approx(2 * (0.1 + 0.9 * (1 + std::cos(std::numbers::pi / 4)) / 2)));
  CHECK(rate_at(cosine, 12, 12) == Approx(0.2));
  CHECK(rate_at(cosine, 9, 0) == Approx(2)); // a run of unknown length
}

double loss_of(const std::string &loss, const std::string &label, std::vector<double> logits,
               std::vector<double> labels) {
  const Model model = model_of(fmt::format(R"({{
    "inputs": {{"x": {{"shape": [3]}}, "y": {}}},
    "layers": [{{"name": "z", "type": "dense", "units": 3, "input": "x"}}],
    "loss": {{"type": "{}", "labels": "y"}}}})",
                                       label, loss));
  const Graph graph = build_graph(model, Entry::evaluate, 1, DType::f64);
  Bindings state;
  for (const Node &node : graph.nodes)
    if (node.is_declaration())
      state.emplace(node.name, Tensor(node.type));
  state["z.bias"].floats = logits;
  for (size_t i = 0; i < labels.size(); ++i)
    state["y"].set(static_cast<int64_t>(i), labels[i]);
  return interpret(graph, state)[0].number(0);
}

TEST_CASE("cross-entropies are stable and agree with their definitions", "[model]") {
  const std::string number = R"({"shape": [], "dtype": "i32"})", vector = R"({"shape": [3]})";
  const double sum = std::exp(1) + std::exp(2) + std::exp(3);
  CHECK(loss_of("softmax_cross_entropy", number, {1, 2, 3}, {1}) == Approx(std::log(sum) - 2));
  CHECK(loss_of("softmax_cross_entropy", number, {1000, 0, -1000}, {1}) == Approx(1000));
  CHECK(loss_of("softmax_cross_entropy", vector, {1, 2, 3}, {0.5, 0.5, 0}) == Approx(std::log(sum) - 1.5));
  const double expected = (std::log1p(std::exp(-1)) + std::log1p(std::exp(2)) + std::log(2)) / 3;
  CHECK(loss_of("binary_cross_entropy", vector, {1, 2, 0}, {1, 0, 1}) == Approx(expected));
  CHECK(loss_of("binary_cross_entropy", vector, {1000, -1000, 1000}, {1, 0, 0}) == Approx(1000.0 / 3));
}

} // namespace
} // namespace gradc
