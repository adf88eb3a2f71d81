// What a host holds after `gradc compile`: a shared object that asks for nothing, a header that every compiler takes,
// and the programs of examples/hosts, which learn with them.
#include "compiler/engines/shared_model.h"
#include "runtime/train/instance.h"
#include "tests/support/compiled_library.h"

#include <catch2/catch.hpp>

#include <filesystem>
#include <fstream>
#include <sstream>
#include <thread>

namespace gradc {
namespace {

using runtime::Instance;
using tests::CompiledLibrary;
using tests::shell;

const std::string kRoot = GRADC_SOURCE_DIR;

const CompiledLibrary &digits() {
  static const CompiledLibrary compiled(kRoot + "/examples/digits/model.json", "digits");
  return compiled;
}

/// Losses of a few steps on the same made-up batch.
std::vector<double> losses(const gradc_model &table, int64_t seed) {
  Instance instance(table, 1);
  instance.init(seed);
  std::vector<float> pixels(32 * 64);
  std::vector<int32_t> digit(32);
  for (size_t i = 0; i < pixels.size(); ++i)
    pixels[i] = static_cast<float>(i * 7 % 17);
  for (size_t i = 0; i < digit.size(); ++i)
    digit[i] = static_cast<int32_t>(i % 10);
  const void *inputs[] = {pixels.data(), digit.data()};
  const gradc_entry &step = instance.require(GRADC_TRAIN_STEP, 32);
  const runtime::Outputs outputs(table, step);
  std::vector<double> result;
  for (int64_t i = 0; i < 50; ++i) {
    instance.run(step, inputs, outputs, {seed, i, 50});
    result.push_back(outputs.scalar(0));
  }
  return result;
}

void compile_header(const CompiledLibrary &compiled, const std::string &name) {
  runtime::write_text(compiled.path("use.c"), "#include \"" + compiled.header() + "\"\n" +
                                                  "int main(void) { return !" + name + "_create(1, 2); }\n");
  const std::string warnings = " -Wall -Wextra -Wpedantic -Werror ";
  const std::string rest = compiled.path("use.c") + " -x none " + compiled.link_flags() + " -o " + compiled.path("use");
  shell("cc -x c -std=c99" + warnings + rest);
  shell("c++ -x c++ -std=c++11" + warnings + rest);
  shell(compiled.path("use"));
}

} // namespace

TEST_CASE("hosts: the header of a model compiles without warnings as C99 and as C++", "[hosts]") {
  compile_header(digits(), "digits");
}

TEST_CASE("hosts: names that are words of C or differ in case only make no bad header", "[hosts]") {
  const runtime::TemporaryFolder folder;
  runtime::write_text(folder / "model.json", R"({
    "name": "switch", "inputs": {"class": {"shape": [3]}, "batch": {"shape": [], "dtype": "i32"}},
    "layers": [{"name": "m", "type": "dense", "units": 4, "input": "class"},
               {"name": "M", "type": "dense", "units": 2}],
    "outputs": ["m", "M"], "loss": {"type": "softmax_cross_entropy", "logits": "M", "labels": "batch"}})");
  compile_header(CompiledLibrary(folder / "model.json", "switch"), "model_switch");
}

TEST_CASE("hosts: a shared object exports one function and needs libc alone", "[hosts]") {
  std::istringstream symbols(shell("nm -D --defined-only " + digits().library()));
  std::vector<std::string> names;
  for (std::string address, kind, name; symbols >> address >> kind >> name;)
    names.push_back(name);
  CHECK(names == std::vector<std::string>{"digits_model"});

  std::istringstream dynamic(shell("readelf -d " + digits().library()));
  for (std::string line; std::getline(dynamic, line);)
    if (line.find("(NEEDED)") != line.npos) {
      INFO(line);
      CHECK((line.find("[libc.so.6]") != line.npos || line.find("[libm.so.6]") != line.npos));
    }
}

TEST_CASE("hosts: two copies of a shared object live in one process", "[hosts]") {
  const std::string copy = digits().path("copy.so");
  std::filesystem::copy_file(digits().library(), copy, std::filesystem::copy_options::overwrite_existing);
  const SharedModel first(digits().library()), second(copy);
  CHECK(first.table() != second.table());
  CHECK(losses(*first.table(), 7) == losses(*second.table(), 7));
}

TEST_CASE("hosts: instances that train at the same time do not disturb each other", "[hosts]") {
  const SharedModel model(digits().library());
  std::vector<std::vector<double>> together(4);
  std::vector<std::thread> threads;
  for (size_t i = 0; i < together.size(); ++i)
    threads.emplace_back([&, i] { together[i] = losses(*model.table(), static_cast<int64_t>(i)); });
  for (std::thread &thread : threads)
    thread.join();
  for (size_t i = 0; i < together.size(); ++i)
    CHECK(together[i] == losses(*model.table(), static_cast<int64_t>(i)));
}

// With as many threads as this, those of a team sleep or share processors when the process forks.
TEST_CASE("hosts: an instance is used with little stack, and in children of fork", "[hosts]") {
  const std::string folder = digits().path("");
  shell("cc -std=gnu99 -Wall -Wextra -Wpedantic -Werror -pthread -I" + folder + " " + kRoot + "/tests/abi/in_another_program.c " +
        digits().link_flags() + " -o " + digits().path("another"));
  for (const char *command : {"./another 1", "./another 8", "ulimit -s 64; ./another 4"}) {
    INFO(command);
    CHECK(shell("cd " + folder + " && " + command) == "stack is enough\nchildren train\n");
  }
}

