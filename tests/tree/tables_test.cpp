// What is listed by hand is what the tables say: passes, and the vocabulary of the model format in the top README.
#include "compiler/model/layers/layer.h"
#include "compiler/model/tables/activations.h"
#include "compiler/model/tables/initializers.h"
#include "compiler/model/tables/losses.h"
#include "compiler/model/tables/optimizers.h"
#include "compiler/model/tables/metrics.h"
#include "compiler/model/tables/schedules.h"
#include "ir/op.h"
#include "passes/pipeline.h"
#include "tests/support/text_file.h"

#include <catch2/catch.hpp>

#include <algorithm>
#include <fstream>
#include <sstream>

namespace gradc {
namespace {

namespace fs = std::filesystem;

const fs::path kRoot = GRADC_SOURCE_DIR;

std::string contents(const fs::path &path) {
  std::ostringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

// A header of passes/ that declares a function of its own name from a graph to whether it changed is a pass.
TEST_CASE("every pass is in the pipeline", "[tables]") {
  for (const auto &entry : fs::directory_iterator(kRoot / "passes")) {
    const std::string name = entry.path().stem();
    if (entry.path().extension() == ".h" && contents(entry.path()).find("\nbool " + name + "(Graph &") != std::string::npos) {
      INFO("the pass " << name << " of passes/" << name << ".h has no line in passes/pipeline.cpp");
      CHECK(find_pass(name));
    }
  }
}

TEST_CASE("every pass is documented and has a text test", "[tables]") {
  const std::string readme = contents(kRoot / "passes" / "README.md");
  std::vector<std::string> run;
  for (const fs::path &path : text_files(kRoot / "tests" / "text"))
    for (const std::string &step : read_text_file(path).run)
      run.push_back(step);
  for (const Pass &pass : pipeline()) {
    INFO("pass " << pass.name);
    CHECK(readme.find("| `" + std::string(pass.name) + "`") != readme.npos);
    CHECK(std::find(run.begin(), run.end(), pass.name) != run.end());
  }
}

// Two tables say it, of nodes and of what they become.
TEST_CASE("an op that is one scalar op is as expensive as that", "[tables]") {
  for (const OpDef *op : all_ops())
    if (const auto scalar = parse_scalar_op(op->name); scalar && op->kind == OpKind::elementwise) {
      INFO("op " << op->name);
      CHECK(op->expensive == is_expensive(*scalar));
    }
}

TEST_CASE("the vocabulary in the README is that of the tables", "[tables]") {
  std::istringstream readme(contents(kRoot / "README.md"));
  std::vector<std::string> lines;
  for (std::string line; std::getline(readme, line);)
    lines.push_back(line);
  const std::pair<const char *, const Family *> rows[] = {{"layers", &layers()},         {"activations", &activations()},
                                                          {"initializers", &initializers()},
                                                          {"losses", &losses()},         {"optimizers", &optimizers()},
                                                          {"schedules", &schedules()},
                                                          {"metrics", &metrics()}};
  for (const auto &[what, family] : rows) {
    std::string row = "| " + std::string(what) + " | ";
    for (const ObjectSpec *spec : family->types)
      row += (spec == family->types.front() ? "" : ", ") + std::string(spec->name);
    INFO("README.md lacks the line\n" << row << " |");
    CHECK(std::find(lines.begin(), lines.end(), row + " |") != lines.end());
  }
}

} // namespace
} // namespace gradc
