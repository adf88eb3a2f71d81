// What normalization promises beyond the values that values_test.cpp and trajectory_test.cpp compare with PyTorch: accuracy far from 0,
// when running statistics move, which batches can be trained with, and derivatives of derivatives.
#include "compiler/model/graphs/watch.h"
#include "compiler/model/model.h"
#include "ir/formula.h"
#include "ir/interpreter.h"
#include "passes/differentiate.h"
#include "runtime/train/trainer.h"
#include "tests/support/compiled_engine.h"
#include "tests/support/models.h"

#include <catch2/catch.hpp>

#include <algorithm>
#include <cmath>
#include <fmt/format.h>
#include <functional>
#include <set>

namespace gradc {
namespace {

using tests::model_of;
using Names = std::set<std::string>;

/// A layer "f" with these keys, which reads what a dense layer "a" of six units makes of [2, 3, 6].
Model model_with(const std::string &keys, const std::vector<std::string> &overrides = {}) {
  return model_of(fmt::format(R"({{
    "inputs": {{"x": {{"shape": [2, 3, 6]}}, "y": {{"shape": [2, 3, 6]}}}},
    "layers": [{{"name": "a", "type": "dense", "units": 6, "input": "x"}}, {{"name": "f", {}}}],
    "loss": {{"type": "mse", "target": "y"}},
    "optimizer": {{"type": "sgd", "learning_rate": 0.1}}}})",
                              keys),
                  overrides);
}

/// Whatever graphs of the model declare: numbers that differ from each other, but running variances 1 and means 0, averages what
/// they are averages of, and hypers as the model says.
Bindings bindings_of(const Model &model, int64_t batch) {
  Bindings state;
  double phase = 0.3;
  const Graph graph = build_graph(model, Entry::grad_step, batch, DType::f64); // of all entries the one that declares most
  for (const Node &node : graph.nodes)
    if (node.is_declaration()) {
      Tensor tensor(node.type);
      for (int64_t i = 0; is_float(node.type.dtype) && i < node.type.elements(); ++i)
        tensor.set(i, node.role == Role::buffer ? node.name.find("variance") != std::string::npos : std::sin(phase += 1.7));
      state.emplace(node.name, std::move(tensor));
    }
  for (auto &[name, tensor] : state)
    if (name.ends_with(".ema"))
      tensor = state.at(name.substr(0, name.size() - 4));
  for (const ModelHyper &hyper : model.hypers)
    state.at(hyper.name).set(0, hyper.value);
  return state;
}

std::vector<Tensor> run(const Model &model, Entry entry, int64_t batch, Bindings &state) {
  const Graph graph = build_graph(model, entry, batch, DType::f64);
  Bindings used;
  for (const Node &node : graph.nodes)
    if (node.is_declaration())
      used.emplace(node.name, node.role == Role::input && node.type != state.at(node.name).type ? Tensor(node.type) : state.at(node.name));
  std::vector<Tensor> results = interpret(graph, used);
  for (const auto &[name, tensor] : used)
    state.at(name) = tensor;
  return results;
}

/// The buffers that a graph writes.
Names written(const Graph &graph) {
  Names names;
  for (const Update &update : graph.updates)
    if (graph[update.target].role == Role::buffer)
      names.insert(graph[update.target].name);
  return names;
}

constexpr const char *kBatchNorm = R"("type": "batch_norm")";
const Names kStatistics = {"f.running_mean", "f.running_variance"};

std::string error_of(const std::function<void()> &work) {
  try {
    work();
  } catch (const std::exception &problem) {
    return problem.what();
  }
  return "no error";
}

} // namespace

