// What is believed of a checkpoint, and what is not saved: every number of a file is compared with the run, and a run that went
// wrong leaves the last good checkpoint alone.
#include "tests/support/runtime_workbench.h"

#include <catch2/catch.hpp>
#include <cstring>
#include <limits>
#include <utility>

using namespace gradc::runtime;
using Json = nlohmann::json;

namespace {

/// A safetensors file with another value in its metadata, or without that key where `value` is null.
void set_metadata(const std::string &path, const std::string &name, const char *value) {
  const std::string file = read_text(path);
  uint64_t length = 0;
  std::memcpy(&length, file.data(), sizeof length);
  auto header = Json::parse(file.substr(8, length));
  if (value)
    header["__metadata__"][name] = value;
  else
    header["__metadata__"].erase(name);
  const std::string text = header.dump();
  length = text.size();
  write_text(path, std::string(reinterpret_cast<const char *>(&length), 8) + text + file.substr(file.size() - 32));
}

/// Puts a number into the tensors of a file: those of the hand-written model are 8 floats, sorted by name.
void set_float(const std::string &path, size_t position, float value) {
  std::string file = read_text(path);
  std::memcpy(file.data() + file.size() - 32 + 4 * position, &value, sizeof value);
  write_text(path, file);
}

/// A bench whose run stopped at 13 of 27 steps, inside the second epoch of 9, and goes on.
struct Stopped : Workbench {
  Stopped() {
    options.save = folder / "w.safetensors";
    options.max_steps = 13;
    run();
    options.max_steps.reset();
    options.load = options.save;
    options.save.clear();
  }
};

} // namespace

TEST_CASE("train: a checkpoint that does not fit the run is refused") {
  Workbench bench;
  bench.options.save = bench.folder / "w.safetensors";
  bench.options.max_steps = 10;
  bench.run();
  bench.options.load = bench.options.save;
  CHECK(bench.error().ends_with("has done 10 steps; to go on, give --max-steps above 10"));
  bench.options.max_steps.reset();
  bench.options.seed = 8;
  CHECK(bench.error().ends_with("to go on, give --seed 7"));
  bench.options.seed.reset();
  bench.options.batch_size = 5;
  CHECK(bench.error().ends_with("stopped inside an epoch of 35 rows in batches of 4; going on needs the same, found 35 "
                                "rows in batches of 5"));
  bench.options.batch_size.reset();
  CHECK(bench.error() == "no error");
  CHECK(bench.error().ends_with("has done its 3 epochs; to go on, give --epochs above 3"));
  bench.options.epochs = 4;
  CHECK(bench.error() == "no error");
}

TEST_CASE("train: no number of a checkpoint is believed") {
  struct Lie {
    const char *name, *value, *error;
  };
  const Lie lies[] = {
      {"gradc.step", "12", "metadata gradc.step: 12 steps do not agree with gradc.epoch 1 of 9 steps, gradc.batch 4 and gradc.other_steps 0"},
      {"gradc.step", "-1", "metadata gradc.step: expected a whole number from 0 to 9007199254740992, found '-1'"},
      {"gradc.step", "9223372036854775807", "metadata gradc.step: expected a whole number from 0 to"},
      {"gradc.step", "1e1", "metadata gradc.step: expected a whole number"},
      {"gradc.epoch", "2", "do not agree with gradc.epoch 2"},
      {"gradc.epoch", "4611686018427387904", "metadata gradc.epoch: expected a whole number"},
      {"gradc.epoch", "9007199254740992", "metadata gradc.epoch: 9007199254740992 epochs of 9 steps are more than can be counted"},
      {"gradc.batch", "9", "metadata gradc.batch: 9 batches of an epoch of 9 are done; expected fewer (35 rows in batches of 4)"},
      {"gradc.batch", "3", "gradc.batch 3 and"},
      {"gradc.other_steps", "1", "gradc.other_steps 1"},
      {"gradc.other_steps", "-9007199254740993", "metadata gradc.other_steps: expected a whole number"},
      {"gradc.batch_size", "0", "metadata gradc.batch_size: expected a whole number from 1"},
      {"gradc.batch_size", "5", "do not agree with gradc.epoch 1 of 7 steps"},
      {"gradc.seed", "8", "to go on, give --seed 8"},
      {"gradc.train_rows", "0", "metadata gradc.train_rows: expected a whole number from 1"},
      {"gradc.split_seed", "8", "dealt by seed 8; 35 rows to train, 10 to validate, 5 to test, dealt by seed 7 would mix"},
      {"gradc.split_seed", "x", "metadata gradc.split_seed: expected a whole number"},
      {"gradc.train_rows", "36", "was trained on 36 rows to train, 10 to validate, 5 to test, dealt by seed 7; 35 rows"},
      {"gradc.validation_rows", "9", "was trained on 35 rows to train, 9 to validate, 5 to test"},
      {"gradc.test_rows", "6", "was trained on 35 rows to train, 10 to validate, 6 to test"},
      {"gradc.stratify", "y", "dealt by seed 7 and the classes of 'y'; 35 rows"},
      {"gradc.optimizer", "adam m v", "was trained with the optimizer and state 'adam m v', this model has ''"},
  };
  for (const Lie &lie : lies) {
    INFO(lie.name << " = " << lie.value);
    Stopped bench;
    set_metadata(bench.options.load, lie.name, lie.value);
    const std::string error = bench.error();
    INFO(error);
    CHECK(error.find(lie.error) != error.npos);
    CHECK(error.find("w.safetensors") != error.npos);
  }
  CHECK(Stopped().error() == "no error");
}

