// What surrounds the epoch loop: checkpoint files, prediction, progress, the plot, tables of other versions.
#include "runtime/train/predict.h"
#include "runtime/train/data/npz.h"
#include "runtime/train/reports/plot.h"
#include "tests/support/runtime_checks.h"
#include "tests/support/runtime_workbench.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <set>

using namespace gradc::runtime;
using Json = nlohmann::json;

TEST_CASE("checkpoint: files that are none are refused") {
  const TemporaryFolder folder;
  const auto error = [&](const std::string &contents) -> std::string {
    write_text(folder / "w", contents);
    try {
      read_checkpoint(folder / "w");
    } catch (const Error &problem) {
      return problem.what();
    }
    return "no error";
  };
  const auto with_header = [](const std::string &header) {
    const uint64_t length = header.size();
    return std::string(reinterpret_cast<const char *>(&length), sizeof length) + header;
  };
  CHECK(error("").ends_with("expected a safetensors file"));
  CHECK(error(std::string(8, '\xff')).ends_with("expected a safetensors file"));
  CHECK(error(with_header("{}").substr(0, 9)).ends_with("truncated safetensors header"));
  CHECK(error(with_header("{]")).find("malformed header") != std::string::npos);
  CHECK(error(with_header("[]")).ends_with("expected a safetensors file"));
  CHECK(error(with_header(R"({"__metadata__":{"gradc.step":7}})")).find("malformed header") != std::string::npos);
  CHECK(error(with_header(R"({"__metadata__":{"gradc.step":"7"}})"))
            .ends_with("the metadata of a run lack gradc.epoch; to begin a new run with its parameters, give --load-partial "
                       "instead of --load"));
  CHECK(error(with_header(R"({"__metadata__":{"gradc.step":"7x"}})"))
            .ends_with("metadata gradc.step: expected a whole number from 0 to 9007199254740992, found '7x'"));
  CHECK(error(with_header(R"({"__metadata__":{"format":"pt"}})")) == "no error");
}

TEST_CASE("weights: the list of tensors takes shapes that are lists of numbers, however deep a file nests them") {
  TemporaryFolder folder;
  const auto list = [&](const std::string &shape) -> std::string {
    const std::string header = R"({"w":{"dtype":"F32","shape":)" + shape + R"(,"data_offsets":[0,0]}})";
    const uint64_t length = header.size();
    write_text(folder / "w", std::string(reinterpret_cast<const char *>(&length), sizeof length) + header);
    try {
      return read_tensor_list(folder / "w").at("w");
    } catch (const Error &problem) {
      return problem.what();
    }
  };
  CHECK(list("[]") == "F32[]");
  CHECK(list("[0, 16]") == "F32[0,16]");
  CHECK(list("7").find("malformed header") != std::string::npos);
  const std::string deep = std::string(200000, '[') + std::string(200000, ']');
  CHECK(list(deep).find("malformed header") != std::string::npos);
}

TEST_CASE("predict: rows in file order, without the labels, as CSV and .npy") {
  Workbench bench;
  bench.options.epochs = 60;
  bench.options.save = bench.folder / "w.safetensors";
  bench.run();
  write_text(bench.folder / "features.csv", "a,b,c\n1,0,0\n0,1,0\n0,0,1\n");
  PredictOptions options;
  options.load = bench.options.save;
  options.data = bench.folder / "features.csv";
  options.batch_size = 2;
  const Dataset data = load_prediction_data(bench.signature, options);
  CHECK(joined(needed_predict_entries(data.rows(), 2)) == "predict:1 predict:2 ");
  const FakeModel model({1, 2});
  const std::vector<Prediction> predictions = predict(model.table, data, options);
  write_predictions(predictions, {}, 3, bench.folder / "out.csv");
  std::istringstream out(read_text(bench.folder / "out.csv"));
  std::string header;
  double first, second, third;
  out >> header >> first >> second >> third;
  CHECK(header == "line");
  CHECK(first == Approx(3).margin(0.05)); // 2 a - b + 0.5 c + 1
  CHECK(second == Approx(0).margin(0.05));
  CHECK(third == Approx(1.5).margin(0.05));
  write_predictions(predictions, {}, 3, bench.folder / "out.npy");
  CHECK(read_text(bench.folder / "out.npy").size() == 128 + 3 * sizeof(float));

  write_text(bench.folder / "features.csv", "a,target\n1,0\n");
  CHECK_THAT(error_of([&] { load_prediction_data(bench.signature, options); }),
             Catch::EndsWith("features.csv:1: input 'x': column 2 is wanted, counted from 0, but the first row has 2 cells, 'a,target'"));
}

