// The epoch loop on a model written by hand: learning, order, resuming, metrics, the log.
#include "tests/support/runtime_workbench.h"

#include <algorithm>
#include <catch2/catch.hpp>

using namespace gradc::runtime;
using Json = nlohmann::json;

namespace {

/// The tensors of a file, without its metadata: what must be equal bit by bit.
std::string payload(const std::string &path) {
  const std::string file = read_text(path);
  return file.substr(file.size() - 32);
}

} // namespace

TEST_CASE("train: the model learns the line, and the metrics say so") {
  Workbench bench;
  bench.options.epochs = 60;
  const TrainResult result = bench.run();
  CHECK(result.state.step == 60 * 9); // 35 rows in batches of 4
  CHECK(result.state.epoch == 60);
  CHECK_FALSE(result.stopped);
  REQUIRE(result.test.size() == 2);
  CHECK(result.test[0].name == "loss");
  CHECK(result.test[0].value < 1e-4);
  CHECK(result.test[1].name == "r2");
  CHECK(result.test[1].value > 0.999);
  CHECK(result.validation[0].value < 1e-4);
}

TEST_CASE("train: exactly the entries that are announced are needed") {
  Workbench bench;
  const DatasetSizes sizes{35, 10, 5};
  CHECK(joined(needed_entries(bench.signature, bench.options, sizes)) ==
        "init:0 train_step:3 train_step:4 evaluate:1 evaluate:2 evaluate:4 schedule:0 ");
  bench.options.batch_size = 64;
  CHECK(joined(needed_entries(bench.signature, bench.options, sizes)) ==
        "init:0 train_step:35 evaluate:5 evaluate:10 schedule:0 ");
  CHECK_NOTHROW(bench.run({35, 10, 5}));
  bench.options.batch_size = 4;
  bench.options.max_steps = 8;
  CHECK(joined(needed_entries(bench.signature, bench.options, {35, 0, 0})) ==
        "init:0 train_step:4 schedule:0 ");
  bench.options.max_steps = 9;
  CHECK(joined(needed_entries(bench.signature, bench.options, {35, 0, 0})) ==
        "init:0 train_step:3 train_step:4 schedule:0 ");
}

TEST_CASE("train: a missing specialization is told with the batch size to compile") {
  Workbench bench;
  const auto error = [&](const std::vector<int64_t> &batches) -> std::string {
    try {
      bench.run(batches);
    } catch (const Error &problem) {
      return problem.what();
    }
    return "no error";
  };
  CHECK(error({4}) == "model 'line' is not compiled to train_step batches of 3 (it is for: 4); compile it with "
                      "--batch-size 3,4");
  CHECK(error({4, 3}) == "10 rows cannot be covered by the batches that 'evaluate' is compiled for (4, 3): 2 are left; "
                         "compile it with --batch-size 2");
  CHECK(error({4, 3, 1}) == "no error");
}

TEST_CASE("cover: the largest batches that fit, in order") {
  CHECK(cover(75, {1, 32, 10}, GRADC_EVALUATE) == std::vector<int64_t>{32, 32, 10, 1});
  CHECK(cover(0, {}, GRADC_EVALUATE).empty());
}

TEST_CASE("train: every row is trained on once an epoch, in another order each epoch") {
  Workbench bench;
  bench.options.epochs = 2;
  bench.options.batch_size = 1;
  bench.options.learning_rate = 0; // so that a row's loss tells which row it was
  bench.options.log = bench.folder / "log.jsonl";
  bench.run();
  const auto order = [&](int epoch) {
    std::vector<double> losses;
    for (const Json &step : events(bench.log(), "step"))
      if (step["epoch"] == epoch)
        losses.push_back(step["loss"]);
    return losses;
  };
  auto first = order(1), second = order(2);
  CHECK(first.size() == 35);
  CHECK(first != second);
  bench.options.shuffle = false;
  bench.run();
  const auto unshuffled = order(1);
  CHECK(unshuffled == order(2));
  CHECK(unshuffled != first);
  auto sorted = unshuffled;
  for (auto *losses : {&first, &second, &sorted})
    std::sort(losses->begin(), losses->end());
  CHECK(first == second);
  CHECK(first == sorted);
}

