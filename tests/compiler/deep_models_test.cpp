// Models of thousands of layers: every stage of them can be printed, read back and run.
#include "compiler/engines/build_model.h"
#include "compiler/engines/jit.h"
#include "ir/interpreter.h"
#include "ir/lowering/lower.h"
#include "ir/text/text.h"
#include "ir/verifier.h"
#include "passes/equivalence.h"
#include "tests/support/deep_model.h"

#include <catch2/catch.hpp>

namespace gradc {
namespace {

Model deep_model(int layers, const std::string &optimizer) {
  Diagnostics diagnostics;
  std::optional<Model> model = load_model_text(deep_model_text(layers, 2, optimizer), "deep.json", {}, diagnostics);
  REQUIRE(model);
  return std::move(*model);
}

TEST_CASE("every stage of a model of 2000 layers prints, reads back and runs", "[deep]") {
  Graph graph = build_graph(deep_model(2000, "sgd"), Entry::train_step, 2);
  const Bindings bindings = random_bindings(graph);
  const Outcome expected = interpret_widely(graph, bindings);
  auto check = [&](std::string_view stage) {
    INFO(stage);
    const std::string text = print(graph);
    const Graph again = parse_graph(text);
    CHECK(print(again) == text);
    const std::optional<std::string> difference = find_difference(graph, expected, interpret_widely(again, bindings));
    CHECK(difference.value_or("") == "");
  };
  check("backward");
  for (const Pass &pass : pipeline()) {
    pass.run(graph, {});
    check(pass.name);
  }
  CHECK(problems_of(graph).empty());
  std::string text;
  for (const LoweredKernel &lowered : lower_kernels(graph))
    text += print(lowered.kernel) + "\n";
  std::string again;
  for (const Kernel &kernel : parse_kernels(text))
    again += print(kernel) + "\n";
  CHECK(again == text);
}

TEST_CASE("a model of 500 layers trains, and its blocks are compiled once", "[deep]") {
  const ModelSpec spec = build_model(deep_model(500, "adam"), {{Entry::train_step, 2}}, DType::f32, {});
  CodegenOptions options;
  options.target = host_target();
  size_t functions = 0;
  options.on_llvm = [&](const std::string &text) {
    for (size_t at = 0; (at = text.find("\ndefine internal void @deep.kernel", at)) != std::string::npos; ++at)
      ++functions;
    for (size_t at = 0; (at = text.find("\ndefine hidden void @deep.kernel", at)) != std::string::npos; ++at)
      ++functions;
  };
  compile_objects(spec, options);
  CHECK(functions > 0);
  CHECK(functions < 20);
}

} // namespace
} // namespace gradc