TEST_CASE("hosts: the C program of the README compiles and runs", "[hosts]") {
  std::stringstream readme;
  readme << std::ifstream(kRoot + "/README.md").rdbuf();
  const std::string text = readme.str(), fence = "\n```c\n";
  const size_t begin = text.find(fence);
  REQUIRE(begin != text.npos);
  const size_t start = begin + fence.size();
  runtime::write_text(digits().path("readme.c"), text.substr(start, text.find("\n```", start) + 1 - start));
  shell("cc -std=c99 -Wall -Wextra -Wpedantic -Werror -I" + digits().path("") + " " + digits().path("readme.c") + " " +
        digits().link_flags() + " -o " + digits().path("readme"));
  CHECK(shell("cd " + digits().path("") + " && ./readme").find("no error") != std::string::npos);
}

// The statistics of iris.csv as scikit-learn's StandardScaler has them: mean 5.843333, deviation 0.825301 of the first column.
TEST_CASE("hosts: a C program fits the statistics of raw data, and names classes", "[hosts]") {
  const CompiledLibrary iris(kRoot + "/examples/iris/model.json", "iris");
  runtime::write_text(iris.path("fit.c"), R"(#include "iris.h"
#include <stdio.h>
int main(int argc, char **argv) {
  static float x[150][IRIS_FLOWER_SIZE];
  char line[256];
  int rows = 0, row;
  FILE *file = fopen(argc > 1 ? argv[1] : "", "r");
  iris *m = iris_create(1, 1);
  if (!file || !m)
    return 1;
  while (rows < 150 && fgets(line, sizeof line, file))
    rows += sscanf(line, "%f,%f,%f,%f", &x[rows][0], &x[rows][1], &x[rows][2], &x[rows][3]) == 4;
  for (row = 0; row + IRIS_BATCH <= rows; row += IRIS_BATCH)
    if (iris_fit(m, IRIS_BATCH, x[row]))
      return 2;
  for (; row < rows; ++row)
    if (iris_fit(m, 1, x[row]))
      return 3;
  printf("%.0f rows, mean %.6f, deviation %.6f, ", *(double *)iris_tensor(m, "flower.count"),
         *(double *)iris_tensor(m, "flower.mean"), *(double *)iris_tensor(m, "flower.deviation"));
  printf("%s, %s\n", iris_species_label(2), iris_species_label(3) ? "another" : "no more");
  iris_destroy(m);
  return 0;
}
)");
  shell("cc -std=c99 -Wall -Wextra -Wpedantic -Werror " + iris.path("fit.c") + " " + iris.link_flags() + " -o " +
        iris.path("fit"));
  CHECK(shell(iris.path("fit") + " " + kRoot + "/examples/iris/iris.csv") ==
        "150 rows, mean 5.843333, deviation 0.825301, virginica, no more\n");
}

TEST_CASE("hosts: a C program calibrates weights with a batch", "[hosts]") {
  const CompiledLibrary iris(kRoot + "/examples/iris/model.json", "iris", {"layers.hidden.weight_initializer=lsuv"});
  runtime::write_text(iris.path("calibrate.c"), R"(#include "iris.h"
#include <stdio.h>
int main(void) {
  static float x[IRIS_BATCH][IRIS_FLOWER_SIZE];
  iris *m = iris_create(1, 1);
  const float *w = m ? (const float *)iris_tensor(m, "hidden.weight") : 0;
  double outputs = IRIS_BATCH * 16, mean = 0, squares = 0;
  int row, unit, i;
  if (!w)
    return 1;
  for (row = 0; row < IRIS_BATCH; ++row)
    for (i = 0; i < IRIS_FLOWER_SIZE; ++i)
      x[row][i] = (float)((row * 7 + i * 5) % 11);
  if (iris_calibrate(m, IRIS_BATCH, x[0]) || iris_calibrate(m, IRIS_BATCH, 0) != GRADC_NULL_POINTER)
    return 2;
  for (row = 0; row < IRIS_BATCH; ++row)
    for (unit = 0; unit < 16; ++unit) {
      double y = 0;
      for (i = 0; i < IRIS_FLOWER_SIZE; ++i)
        y += x[row][i] * w[i * 16 + unit];
      mean += y / outputs;
      squares += y * y / outputs;
    }
  printf("variance %.4f\n", squares - mean * mean);
  iris_destroy(m);
  return 0;
}
)");
  shell("cc -std=c99 -Wall -Wextra -Wpedantic -Werror " + iris.path("calibrate.c") + " " + iris.link_flags() + " -o " +
        iris.path("calibrate"));
  CHECK(shell(iris.path("calibrate")) == "variance 1.0000\n");
}

// Each exits with 0 only when it tells 95% of unseen digits apart.
TEST_CASE("hosts: the examples in C, C++ and Python learn", "[hosts]") {
  const std::string hosts = kRoot + "/examples/hosts/", data = kRoot + "/examples/digits/digits.csv";
  const std::string warnings = " -O1 -Wall -Wextra -Wpedantic -Werror -I" + digits().path("") + " ";
  const std::string link = " " + digits().link_flags() + " -o " + digits().path("host");
  SECTION("C, whose weights any engine reads") {
    const std::string weights = digits().path("weights.safetensors");
    shell("cc -std=c99" + warnings + hosts + "digits.c" + link);
    shell(digits().path("host") + " " + data + " " + weights);
    const SharedModel model(digits().library());
    Instance instance(*model.table(), 1);
    CHECK_NOTHROW(instance.load(weights, true));
  }
  SECTION("C++") {
    shell("c++ -std=c++14 -pthread" + warnings + hosts + "digits.cpp" + link);
    shell(digits().path("host") + " " + data);
  }
  SECTION("Python") { shell("python3 " + hosts + "digits.py " + digits().library() + " " + data); }
}

} // namespace gradc