TEST_CASE("train: the same run gives the same bits, for any number of threads; another seed does not") {
  Workbench bench;
  const auto bits = [&](int64_t seed, int32_t threads) {
    bench.options.seed = seed;
    bench.options.threads = threads;
    bench.options.save = bench.folder / "w.safetensors";
    bench.run();
    return payload(bench.options.save);
  };
  const std::string once = bits(7, 1);
  CHECK(bits(7, 1) == once);
  CHECK(bits(7, 3) == once);
  CHECK(bits(8, 1) != once);
}

TEST_CASE("train: stopping, saving and going on gives the same bits as not stopping") {
  for (const int64_t stop : {1, 9, 13, 18, 26}) { // inside and at the ends of epochs of 9 steps
    Workbench bench;
    bench.options.save = bench.folder / "whole.safetensors";
    bench.run();
    bench.options.save = bench.folder / "part.safetensors";
    bench.options.max_steps = stop;
    const TrainResult part = bench.run();
    CHECK(part.stopped);
    CHECK(part.state.step == stop);
    bench.options.max_steps.reset();
    bench.options.load = bench.options.save;
    const TrainResult rest = bench.run();
    CHECK(rest.state.step == 27);
    CHECK(payload(bench.folder / "part.safetensors") == payload(bench.folder / "whole.safetensors"));
  }
}

TEST_CASE("train: a stop from outside ends the run in order") {
  Workbench bench;
  const std::atomic<bool> stop{true};
  bench.options.stop = &stop;
  bench.options.save = bench.folder / "w.safetensors";
  const TrainResult result = bench.run();
  CHECK(result.stopped);
  CHECK(result.state.step == 1);
  CHECK(read_checkpoint(bench.options.save).state.step == 1);
}

TEST_CASE("train: parameters alone are a start, not a continuation") {
  Workbench bench;
  const FakeModel model({});
  float params[16] = {2, -1, 0.5f, 0, 1};
  void *const arenas[] = {params};
  bench.options.load = bench.folder / "given.safetensors";
  REQUIRE(model.table.save(&model.table, arenas, 1, bench.options.load.c_str(), nullptr) == GRADC_OK);
  bench.options.log = bench.folder / "log.jsonl";
  CHECK(bench.run().state.step == 27);
  CHECK(events(bench.log(), "step")[0]["loss"] < 1e-9);
}

TEST_CASE("train: the log holds the start, every step, every epoch and the end") {
  Workbench bench;
  bench.options.log = bench.folder / "log.jsonl";
  const TrainResult result = bench.run();
  const std::vector<Json> log = bench.log();
  REQUIRE(log.size() == 1 + 27 + 3 + 1);
  CHECK(log[0]["event"] == "start");
  CHECK(log[0]["rows"] == Json{{"train", 35}, {"validation", 10}, {"test", 5}});
  CHECK(log[0]["parameters"] == 4);
  const Dataset data = load_training_data(bench.signature, bench.options);
  CHECK(log[0]["test_rows"].get<std::vector<int64_t>>() ==
        std::vector<int64_t>(data.original_rows.begin() + 45, data.original_rows.end()));
  CHECK(log[1]["step"] == 1);
  CHECK(log[1]["epoch"] == 1);
  CHECK(log[1]["learning_rate"] == 0.05);                            // the schedule: 0.05 (1 - 0.5 step / 27)
  CHECK(log[2]["learning_rate"].get<double>() == 0.05 * (1 - 0.5 * 1.0 / 27));
  CHECK(log[10]["event"] == "epoch");
  CHECK(log[10]["validation"].contains("r2"));
  CHECK(log[10]["complete"] == true);
  CHECK(log.back()["event"] == "end");
  CHECK(log.back()["test"]["loss"] == result.test[0].value);
  double mean = 0;
  for (size_t i = 1; i <= 9; ++i)
    mean += log[i]["loss"].get<double>() * (i < 9 ? 4 : 3) / 35;
  CHECK(log[10]["loss"].get<double>() == Approx(mean).epsilon(1e-12));
}

TEST_CASE("train: a resumed run adds to its log") {
  Workbench bench;
  bench.options.log = bench.folder / "log.jsonl";
  bench.options.save = bench.folder / "w.safetensors";
  bench.options.max_steps = 9;
  bench.run();
  bench.options.max_steps.reset();
  bench.options.load = bench.options.save;
  bench.run();
  const std::vector<Json> steps = events(bench.log(), "step");
  REQUIRE(steps.size() == 27);
  for (size_t i = 0; i < steps.size(); ++i)
    CHECK(steps[i]["step"] == i + 1);
}