TEST_CASE("train: no number of a checkpoint's best epoch is believed") {
  struct Lie {
    const char *name, *value, *error;
  };
  const Lie lies[] = {
      {"gradc.best_epoch", "0", "metadata gradc.best_epoch: epoch 0 cannot be the best of the first 1"},
      {"gradc.best_epoch", "2", "metadata gradc.best_epoch: epoch 2 cannot be the best of the first 1"},
      {"gradc.best_epoch", "-1", "metadata gradc.best_epoch: expected a whole number"},
      {"gradc.best", "nan", "metadata gradc.best: expected a finite number, found 'nan'"},
      {"gradc.best", nullptr, "the metadata of a run lack gradc.best;"},
      {"gradc.best_metric", nullptr, "the metadata of a run lack gradc.best_metric;"},
  };
  for (const Lie &lie : lies) {
    Workbench bench;
    bench.signature.train["early_stopping"] = {{"patience", 9}};
    bench.options.save = bench.folder / "w.safetensors";
    bench.options.max_steps = 13;
    bench.run();
    set_metadata(bench.options.save, lie.name, lie.value);
    bench.options.load = bench.options.save;
    bench.options.max_steps.reset();
    const std::string error = bench.error();
    INFO(error);
    CHECK(error.find(lie.error) != error.npos);
  }
}

TEST_CASE("train: a checkpoint that lacks one of its numbers is refused") {
  const Stopped bench;
  for (size_t i = 2; const std::string &text : checkpoint_metadata({})) {
    if (i++ % 2 == 1 || text == "gradc.step") // names and values in turn; without a step it is no run
      continue;
    Stopped fresh;
    set_metadata(fresh.options.load, text, nullptr);
    CHECK(fresh.error().ends_with("the metadata of a run lack " + text +
                                  "; to begin a new run with its parameters, give --load-partial instead of --load"));
    fresh.options.load_partial = std::exchange(fresh.options.load, ""); // which works
    CHECK(fresh.error() == "no error");
  }
}

TEST_CASE("train: numbers of a checkpoint that are not finite are refused, parameters and slots alike") {
  for (const float wrong : {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity()})
    for (size_t position = 0; position < 8; ++position) {
      Stopped bench;
      set_float(bench.options.load, position, wrong);
      CHECK(bench.error().find("expected a finite number") != std::string::npos);
    }
}

TEST_CASE("train: other rows or another split are refused where rows are held out") {
  Stopped bench;
  bench.options.epochs = 9;
  write_text(bench.folder / "line.csv", line_csv(60));
  CHECK(bench.error().find("was trained on 35 rows to train, 10 to validate, 5 to test, dealt by seed 7; 42 rows") !=
        std::string::npos);
  write_text(bench.folder / "line.csv", line_csv(50));
  CHECK(bench.error() == "no error");
  bench.signature.train["test_split"] = 0.2;
  CHECK(bench.error().find("; 30 rows to train, 10 to validate, 10 to test, dealt by seed 7 would mix") != std::string::npos);
  bench.signature.train["test_split"] = 0.0;
  bench.signature.train["validation_split"] = 0.0;
  CHECK(bench.error().find("; 50 rows to train, 0 to validate, 0 to test, dealt by seed 7 would mix") != std::string::npos);
}