TEST_CASE("predictions: several outputs share a table, with names quoted where needed") {
  const TemporaryFolder folder;
  const float pair[] = {0.1f, 2, 3, 4};
  const int32_t single[] = {7, 8};
  const std::vector<Prediction> predictions{
      {"a,b", GRADC_F32, {2}, std::string(reinterpret_cast<const char *>(pair), sizeof pair)},
      {"n", GRADC_I32, {}, std::string(reinterpret_cast<const char *>(single), sizeof single)}};
  write_predictions(predictions, {}, 2, folder / "p.csv");
  CHECK(read_text(folder / "p.csv") == "\"a,b_0\",\"a,b_1\",n\n0.1,2,7\n3,4,8\n");
  CHECK_THROWS_AS(write_predictions(predictions, {}, 2, folder / "p.npy"), Error);
  const PredictedClasses classes{{"n.class", GRADC_I32, {}, predictions[1].values}, {"no", "yes"}};
  write_predictions(predictions, {classes}, 2, folder / "p.npz");
  const NpzArchive archive("p.npz", read_text(folder / "p.npz"));
  CHECK(archive.names() == std::vector<std::string>{"a,b", "n", "n.class"});
  CHECK(archive.array("a,b").shape() == std::vector<int64_t>{2, 2});
  CHECK(archive.array("n.class").value(1) == 8);
}

TEST_CASE("progress: lines for people and JSON lines for programs") {
  Workbench bench;
  const auto output = [&](ProgressMode mode) {
    bench.options.progress = mode;
    bench.options.console = std::fopen((bench.folder / "console").c_str(), "w");
    bench.run();
    std::fclose(bench.options.console);
    return read_text(bench.folder / "console");
  };
  const std::string plain = output(ProgressMode::automatic); // a file is no terminal
  CHECK(plain.starts_with("line: 4 parameters, 35 rows to train, 10 to validate, 5 to test\nepoch 1/3  loss "));
  CHECK(std::count(plain.begin(), plain.end(), '\n') == 1 + 3 + 2);
  CHECK(plain.find("val r2 ") != std::string::npos);
  CHECK(plain.find("\ntest  loss ") != std::string::npos);
  CHECK(plain.find('\x1b') == std::string::npos);
  std::istringstream json(output(ProgressMode::json));
  std::set<std::string> kinds;
  for (std::string line; std::getline(json, line);)
    kinds.insert(Json::parse(line)["event"]);
  CHECK(kinds == std::set<std::string>{"start", "step", "epoch", "end"});
  CHECK(output(ProgressMode::none).empty());
}

TEST_CASE("progress: names of modes and lengths of time") {
  CHECK(parse_progress_mode("plain") == ProgressMode::plain);
  CHECK_FALSE(parse_progress_mode("loud").has_value());
  CHECK(format_seconds(0.0412) == "41.2 ms");
  CHECK(format_seconds(3.21) == "3.2 s");
  CHECK(format_seconds(65) == "1:05");
  CHECK(format_seconds(7389) == "2:03:09");
}

TEST_CASE("plot: one svg, with a curve for each kind of loss, whatever the numbers") {
  Workbench bench;
  bench.options.plot = bench.folder / "loss.svg";
  bench.run();
  const std::string svg = read_text(bench.options.plot);
  CHECK(svg.starts_with("<svg xmlns="));
  CHECK(svg.ends_with("</svg>\n"));
  CHECK(svg.find("training</text>") != std::string::npos);
  CHECK(svg.find("validation</text>") != std::string::npos);
  for (const auto &points : {std::vector<Point>{}, {{1, 0.5}}, {{1, 0}, {2, 0}}, {{1, NAN}, {2, INFINITY}, {3, 1e300}},
                             {{1, -3}, {2, 5}}})
    CHECK(loss_svg("a < b & c", points, {}).find("nan") == std::string::npos);
  for (double least : {1e-6, 1e-300, 0.01}) { // a range so wide that a linear axis would hide what is small
    const std::string wide = loss_svg("m", {{1, 10}, {2, 1}, {3, least}}, {});
    CHECK(wide.find("nan") == std::string::npos);
    CHECK(wide.find(">1</text>") != std::string::npos);
    CHECK(wide.find(">0</text>\n<line") == std::string::npos); // no tick at 0
  }
  CHECK(loss_svg("a < b & c", {}, {}).find("a &lt; b &amp; c: loss") != std::string::npos);
}

TEST_CASE("instance: a table of another ABI is refused") {
  FakeModel model({});
  model.table.abi_version = 3;
  CHECK_THROWS_WITH(Instance(model.table, 1), "the model speaks version 3 of the ABI, this runtime version 2");
  model.table.abi_version = GRADC_ABI_VERSION;
  model.table.entry_size -= 8;
  CHECK_THROWS_WITH(Instance(model.table, 1), "the model's table lacks fields that this runtime needs");
  model.table.entry_size += 8;
  model.table.alignment = 48;
  CHECK_THROWS_WITH(Instance(model.table, 1), "the model asks for an alignment of 48, expected a power of two");
}