TEST_CASE("train: a log or plot that cannot be written does not end the run, but is told at its end") {
  for (std::string TrainOptions::*output : {&TrainOptions::log, &TrainOptions::plot}) {
    Workbench bench;
    bench.options.*output = "/dev/full";
    bench.options.save = bench.folder / "w.safetensors";
    bench.options.progress = ProgressMode::plain;
    bench.options.console = std::fopen((bench.folder / "console").c_str(), "w");
    CHECK(bench.error() == "cannot write '/dev/full': No space left on device");
    std::fclose(bench.options.console);
    const std::string told = read_text(bench.folder / "console");
    CHECK(told.find("warning: cannot write '/dev/full': No space left on device; the run goes on without it\n") != told.npos);
    CHECK(told.find("\nsaved ") != told.npos);
    CHECK(read_checkpoint(bench.options.save).state.epoch == 3);
  }
}

TEST_CASE("train: a console that is full or closed changes nothing") {
  Workbench bench;
  bench.options.save = bench.folder / "w.safetensors";
  for (const ProgressMode mode : {ProgressMode::plain, ProgressMode::json}) {
    bench.options.progress = mode;
    bench.options.console = std::fopen("/dev/full", "w");
    CHECK(bench.run().state.epoch == 3);
    std::fclose(bench.options.console);
  }
}

TEST_CASE("train: a log that a kill cut off goes on in a new line") {
  Workbench bench;
  bench.options.log = bench.folder / "log.jsonl";
  bench.options.save = bench.folder / "w.safetensors";
  bench.options.max_steps = 9;
  bench.run();
  const std::string cut = read_text(bench.options.log).substr(0, 300);
  write_text(bench.options.log, cut);
  bench.options.max_steps.reset();
  bench.options.load = bench.options.save;
  bench.run();
  CHECK(read_text(bench.options.log).starts_with(cut + "\n{\"event\":\"start\""));
}

TEST_CASE("train: a checkpoint on the way that cannot be written is a warning; when they are due") {
  using Steps = std::vector<int64_t>;
  const auto tried = [](auto choose) {
    Workbench bench;
    choose(bench.options);
    bench.options.save = "/dev/full";
    bench.options.log = bench.folder / "log.jsonl";
    CHECK(bench.error().ends_with("No space left on device")); // at the end there is no later
    Steps steps;
    for (const Json &warning : events(bench.log(), "warning"))
      steps.push_back(warning["step"]);
    CHECK(bench.log().back()["event"] == "error");
    return steps;
  };
  CHECK(tried([](TrainOptions &o) { o.save_every = 1; }) == Steps{9, 18});
  CHECK(tried([](TrainOptions &o) { o.save_every = 2; }) == Steps{18});
  CHECK(tried([](TrainOptions &o) { o.save_every_steps = 6; }) == Steps{6, 12, 18, 24});
  CHECK(tried([](TrainOptions &o) { o.save_interval_seconds = 0; }).size() == 26);
  CHECK(tried([](TrainOptions &) {}).empty());
}

TEST_CASE("train: numbers out of range are refused") {
  Workbench bench;
  const auto error = [&](auto field, int64_t value) {
    Workbench fresh;
    fresh.options.*field = value;
    return fresh.error();
  };
  CHECK(error(&TrainOptions::epochs, 0) == "epochs: expected at least 1, found 0");
  CHECK(error(&TrainOptions::batch_size, -4) == "batch_size: expected at least 1, found -4");
  CHECK(error(&TrainOptions::max_steps, 0) == "max_steps: expected at least 1, found 0");
  CHECK(error(&TrainOptions::save_every, 0) == "save_every: expected at least 1, found 0");
  CHECK(error(&TrainOptions::save_every_steps, -1) == "save_every_steps: expected at least 1, found -1");
  CHECK(error(&TrainOptions::epochs, INT64_MAX).starts_with("epochs: 9223372036854775807 epochs of 9 steps"));
  bench.signature.train.erase("epochs");
  CHECK(bench.error() == "the model file gives no train.epochs; give it there, or as --epochs");
}