TEST_CASE("normalization in f32 is that in f64 where the mean is far larger than the deviation", "[model]") {
  constexpr int64_t kBatch = 37;
  for (const char *layer : {kBatchNorm, R"("type": "instance_norm", "scale": true)", R"("type": "layer_norm", "axes": [0, 1])"}) {
    INFO(layer);
    const Model model = model_of(fmt::format(R"({{
      "inputs": {{"x": {{"shape": [9, 7, 6]}}, "y": {{"shape": [9, 7, 6]}}}},
      "layers": [{{"name": "f", {}, "input": "x"}}], "loss": {{"type": "mse", "target": "y"}}}})",
                                             layer));
    Bindings exact = bindings_of(model, kBatch);
    std::vector<double> &x = exact.at("x").floats;
    for (size_t i = 0; i < x.size(); ++i) // the means of the channels are 0.1, 1, ..., 10000
      x[i] = static_cast<float>(x[i] + std::pow(10, static_cast<double>(i % 6) - 1));
    for (const char *name : {"y", "f.scale", "f.offset"})
      if (exact.contains(name))
        for (double &number : exact.at(name).floats)
          number = static_cast<float>(number);
    Graph graph = build_graph(model, Entry::grad_step, kBatch, DType::f32);
    Bindings single;
    for (const Node &node : graph.nodes)
      if (node.is_declaration()) {
        Tensor tensor(node.type);
        for (int64_t i = 0; i < node.type.elements(); ++i)
          is_float(node.type.dtype) ? tensor.set(i, exact.at(node.name).floats[static_cast<size_t>(i)]) : tensor.set_integer(i, 0);
        single.emplace(node.name, std::move(tensor));
      }
    const double loss = interpret(build_graph(model, Entry::grad_step, kBatch, DType::f64), exact)[0].number(0);
    CHECK(tests::run_jit(graph, single)[0].number(0) == Approx(loss).epsilon(1e-4));
    for (const auto &[name, tensor] : single) {
      if (!name.ends_with(".grad") && !name.starts_with("f.running"))
        continue;
      const std::vector<double> &expected = exact.at(name).floats;
      const double largest = std::abs(*std::ranges::max_element(expected, {}, [](double v) { return std::abs(v); }));
      for (size_t i = 0; i < expected.size(); ++i) {
        INFO(name << " " << i);
        CHECK(std::abs(tensor.floats[i] - expected[i]) < 1e-4 * (name.ends_with("mean") ? std::abs(expected[i]) : largest));
      }
    }
  }
}

TEST_CASE("equal values have variance 0 and no gradient, in f32 too", "[model]") {
  const Model model = model_with(kBatchNorm);
  for (const double value : {0.0, 1e-20, 3.3, 1e10}) {
    INFO(value);
    Graph graph = build_graph(model, Entry::grad_step, 5, DType::f32);
    Bindings state;
    for (const Node &node : graph.nodes)
      if (node.is_declaration()) {
        state.emplace(node.name, Tensor(node.type));
        for (double &number : state.at(node.name).floats)
          number = node.name == "f.scale" ? 1 : node.name == "a.bias" ? static_cast<float>(value) : 0;
      }
    CHECK(tests::run_jit(graph, state)[0].number(0) == 0);
    for (const double variance : state.at("f.running_variance").floats)
      CHECK((variance >= 0 && variance <= 1e-7 * value * value));
    for (const double gradient : state.at("a.bias.grad").floats)
      CHECK(gradient == 0);
  }
}

TEST_CASE("running statistics are written by the entries that see data and compute gradients alone", "[model]") {
  const Model model = model_with(kBatchNorm, {"optimizer.accumulate=2", "layers.a.spectral_norm=true"});
  Names all = kStatistics;
  all.insert({"a.weight.spectral_u", "a.weight.spectral_v"});
  for (const Entry entry : entries_of(model)) {
    INFO(to_string(entry));
    const bool trains = entry == Entry::train_step || entry == Entry::grad_step || entry == Entry::accumulate_step;
    CHECK(written(build_graph(model, entry, 3)) == (trains || entry == Entry::init ? all : Names()));
  }
  CHECK(written(build_watch(model, 3, DType::f32)).empty());
  for (const char *type : {R"("type": "layer_norm")", R"("type": "group_norm", "groups": 2)", R"("type": "instance_norm")", R"("type": "rms_norm")"})
    CHECK(model_with(type).buffers.empty());
}

