// Runs every text test under tests/text/: parses the input, does what its "// run:" line says, compares the printed
// result with the expectation, and checks that what is printed reads back as itself.
#include "tests/support/difference.h"
#include "tests/support/engines.h"
#include "tests/support/text_file.h"

#include "ir/error.h"
#include "ir/lowering/lower.h"
#include "ir/op.h"
#include "ir/text/text.h"
#include "ir/verifier.h"
#include "passes/differentiate.h"
#include "passes/pipeline.h"

#include <catch2/catch.hpp>

#include <algorithm>
#include <sstream>

namespace gradc {
namespace {

const std::filesystem::path kTexts = std::filesystem::path(GRADC_SOURCE_DIR) / "tests" / "text";

std::string place_of(const TextError &e, const std::string &text) {
  auto end = text.begin() + static_cast<std::ptrdiff_t>(std::min(e.offset, text.size()));
  auto line = std::count(text.begin(), end, '\n') + 1;
  size_t start = e.offset == 0 ? text.npos : text.rfind('\n', e.offset - 1);
  size_t column = start == text.npos ? e.offset + 1 : e.offset - start;
  return std::to_string(line) + ":" + std::to_string(column) + ": ";
}

std::string error_lines(const std::string &message) {
  std::istringstream lines(message);
  std::string text;
  for (std::string line; std::getline(lines, line);)
    text += "// error: " + line + "\n";
  return text;
}

std::string printed(const Graph &graph) {
  std::string text = print(graph);
  CHECK(print(parse_graph(text)) == text);
  return text;
}

std::string printed(const Kernel &kernel) {
  std::string text = print(kernel);
  CHECK(print(parse_kernel(text)) == text);
  return text;
}

std::string printed_kernels(const Graph &graph) {
  std::string text;
  for (const LoweredKernel &lowered : lower_kernels(graph))
    text += printed(lowered.kernel);
  return text;
}

// The first return is the loss; every param gets a gradient, which is returned too.
void differentiate_params(Graph &graph) {
  if (graph.returns.empty())
    throw Error("differentiate: the graph returns no loss");
  std::vector<Value> params;
  for (Value v = 0; v < graph.size(); ++v)
    if (graph[v].role == Role::param)
      params.push_back(v);
  std::vector<Value> gradients = differentiate(graph, graph.returns[0].value, params);
  for (size_t i = 0; i < params.size(); ++i) {
    graph.returns.push_back({graph[params[i]].name + ".grad", gradients[i]});
    graph.gradients.push_back({params[i], gradients[i]});
  }
}

void apply(const std::string &step, Graph &graph) {
  if (step == "differentiate") {
    differentiate_params(graph);
  } else if (step != "verify") {
    const Pass *pass = find_pass(step);
    if (!pass)
      throw std::runtime_error("'// run:' names '" + step + "', which is not a pass");
    pass->run(graph, {});
  }
  verify(graph);
}

struct Result {
  std::string name; // as "// get" says it
  Tensor value;
};

std::vector<Result> results_of(const Engine &engine, const Graph &graph, const TextFile &file) {
  Bindings bindings = bindings_from(graph, file.settings);
  std::vector<Tensor> returned = engine.run(graph, bindings);
  std::vector<Result> results;
  for (size_t i = 0; i < returned.size(); ++i)
    results.push_back({graph.returns[i].name, returned[i]});
  for (const Update &u : graph.updates)
    results.push_back({"%" + graph[u.target].name, bindings.at(graph[u.target].name)});
  return results;
}

// The expectation where the engine agrees with it, and what it gives where not, so that a difference shows as text.
std::string evaluated(const Engine &engine, const Graph &graph, const TextFile &file) {
  std::istringstream expected(file.expected);
  std::string text;
  for (const Result &r : results_of(engine, graph, file)) {
    std::string actual = "// get " + r.name + " = " + values_text(r.value), line;
    std::getline(expected, line);
    std::string prefix = "// get " + r.name + " = ";
    if (!blessing() && line.starts_with(prefix)) {
      Tensor wanted = parse_values(r.value.type, line.substr(prefix.size()));
      double tolerance = r.value.type.dtype == DType::f32 ? engine.tolerance_f32 : engine.tolerance_f64;
      if (same_values(r.value, wanted, tolerance))
        actual = line;
    }
    text += actual + "\n";
  }
  return text;
}

std::string run_steps(const TextFile &file, const Engine &engine) {
  const std::string last = file.run.back();
  if (last == "kernel")
    return "// expect:\n" + printed(parse_kernel(file.input));
  Graph graph = parse_graph(file.input);
  printed(graph);
  for (const std::string &step : file.run)
    if (step != "print" && step != "lower" && step != "evaluate")
      apply(step, graph);
  if (last == "evaluate")
    return evaluated(engine, graph, file);
  return "// expect:\n" + (last == "lower" ? printed_kernels(graph) : printed(graph));
}

std::string outcome(const TextFile &file, const Engine &engine) {
  try {
    return run_steps(file, engine);
  } catch (const TextError &e) {
    return error_lines(place_of(e, file.input) + e.what());
  } catch (const VerifyError &e) {
    return error_lines(e.what());
  } catch (const Error &e) {
    return error_lines(e.what());
  }
}

/// All text tests, those of single ops first.
std::vector<std::filesystem::path> in_order() {
  std::vector<std::filesystem::path> paths = text_files(kTexts);
  std::stable_partition(paths.begin(), paths.end(), [](const auto &path) { return path.parent_path() == kTexts / "ops"; });
  return paths;
}

TEST_CASE("text tests", "[text]") {
  for (const std::filesystem::path &path : in_order()) {
    DYNAMIC_SECTION(std::filesystem::relative(path, GRADC_SOURCE_DIR).string()) {
      TextFile file = read_text_file(path);
      if (blessing())
        bless(file, outcome(file, engines()[0]));
      else
        for (const Engine &engine : engines().first(file.run.back() == "evaluate" ? engines().size() : 1)) {
          INFO("engine " << engine.name);
          tests::check_same_text(file.expected, outcome(file, engine));
        }
    }
  }
}

TEST_CASE("every op has a text test of its values", "[text]") {
  for (const OpDef *op : all_ops()) {
    INFO("op " << op->name);
    CHECK(std::filesystem::exists(kTexts / "ops" / (std::string(op->name) + ".gradc")));
  }
}

} // namespace
} // namespace gradc