TEST_CASE("train: where no rows are held out a run goes on with more of them, between epochs") {
  Workbench bench;
  bench.signature.train["test_split"] = bench.signature.train["validation_split"] = 0.0;
  bench.options.save = bench.options.load = bench.folder / "w.safetensors";
  bench.options.load.clear();
  bench.options.epochs = 1;
  bench.run({4, 2});
  write_text(bench.folder / "line.csv", line_csv(60));
  bench.options.load = bench.options.save;
  bench.options.epochs = 2;
  CHECK(bench.run({4, 2}).state.step == 13 + 15);
  bench.options.epochs = 3; // the number of steps of the first epoch is still accounted for
  bench.options.batch_size = 2;
  CHECK(bench.run({4, 2}).state.step == 13 + 15 + 30);
}

TEST_CASE("train: a loss that is not finite stops the run and spares the checkpoint") {
  Workbench bench;
  bench.options.save = bench.folder / "w.safetensors";
  bench.options.log = bench.folder / "log.jsonl";
  bench.options.epochs = 100;
  write_text(bench.options.save, "the old one");
  bench.options.learning_rate = 1e6;
  const std::string error = bench.error();
  CHECK(error.find("the loss is ") == 0);
  CHECK(error.find("(epoch 1); the learning rate is ") != std::string::npos);
  CHECK(read_text(bench.options.save) == "the old one");
  const Json last = bench.log().back();
  CHECK(last["event"] == "error");
  CHECK(last["message"] == error);
  CHECK(events(bench.log(), "step").back()["loss"].is_null());
}

TEST_CASE("train: parameters that the last update makes infinite are not saved") {
  Workbench bench;
  bench.options.save = bench.folder / "w.safetensors";
  bench.options.max_steps = 9;
  bench.run();
  const std::string good = read_text(bench.options.save);
  bench.options.load = bench.options.save;
  bench.options.max_steps = 10; // its loss is that before the update
  bench.options.learning_rate = 1e300;
  const std::string error = bench.error();
  CHECK(error.find("after step 10 (epoch 2) ") == 0);
  CHECK(error.find("nothing is saved") != error.npos);
  CHECK(read_text(bench.options.save) == good);
}

TEST_CASE("train: an evaluation that is not finite is no success") {
  for (const char *part : {"validation", "test"}) {
    Workbench bench;
    const FakeModel model({});
    float params[16] = {2, -1, 0.5f, 0, 1};
    void *const arenas[] = {params};
    bench.options.load = bench.folder / "given.safetensors";
    REQUIRE(model.table.save(&model.table, arenas, 1, bench.options.load.c_str(), nullptr) == GRADC_OK);
    write_text(bench.folder / "far.csv", "a,b,c,target\n3e38,0,0,0\n");
    bench.signature.train[std::string(part) + "_split"] = 0.0;
    bench.signature.train[part] = {{"path", "far.csv"}};
    bench.options.save = bench.folder / "w.safetensors";
    bench.options.epochs = 1;
    const std::string error = bench.error();
    INFO(error);
    CHECK(error.find(std::string("(epoch 1) the loss of the ") + part + " rows is inf: nothing is saved") != error.npos);
    CHECK_FALSE(std::filesystem::exists(bench.options.save));
  }
}

TEST_CASE("train: a metric that is not defined for the rows is no failure") {
  Workbench bench;
  std::string csv = "a,b,c,target\n";
  for (int i = 0; i < 50; ++i)
    csv += std::to_string(i % 7) + ",0,0,1\n"; // r2 divides by the variance of the targets
  write_text(bench.folder / "line.csv", csv);
  bench.options.learning_rate = 1e-4;
  const TrainResult result = bench.run();
  CHECK(std::isnan(result.test[1].value));
  CHECK(std::isfinite(result.test[0].value));
}

TEST_CASE("train: parameters of a file that fit are a beginning, and what was taken is said") {
  Workbench bench;
  bench.options.save = bench.folder / "w.safetensors";
  bench.run();
  bench.options.load_partial = bench.options.save;
  bench.options.save.clear();
  bench.options.log = bench.folder / "log.jsonl";
  bench.options.load_only = {"w*"};
  CHECK(bench.run().state.step == 27); // a run of its own
  const Json start = bench.log()[0];
  CHECK(start["loaded"]["taken"] == Json{"w"});
  CHECK(start["loaded"]["left"] == Json{"b: not asked for"});
  bench.options.load_only = {"v*"};
  CHECK(bench.error().ends_with("has no parameter that fits this model (b: not asked for; w: not asked for)"));
}
