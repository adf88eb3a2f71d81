// What a model says of its parameters beside the rule that updates them: how gradients are added up, what is kept beside the
// parameters, and noise. Values are compared with PyTorch in trajectory_test.cpp.
#include "compiler/engines/build_model.h"
#include "compiler/engines/jit.h"
#include "runtime/train/io/file.h"
#include "runtime/train/trainer.h"
#include "tests/support/runtime_fake_model.h"

#include <catch2/catch.hpp>

#include <algorithm>
#include <cmath>

namespace gradc {
namespace {

const std::string kIris = GRADC_SOURCE_DIR "/examples/iris/model.json";

CodegenOptions native() {
  CodegenOptions codegen;
  codegen.target = host_target();
  return codegen;
}

/// Trains the model of irises with some values replaced.
runtime::TrainResult train_iris(const std::vector<std::string> &overrides, runtime::TrainOptions options) {
  Diagnostics diagnostics;
  const std::optional<Model> model = load_model(kIris, overrides, diagnostics);
  INFO(diagnostics.render());
  REQUIRE(model);
  const runtime::Signature signature = runtime::parse_signature(gradc::signature(*model, DType::f64));
  options.base_folder = model->folder;
  options.progress = runtime::ProgressMode::none;
  const runtime::Dataset data = runtime::load_training_data(signature, options);
  std::vector<EntryRequest> entries;
  for (const runtime::EntryKey &key : runtime::needed_entries(signature, options, data.sizes()))
    entries.push_back({entry_of(key.kind), key.batch});
  const JitModel compiled(build_model(*model, entries, DType::f64, RunOptions{}), native());
  return runtime::train(*compiled.table(), signature, data, options);
}

/// A model of one layer of 64 x 64 weights and an instance of it. `layer_keys` begin with the initializer.
struct Linear {
  Linear(const std::string &layer_keys, const std::string &optimizer_keys) : model(load(layer_keys, optimizer_keys)),
        compiled(build_model(model, {{Entry::init, 0}, {Entry::train_step, 1}}, DType::f64, RunOptions{}), native()),
        instance(*compiled.table(), 1) {
    instance.init(3);
  }

