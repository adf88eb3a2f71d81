// The models of examples/, trained as `gradc train` does, reach what their data is known to allow.
#include "compiler/engines/build_model.h"
#include "compiler/engines/jit.h"
#include "runtime/train/trainer.h"

#include <catch2/catch.hpp>

#include <algorithm>
#include <fstream>

namespace gradc {
namespace {

const std::string kRoot = GRADC_SOURCE_DIR;

struct Trained {
  std::vector<runtime::Metric> metrics; // on the test rows
  std::vector<int64_t> test_rows;

  double metric(const std::string &name) const {
    const auto found = std::find_if(metrics.begin(), metrics.end(), [&](const auto &m) { return m.name == name; });
    REQUIRE(found != metrics.end());
    return found->value;
  }
};

Trained train_example(const std::string &name) {
  Diagnostics diagnostics;
  const std::optional<Model> model = load_model(kRoot + "/examples/" + name + "/model.json", {}, diagnostics);
  INFO(diagnostics.render());
  REQUIRE(model);
  const runtime::Signature signature = runtime::parse_signature(gradc::signature(*model));
  runtime::TrainOptions options;
  options.base_folder = model->folder;
  options.progress = runtime::ProgressMode::none;
  const runtime::Dataset data = runtime::load_training_data(signature, options);

  std::vector<EntryRequest> entries;
  for (const runtime::EntryKey &key : runtime::needed_entries(signature, options, data.sizes()))
    entries.push_back({entry_of(key.kind), key.batch});
  CodegenOptions codegen;
  codegen.target = host_target();
  const JitModel compiled(build_model(*model, entries, DType::f32, RunOptions{}), codegen);

  const auto rows = data.original_rows.begin();
  return {runtime::train(*compiled.table(), signature, data, options).test,
          {rows + data.test.begin, rows + data.test.end}};
}

} // namespace

TEST_CASE("examples: digits are told apart") {
  CHECK(train_example("digits").metric("accuracy") >= 0.97); // the data's usual figure for a small network
}

TEST_CASE("examples: irises are told apart") {
  CHECK(train_example("iris").metric("accuracy") >= 0.95); // a few flowers of two species look alike
}

TEST_CASE("examples: the linear model of diabetes is that of least squares") {
  const Trained trained = train_example("diabetes");
  const auto best = nlohmann::json::parse(std::ifstream(kRoot + "/tests/reference/diabetes_least_squares.json"));
  REQUIRE(trained.test_rows == best["test_rows"].get<std::vector<int64_t>>()); // else make the reference anew
  CHECK(trained.metric("r2") == Approx(best["r2"].get<double>()).margin(0.01).epsilon(0));
}

} // namespace gradc