TEST_CASE("every batch whose gradients are accumulated moves the running statistics", "[model]") {
  const Model model = model_with(kBatchNorm, {"optimizer.accumulate=2"});
  Bindings state = bindings_of(model, 3);
  run(model, Entry::grad_step, 3, state);
  const std::vector<double> once = state.at("f.running_mean").floats;
  run(model, Entry::accumulate_step, 3, state);
  for (size_t c = 0; c < once.size(); ++c) // the mean m of the same batch: 0.1 m, then 0.1 m + 0.9 * 0.1 m
    CHECK(state.at("f.running_mean").floats[c] == Approx(1.9 * once[c]));
  const Bindings before = state;
  run(model, Entry::apply, 3, state);
  for (const std::string &name : kStatistics)
    CHECK(state.at(name).floats == before.at(name).floats);
}

TEST_CASE("averages are kept of running statistics, and evaluation reads them where the model says so", "[model]") {
  for (const bool use : {false, true}) {
    const Model model = model_with(kBatchNorm, {fmt::format(R"(optimizer.average={{"type": "ema", "decay": 0.5, "use": {}}})", use)});
    CHECK(written(build_graph(model, Entry::apply, 3)).contains("f.running_mean.ema"));
    Bindings state = bindings_of(model, 3);
    const std::vector<double> plain = run(model, Entry::predict, 3, state)[0].floats;
    state.at("f.running_mean.ema").floats[0] = 100;
    CHECK((run(model, Entry::predict, 3, state)[0].floats != plain) == use);
    // In two halves as in one step.
    Bindings halves = state;
    run(model, Entry::train_step, 3, state);
    run(model, Entry::grad_step, 3, halves);
    run(model, Entry::apply, 3, halves);
    for (const char *name : {"f.running_mean.ema", "f.running_variance.ema", "f.running_mean", "f.scale"})
      CHECK(state.at(name).floats == halves.at(name).floats);
  }
}

TEST_CASE("a batch_norm that is not trainable is in training what it is in prediction", "[model]") {
  const Model model = model_with(R"("type": "batch_norm", "trainable": false)", {R"(optimizer.average={"type": "ema", "decay": 0.5})"});
  for (const Entry entry : {Entry::train_step, Entry::grad_step, Entry::apply})
    for (const std::string &name : written(build_graph(model, entry, 3)))
      CHECK(!name.starts_with("f."));
  Bindings state = bindings_of(model, 3);
  state.at("f.running_mean").floats = {1, 2, 3, 4, 5, 6};
  const double evaluated = run(model, Entry::evaluate, 3, state)[0].number(0) / 3;
  CHECK(run(model, Entry::grad_step, 3, state)[0].number(0) == Approx(evaluated).epsilon(1e-14));
}

const std::string kVectors = R"({"inputs": {"x": {"shape": [4]}, "y": {"shape": [4]}},
  "layers": [{"name": "a", "type": "dense", "units": 4, "input": "x"}, {"name": "f", "type": "batch_norm"}],
  "loss": {"type": "mse", "target": "y"}, "train": {"batch_size": 149, "epochs": 1, "seed": 1}})";
const std::string kReason = "layer 'f': batch_norm takes the variance of each channel over the batch, which one value alone does not "
                            "have, so a batch of training needs at least 2 examples, got 1";