  static Model load(const std::string &layer_keys, const std::string &optimizer_keys) {
    Diagnostics diagnostics;
    std::optional<Model> model = load_model_text(
        R"({"inputs": {"x": {"shape": [64]}, "y": {"shape": [64]}},
            "layers": [{"name": "out", "type": "dense", "units": 64, "input": "x", "use_bias": false, "weight_initializer": )" +
            layer_keys + R"(}], "loss": {"type": "mse", "target": "y"}, "optimizer": {"type": "sgd", "learning_rate": 1)" + optimizer_keys + "}}",
        "model.json", {}, diagnostics);
    INFO(diagnostics.render());
    REQUIRE(model);
    return *model;
  }

  /// The loss of a step in which every element of x has that value, and every target is 0.
  double step(double x, int64_t number) {
    const std::vector<double> inputs(64, x), targets(64, 0);
    const void *const pointers[] = {inputs.data(), targets.data()};
    const gradc_entry &entry = instance.require(GRADC_TRAIN_STEP, 1);
    const runtime::Outputs outputs(*compiled.table(), entry);
    instance.run(entry, pointers, outputs, {3, number, 0});
    return outputs.scalar(0);
  }

  std::vector<double> weights() const { return instance.snapshot()[0]; }

  Model model;
  JitModel compiled;
  runtime::Instance instance;
};

double variance(const std::vector<double> &values) {
  double squares = 0;
  for (const double value : values)
    squares += value * value;
  return squares / static_cast<double>(values.size());
}

} // namespace

TEST_CASE("accumulated gradients update as one batch of all their rows does") {
  // 96 rows in updates of 20, the last of 16: 5 + 5 + 5 + 1.
  const std::vector<std::string> common = {"train.test_split=0.36", "train.epochs=7", "train.shuffle=true"};
  std::vector<std::string> whole = common, parts = common;
  whole.push_back("train.batch_size=20");
  parts.insert(parts.end(), {"train.batch_size=5", "optimizer.accumulate=4"});
  const runtime::TrainResult expected = train_iris(whole, {}), found = train_iris(parts, {});
  CHECK(found.state.step == expected.state.step);
  CHECK(found.last_loss == Approx(expected.last_loss).epsilon(1e-10));
  CHECK(found.test[0].value == Approx(expected.test[0].value).epsilon(1e-10));
}

TEST_CASE("a run with averages, spectral norm and accumulated gradients goes on to the same bits") {
  const runtime::TemporaryFolder folder;
  const std::vector<std::string> keys = {"optimizer.accumulate=3", "train.batch_size=7", R"(optimizer.average={"type": "ema", "decay": 0.9, "use": true})",
                                         "layers.hidden.spectral_norm=true", "layers.hidden.weight_noise=0.01", "optimizer.gradient_noise=1e-6"};
  runtime::TrainOptions options;
  options.epochs = 4;
  options.save = folder / "whole.safetensors";
  train_iris(keys, options);
  options.save = folder / "part.safetensors";
  options.max_steps = 9; // inside the second epoch
  train_iris(keys, options);
  options.load = options.save;
  options.max_steps = {};
  train_iris(keys, options);
  CHECK(runtime::read_file(folder / "part.safetensors") == runtime::read_file(folder / "whole.safetensors"));
}

TEST_CASE("evaluation takes the averages where it is asked to") {
  // So slow an average is still that of the first updates when the run is over.
  const std::string average = R"(optimizer.average={"type": "polyak", "start": 1000000, "use": )";
  const auto loss = [&](const std::string &keys) { return train_iris({keys}, {}).test[0].value; };
  const double plain = loss("train.shuffle=true");
  CHECK(loss(average + "true}") == Approx(plain).epsilon(1e-9)); // it follows the parameters
  CHECK(loss(R"(optimizer.average={"type": "ema", "decay": 0.9999, "use": true})") > 1.01 * plain);
  CHECK(loss(R"(optimizer.average={"type": "ema", "decay": 0.9999})") == plain);
}

TEST_CASE("the noise of gradients has the variance of its formula in every step, and is drawn anew") {
  Linear linear(R"("zeros")", R"(, "gradient_noise": 0.04)"); // the gradient itself is 0
  linear.step(0, 0);
  const std::vector<double> first = linear.weights();
  CHECK(variance(first) == Approx(0.04).epsilon(0.1));
  linear.step(0, 9);
  std::vector<double> second = linear.weights();
  double product = 0;
  for (size_t i = 0; i < second.size(); ++i) {
    second[i] -= first[i];
    product += first[i] * second[i];
  }
  CHECK(variance(second) == Approx(0.04 / std::pow(10, 0.55)).epsilon(0.1));
  CHECK(std::abs(product) / 4096 < 0.05 * std::sqrt(variance(first) * variance(second)));
}

TEST_CASE("the noise of weights is there in training") {
  Linear linear(R"("zeros", "weight_noise": 0.25)", "");
  // Each output is the sum of 64 weights of variance 1/16.
  CHECK(linear.step(1, 0) == Approx(64.0 / 16).epsilon(0.5));
}

TEST_CASE("the proximal step makes weights exactly 0") {
  Linear linear(R"({"type": "uniform", "min": -1, "max": 1}, "proximal_l1": 0.5)", "");
  linear.step(0, 0); // no gradient: each weight moves by 1 * 0.5 towards 0
  const std::vector<double> weights = linear.weights();
  const auto zeros = std::count(weights.begin(), weights.end(), 0.0);
  CHECK(static_cast<double>(zeros) == Approx(2048).epsilon(0.1));
  CHECK(std::abs(*std::max_element(weights.begin(), weights.end()) - 0.5) < 0.01);
}

} // namespace gradc
