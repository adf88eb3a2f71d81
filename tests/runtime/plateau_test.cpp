// Rates that fall when a metric makes no progress: as PyTorch's, and the same after a stop.
#include "runtime/train/plateau.h"
#include "tests/support/runtime_workbench.h"

#include <catch2/catch.hpp>

using namespace gradc::runtime;

namespace {

/// Nine steps an epoch, and a rate that falls whenever the loss does not fall to a tenth. Without rows to validate it is
/// that of training.
struct Plateaued : Workbench {
  explicit Plateaued(bool validates) {
    signature.plateaus = {
        {"learning_rate", {{"metric", "loss"}, {"factor", 0.5}, {"patience", 0}, {"threshold", 0.9}, {"cooldown", 1}}}};
    signature.train["validation_split"] = validates ? 0.1 : 0.0;
    options.epochs = 12;
    options.save = folder / "w.safetensors";
    options.log = folder / "log.jsonl";
  }
};

} // namespace

TEST_CASE("plateaus: factors follow PyTorch's ReduceLROnPlateau") {
  const auto cases =
      nlohmann::json::parse(read_text(std::filesystem::path(GRADC_SOURCE_DIR) / "tests" / "reference" / "plateaus.json"));
  for (const nlohmann::json &reference : cases) {
    INFO(reference["keys"].dump());
    Signature signature;
    signature.metrics.emplace_back();
    signature.metrics[0].name = "score";
    signature.metrics[0].higher_is_better = reference["keys"].value("mode", "min") == "max";
    nlohmann::json keys = {{"metric", "score"}, {"threshold", 1e-4}};
    keys.update(reference["keys"]);
    signature.plateaus["dropout.rate"] = keys;
    const Plateaus plateaus(signature);
    RunState state;
    for (size_t epoch = 0; epoch < reference["values"].size(); ++epoch) {
      plateaus.take(state, {{"score", reference["values"][epoch], {}}}, 0);
      CHECK(plateaus.factor(state, "dropout.rate") == Approx(reference["factors"][epoch].get<double>()).epsilon(1e-12));
    }
    CHECK(plateaus.factor(state, "dropout.rate") < 1);
    CHECK(plateaus.factor(state, "learning_rate") == 1);
  }
}

TEST_CASE("plateaus: the rate falls in the run, and stopping anywhere and going on gives the same bits") {
  for (const bool validates : {true, false}) {
    Plateaued whole(validates);
    const TrainResult result = whole.run();
    CHECK(result.state.plateaus.at("learning_rate by loss").factor < 1);
    const auto steps = events(whole.log(), "step");
    CHECK(steps.back()["learning_rate"].get<double>() <
          0.3 * steps.front()["learning_rate"].get<double>()); // the schedule alone: 0.5
    for (const int64_t stop : {3, 9, 31, 40, 54}) {
      INFO("stopped after " << stop << ", " << (validates ? "with" : "without") << " rows to validate");
      Plateaued part(validates);
      part.options.max_steps = stop;
      CHECK(part.run().stopped);
      part.options.max_steps.reset();
      part.options.load = part.options.save;
      part.run();
      CHECK(read_text(part.options.save) == read_text(whole.options.save));
    }
  }
}

TEST_CASE("plateaus: a checkpoint whose counters cannot be is refused") {
  Plateaued bench(true);
  bench.run();
  const std::string good = read_text(bench.options.save), name = "gradc.plateau.learning_rate by loss";
  const size_t at = good.find("\"", good.find(name) + name.size() + 1) + 1, end = good.find('"', at);
  bench.options.load = bench.options.save;
  for (const auto &[bad, problem] : std::map<std::string, std::string>{{"2 0 0", "expected a factor from 0 to 1, found '2'"},
                                                                       {"1 -1 0 ", "expected a whole number"},
                                                                       {"1", "expected a factor, two counts and"}}) {
    std::string padded = bad;
    padded.resize(end - at, ' ');
    write_text(bench.options.load, good.substr(0, at) + padded + good.substr(end));
    INFO(bad);
    CHECK_THAT(bench.error(), Catch::Contains(problem));
  }
}

TEST_CASE("plateaus: a metric that the model has not is an error") {
  Signature signature;
  signature.plateaus = {{"learning_rate", {{"metric", "score"}}}};
  CHECK_THROWS_WITH(Plateaus(signature), "learning_rate: the model has no metric 'score'");
}
