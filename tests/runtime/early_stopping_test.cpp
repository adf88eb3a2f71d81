// A run that ends when its validation no longer gets better: it ends with its best state, and going on gives the same bits.
#include "tests/support/runtime_workbench.h"

#include "runtime/train/early_stopping.h"

#include <catch2/catch.hpp>

using namespace gradc::runtime;

namespace {

/// Ten epochs of 9 steps. The validation loss falls from the first epoch on, but ever less: below min_delta that is no progress.
struct Patient : Workbench {
  explicit Patient(double min_delta = 0.05, int64_t patience = 3) {
    signature.train["early_stopping"] = {{"metric", "loss"}, {"patience", patience}, {"min_delta", min_delta}};
    options.epochs = 10;
    options.save = folder / "w.safetensors";
    options.log = folder / "log.jsonl";
  }
  std::string best() const { return folder / "w.best.safetensors"; }
};

} // namespace

TEST_CASE("early stopping: the run ends with the state of its best epoch") {
  Patient bench;
  const TrainResult result = bench.run();
  CHECK_FALSE(result.stopped);
  const auto log = bench.log();
  const auto epochs = events(log, "epoch");
  const auto best = static_cast<size_t>(log.back()["best_epoch"].get<int64_t>());
  REQUIRE(best >= 1);
  REQUIRE(epochs.size() == best + 3);
  REQUIRE(epochs.size() < 10);
  const auto loss = [&](size_t epoch) { return epochs[epoch - 1]["validation"]["loss"].get<double>(); };
  for (size_t epoch = best + 1; epoch <= best + 3; ++epoch)
    CHECK(loss(epoch) >= loss(best) - 0.05);
  CHECK(result.state.epoch == static_cast<int64_t>(best));
  CHECK(result.validation[0].value == loss(best));
  CHECK_FALSE(std::filesystem::exists(bench.best()));
  const std::string ended = read_text(bench.options.save);
  Patient part; // the bits are those of a run that stopped there
  part.options.max_steps = static_cast<int64_t>(best) * 9;
  part.run();
  CHECK(read_text(part.options.save) == ended);
}

TEST_CASE("early stopping: stopping anywhere and going on gives the same file") {
  Patient whole;
  whole.run();
  for (const int64_t stop : {5, 9, 20, 27, 31, 36}) {
    INFO("stopped after " << stop);
    Patient part;
    part.options.max_steps = stop;
    CHECK(part.run().stopped);
    part.options.max_steps.reset();
    part.options.load = part.options.save;
    part.options.save = part.folder / "other.safetensors";
    part.options.max_steps = stop + 1; // once more, under another name
    part.run();
    part.options.max_steps.reset();
    part.options.load = part.options.save;
    part.run();
    CHECK(read_text(part.options.save) == read_text(whole.options.save));
    CHECK_FALSE(std::filesystem::exists(part.folder / "other.best.safetensors"));
  }
}

TEST_CASE("early stopping: the best state of a run under way is beside its checkpoint, and wanted there") {
  Patient bench(1e9, 5);
  bench.options.max_steps = 30; // after three epochs and a part; the first is the best
  bench.run();
  CHECK(read_checkpoint(bench.best()).state.epoch == 1);
  CHECK(read_checkpoint(bench.options.save).state.best->epoch == 1);
  bench.options.max_steps.reset();
  bench.options.load = bench.options.save;
  const std::string best = read_text(bench.best());
  std::filesystem::remove(bench.best());
  CHECK(bench.error().find("w.best.safetensors") != std::string::npos);
  write_text(bench.best(), read_text(bench.options.save));
  CHECK(bench.error().find("does not hold the state after epoch 1, the best of") != std::string::npos);
  write_text(bench.best(), best);
  CHECK(bench.run().state.epoch == 1);
}

TEST_CASE("early stopping: a metric of which more is better, and one that the model does not have") {
  Patient bench;
  bench.signature.metrics[1].higher_is_better = true;
  bench.signature.train["early_stopping"] = {{"metric", "r2"}, {"patience", 10}};
  const TrainResult result = bench.run();
  double best = -1e300;
  for (const auto &epoch : events(bench.log(), "epoch"))
    best = std::max(best, epoch["validation"]["r2"].get<double>());
  CHECK(result.validation[1].value == best);
  bench.signature.train["early_stopping"]["metric"] = "accuracy";
  CHECK(bench.error() == "early_stopping: the model has no metric 'accuracy'");
}

TEST_CASE("early stopping: a checkpoint's best is checked, and forgotten where another metric judges") {
  RunState state;
  state.batch_size = 4;
  state.train_rows = 35;
  state.epoch = 5;
  state.step = 45;
  state.best = Best{"loss", 0.25, 3};
  const EarlyStopping by_loss = [] {
    Signature signature = parse_signature(FakeModel::kSignature);
    signature.train["early_stopping"] = {{"patience", 2}};
    return EarlyStopping(signature);
  }();
  CHECK(by_loss.is_over(state));
  by_loss.adopt(state);
  CHECK(state.best);
  CHECK_FALSE(by_loss.takes(state, {{"loss", std::nan(""), {}}}));
  CHECK_FALSE(by_loss.takes(state, {{"loss", 0.25, {}}}));
  CHECK(by_loss.takes(state, {{"loss", 0.24, {}}}));
  CHECK(state.best->epoch == 5);
  CHECK_FALSE(by_loss.is_over(state));
  state.best->metric = "r2";
  by_loss.adopt(state);
  CHECK_FALSE(state.best);
}
