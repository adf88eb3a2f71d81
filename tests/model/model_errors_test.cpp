// One test per mistake a user can make in a model file: text/errors/NAME.json is the file, NAME.txt what is
// printed.
#include "compiler/model/model.h"
#include "tests/support/difference.h"
#include "tests/support/text_file.h"

#include <catch2/catch.hpp>

#include <algorithm>
#include <fstream>
#include <sstream>

namespace gradc {
namespace {

namespace fs = std::filesystem;

std::string read(const fs::path &path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

std::string errors_of(const std::string &text, const std::vector<std::string> &overrides = {}) {
  Diagnostics diagnostics;
  const auto model = load_model_text(text, "model.json", overrides, diagnostics);
  CHECK(model.has_value() != diagnostics.has_errors());
  return diagnostics.render();
}

TEST_CASE("every mistake in a model file has its message", "[model]") {
  const fs::path folder = fs::path(GRADC_SOURCE_DIR) / "tests" / "text" / "errors";
  std::vector<fs::path> files;
  for (const auto &entry : fs::directory_iterator(folder))
    if (entry.path().extension() == ".json")
      files.push_back(entry.path());
  std::sort(files.begin(), files.end());
  REQUIRE(!files.empty());
  for (const fs::path &file : files) {
    INFO(file.stem().string());
    const std::string actual = errors_of(read(file));
    const fs::path expectation = fs::path(file).replace_extension(".txt");
    if (blessing())
      std::ofstream(expectation, std::ios::binary) << actual;
    CHECK(!actual.empty());
    tests::check_same_text(read(expectation), actual);
  }
}

const char *const kModel = R"({
  "inputs": {"x": {"shape": [4]}, "y": {"shape": [], "dtype": "i32"}},
  "layers": [{"name": "scores", "type": "dense", "units": 3}],
  "loss": {"type": "softmax_cross_entropy", "labels": "y"}
})";

TEST_CASE("mistakes in overrides point into the command line", "[model]") {
  CHECK(errors_of(kModel, {"train.epochs=many"}) ==
        "<command line>:1:14: error: train: 'epochs' must be an integer, got many\n"
        "train.epochs=many\n"
        "             ^~~~\n");
  CHECK(errors_of(kModel, {"layers.score.units=3"}) ==
        "<command line>:1:8: error: the list has no item 'score'; items go by name or position\n"
        "layers.score.units=3\n"
        "       ^~~~~\n");
  CHECK(errors_of(kModel, {"epochs"}) ==
        "<command line>:1:1: error: an override is written path.in.model=value\n"
        "epochs\n"
        "^~~~~~\n");
  CHECK(errors_of(kModel, {"layers.0.units.x=3"}) ==
        "<command line>:1:16: error: there is no 'x' in a number or truth value\n"
        "layers.0.units.x=3\n"
        "               ^\n");
}

TEST_CASE("a file that cannot be read is named", "[model]") {
  Diagnostics diagnostics;
  CHECK(!load_model("/nonexistent/model.json", {}, diagnostics));
  CHECK(diagnostics.render() == "error: cannot read '/nonexistent/model.json': No such file or directory\n");
}

} // namespace
} // namespace gradc