TEST_CASE("an entry that trains a batch_norm with one value of a channel is refused", "[model]") {
  const Model model = model_of(kVectors);
  for (const Entry entry : {Entry::train_step, Entry::grad_step}) {
    CHECK(error_of([&] { build_graph(model, entry, 1); }) == kReason);
    CHECK_NOTHROW(build_graph(model, entry, 2));
  }
  for (const Entry entry : {Entry::evaluate, Entry::predict})
    CHECK_NOTHROW(build_graph(model, entry, 1));
  CHECK_NOTHROW(build_graph(model_with(kBatchNorm), Entry::train_step, 1)); // six values of a channel
  CHECK_NOTHROW(build_graph(model_of(kVectors, {"layers.f.trainable=false"}), Entry::train_step, 1));
}

TEST_CASE("a run whose batches leave one value of a channel is refused with batch sizes that work", "[model]") {
  runtime::TrainOptions options;
  const auto planned = [&](int64_t rows, int64_t batch, const std::vector<std::string> &overrides = {}) {
    const runtime::Signature signature = runtime::parse_signature(gradc::signature(model_of(kVectors, overrides)));
    options.batch_size = batch;
    return error_of([&] { runtime::plan_run(signature, options, rows); });
  };
  CHECK(planned(150, 149) == kReason + ": 150 rows to train in batches of 149 make one of 1; batch sizes that work: 148, 150");
  CHECK(planned(7, 3) == kReason + ": 7 rows to train in batches of 3 make one of 1; batch sizes that work: 4");
  CHECK(planned(9, 1) == kReason + ": 9 rows to train in batches of 1 make one of 1; batch sizes that work: 3");
  CHECK(planned(1, 8) == kReason + ": 1 rows to train in batches of 8 make one of 1; no batch size works for so few rows");
  CHECK(planned(150, 148) == "no error");
  CHECK(planned(150, 200) == "no error");
  CHECK(planned(150, 149, {"layers.f.trainable=false"}) == "no error");
  CHECK(planned(9, 4, {"optimizer.accumulate=2"}) == kReason + ": 9 rows to train in batches of 4 make one of 1; batch sizes that work: 3, 5");
  options.max_steps = 1; // which ends before the last batch
  CHECK(planned(150, 149) == "no error");
}

TEST_CASE("gradients of gradients of normalizations agree with finite differences", "[model]") {
  constexpr int64_t kBatch = 3;
  for (const char *layer : {kBatchNorm, R"("type": "layer_norm")", R"("type": "group_norm", "groups": 2)",
                            R"("type": "instance_norm", "scale": true, "offset": true)", R"("type": "rms_norm", "epsilon": 1e-3)"}) {
    INFO(layer);
    const Model model = model_with(layer);
    // h = the sum of the squares of all gradients, and its gradient by the weights.
    Graph graph = build_graph(model, Entry::grad_step, kBatch, DType::f64);
    const Scope scope{graph, ""};
    std::optional<Var> squares;
    for (const Update &update : std::vector<Update>(graph.updates))
      if (graph[update.target].role == Role::grad) {
        const Var all = sum(square(Var{&scope, update.value}));
        squares = squares ? *squares + all : all;
      }
    graph.updates.clear();
    graph.gradients.clear();
    const Value weight = *graph.find("a.weight");
    const std::vector<Value> gradient = differentiate(graph, squares->value, {weight});
    graph.returns = {{"h", squares->value}, {"gradient", gradient[0]}};
    Bindings state = bindings_of(model, kBatch);
    const std::vector<double> found = interpret(graph, state)[1].floats;
    const auto at = [&](size_t i, double step) {
      Bindings moved = state;
      moved.at("a.weight").floats[i] += step;
      return interpret(graph, moved)[0].number(0);
    };
    constexpr double h = 1e-4;
    const double largest = std::abs(*std::ranges::max_element(found, {}, [](double g) { return std::abs(g); }));
    for (size_t i = 0; i < found.size(); i += 5)
      CHECK(found[i] == Approx((8 * (at(i, h) - at(i, -h)) - (at(i, 2 * h) - at(i, -2 * h))) / (12 * h)).epsilon(1e-6).margin(1e-7 * largest));
  }
}

} // namespace gradc
