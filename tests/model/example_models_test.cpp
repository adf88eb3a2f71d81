// The models of examples/, trained as `gradc train` does, reach what their data is known to allow.
#include "compiler/engines/build_model.h"
#include "compiler/engines/jit.h"
#include "runtime/train/trainer.h"
#include "tests/support/runtime_fake_model.h"

#include <catch2/catch.hpp>

#include <algorithm>
#include <cstring>
#include <fstream>

namespace gradc {
namespace {

const std::string kRoot = GRADC_SOURCE_DIR;

struct Trained {
  std::vector<runtime::Metric> metrics; // on the test rows
  std::vector<int64_t> test_rows;
  std::string weights; // the file that the run saved

  double metric(const std::string &name) const {
    const auto found = std::find_if(metrics.begin(), metrics.end(), [&](const auto &m) { return m.name == name; });
    REQUIRE(found != metrics.end());
    return found->value;
  }

  /// The elements of a saved tensor.
  std::vector<float> tensor(const std::string &name) const {
    uint64_t header_size = 0;
    std::memcpy(&header_size, weights.data(), 8);
    const auto offsets = nlohmann::json::parse(weights.substr(8, header_size))[name]["data_offsets"].get<std::vector<size_t>>();
    std::vector<float> elements((offsets[1] - offsets[0]) / sizeof(float));
    std::memcpy(elements.data(), weights.data() + 8 + header_size + offsets[0], offsets[1] - offsets[0]);
    return elements;
  }
};

Trained train_example(const std::string &file, const std::vector<std::string> &overrides = {}) {
  Diagnostics diagnostics;
  const std::optional<Model> model = load_model(kRoot + "/examples/" + file, overrides, diagnostics);
  INFO(diagnostics.render());
  REQUIRE(model);
  const runtime::Signature signature = runtime::parse_signature(gradc::signature(*model));
  runtime::TrainOptions options;
  options.base_folder = model->folder;
  options.progress = runtime::ProgressMode::none;
  options.threads = 2; // the result does not depend on them
  const runtime::TemporaryFolder folder;
  options.save = folder / "weights.safetensors";
  const runtime::Dataset data = runtime::load_training_data(signature, options);

  std::vector<EntryRequest> entries;
  for (const runtime::EntryKey &key : runtime::needed_entries(signature, options, data.sizes()))
    entries.push_back({entry_of(key.kind), key.batch});
  CodegenOptions codegen;
  codegen.target = host_target();
  const JitModel compiled(build_model(*model, entries, DType::f32, RunOptions{}), codegen);

  const auto rows = data.original_rows.begin();
  std::vector<runtime::Metric> metrics = runtime::train(*compiled.table(), signature, data, options).test;
  return {std::move(metrics), {rows + data.test.begin, rows + data.test.end}, runtime::read_text(options.save)};
}

} // namespace

TEST_CASE("examples: digits are told apart") {
  CHECK(train_example("digits/model.json").metric("accuracy") >= 0.97); // the data's usual figure for a small network
}

TEST_CASE("examples: digits are told apart by convolutions") {
  CHECK(train_example("lenet/model.json").metric("accuracy") >= 0.985); // small convolutional networks reach 99 %
}

TEST_CASE("examples: a ResNet-20 tells shapes and textures apart") {
  CHECK(train_example("resnet20/model.json").metric("accuracy") >= 0.95);
}

TEST_CASE("examples: a U-Net says what pixels show") {
  CHECK(train_example("segmentation/model.json").metric("accuracy") >= 0.95); // borders of things are noisy
}

TEST_CASE("examples: an autoencoder keeps digits, and with a penalty needs fewer numbers for them") {
  const Trained plain = train_example("autoencoder/model.json"),
                sparse = train_example("autoencoder/model.json", {"layers.code.activity_l1=3e-4"});
  CHECK(plain.metric("r2") >= 0.9);
  CHECK(sparse.metric("r2") >= 0.87);
  CHECK(sparse.metric("active") < 0.75 * plain.metric("active"));
}

TEST_CASE("examples: irises are told apart") {
  CHECK(train_example("iris/model.json").metric("accuracy") >= 0.95); // a few flowers of two species look alike
}

TEST_CASE("examples: the linear model of diabetes is that of least squares") {
  const Trained trained = train_example("diabetes/model.json");
  const auto best = nlohmann::json::parse(std::ifstream(kRoot + "/tests/reference/diabetes_least_squares.json"));
  REQUIRE(trained.test_rows == best["test_rows"].get<std::vector<int64_t>>()); // else make the reference anew
  CHECK(trained.metric("r2") == Approx(best["r2"].get<double>()).margin(0.01).epsilon(0));
}

TEST_CASE("examples: least squares, ridge and lasso have the weights of scikit-learn") {
  const auto best = nlohmann::json::parse(std::ifstream(kRoot + "/tests/reference/linear_models.json"));
  const std::pair<const char *, std::vector<std::string>> kModels[] = {{"least_squares", {}},
                                                                       {"ridge", {"layers.prediction.l2=0.1"}},
                                                                       {"lasso", {"layers.prediction.proximal_l1=0.1"}}};
  for (const auto &[name, overrides] : kModels) {
    const Trained trained = train_example("regression/linear.json", overrides);
    REQUIRE(trained.test_rows == best["test_rows"].get<std::vector<int64_t>>()); // else make the reference anew
    const std::vector<float> weights = trained.tensor("prediction.weight");
    REQUIRE(weights.size() == best[name].size());
    for (size_t i = 0; i < weights.size(); ++i) {
      INFO(name << ", weight " << i);
      CHECK(weights[i] == Approx(best[name][i].get<double>()).margin(1e-3).epsilon(0));
      CHECK((weights[i] == 0) == (best[name][i] == 0));
    }
  }
}

TEST_CASE("examples: a tenth of the patients lies beyond each outer quantile") {
  const Trained trained = train_example("regression/quantile.json");
  CHECK(trained.metric("below_lowest") == Approx(0.1).margin(0.07).epsilon(0)); // of 88 rows; two standard deviations
  CHECK(trained.metric("above_highest") == Approx(0.1).margin(0.07).epsilon(0));
}

TEST_CASE("examples: a mixture knows more than a straight line with normal errors") {
  CHECK(train_example("regression/mixture.json").metric("loss") < 1.2); // (log(2 pi (1 - r^2)) + 1) / 2 = 1.21 for the r of bmi
}

TEST_CASE("examples: weights of the rare class trade precision for recall") {
  const Trained plain = train_example("imbalance/model.json"),
                weighted = train_example("imbalance/model.json", {"loss.pos_weight=9"});
  CHECK(plain.metric("auc") >= 0.95);
  CHECK(plain.metric("precision") >= 0.8);
  CHECK(weighted.metric("recall") >= 0.85);
  CHECK(weighted.metric("recall") > plain.metric("recall") + 0.1);
  CHECK(weighted.metric("precision") < plain.metric("precision") - 0.1);
}

TEST_CASE("examples: capsules that route by agreement tell digits apart") {
  CHECK(train_example("capsule/model.json").metric("accuracy") >= 0.97);
}

TEST_CASE("examples: radial basis functions from primitives tell irises apart") {
  CHECK(train_example("radial-basis/model.json").metric("accuracy") >=
        0.9); // one flower of 30 more is mistaken than by dense layers
}

} // namespace gradc
