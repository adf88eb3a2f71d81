// --check-numerics names the op that made the first number that is not finite, wherever it stands in a fused kernel.
#include "compiler/checks/numerics.h"

#include "compiler/engines/build_model.h"
#include "compiler/engines/jit.h"
#include "ir/formula.h"
#include "passes/differentiate.h"
#include "runtime/train/instance.h"

#include <catch2/catch.hpp>

#include <algorithm>

using namespace gradc;

namespace {

constexpr int64_t kBatch = 4, kWidth = 8, kRow = 1, kColumn = 3;

struct Fault {
  const char *name;
  double value;                  // of x at [kRow, kColumn]; 1 elsewhere, as all of w
  Var (*make)(Var x, Var w);     // what overflows, or is none
  const char *op;                // that is to be named
  bool at_the_place = true;      // the first place is [kRow, kColumn]
};

const Fault kFaults[] = {
    {"exp overflows", 100, [](Var x, Var) { return exp(x); }, "exp"},
    {"expm1 overflows", 100, [](Var x, Var) { return expm1(x); }, "expm1"},
    {"logarithm of 0", 0, [](Var x, Var) { return log(x); }, "log"},
    {"logarithm of a negative number", -1, [](Var x, Var) { return log(x); }, "log"},
    {"log1p at its pole", -1, [](Var x, Var) { return log1p(x); }, "log1p"},
    {"root of a negative number", -1, [](Var x, Var) { return sqrt(x); }, "sqrt"},
    {"reciprocal root of 0", 0, [](Var x, Var) { return apply("rsqrt", {x}); }, "rsqrt"},
    {"division by 0", 0, [](Var x, Var) { return 2 / x; }, "div"},
    {"0 / 0", 0, [](Var x, Var w) { return x / (x * w); }, "div"},
    {"a square overflows", 1e30, [](Var x, Var) { return square(x); }, "mul"},
    {"a sum of two overflows", 3e38, [](Var x, Var w) { return x * w + x; }, "add"},
    {"a difference overflows", 3e38, [](Var x, Var w) { return w * -x - x; }, "sub"},
    {"a power of 0", 0, [](Var x, Var w) { return pow(x, -2 * w); }, "pow"},
    {"a number too large for f32", 1e10, [](Var x, Var) { return cast(cast(x, DType::f64) * 1e30, DType::f32); }, "cast"},
    {"a chosen branch overflows", 100, [](Var x, Var) { return select(greater(x, 2), x * 1e37, 0); }, "mul"},
    {"an infinity that was divided by does not count", 100, [](Var x, Var) { return log(1 / exp(stop_gradient(x))); }, "log"},
    {"an infinity that was not chosen does not count", 0,
     [](Var x, Var) { return 1 / (select(greater(x, 0), log(x), 0) + x); }, "div"},
    {"a sigmoid underflows before a logarithm", -200, [](Var x, Var) { return log(sigmoid(x)); }, "log"},
    {"a reduction overflows", 1, [](Var x, Var w) { return sum(x * w * 1e38, {1}, false); }, "sum", false},
    {"a contraction overflows", 1, [](Var x, Var w) { return apply("contract", {x * 1e38, w}, {{"indices", "ai,i->a"}}); },
     "contract", false},
    {"the slope of a root at 0", 0, [](Var x, Var w) { return sqrt(x * w); }, "div"},
    {"the slope of a power of 0", 0, [](Var x, Var w) { return pow(x * w, 0 * x + 0.5); }, "pow"},
};

/// A step of gradient descent on w whose loss is a mean over what `make` gives, with an op before and after it.
Graph training_step(const Fault &fault) {
  Graph graph;
  const Scope scope{graph, "/loss"};
  const Var x{&scope, graph.declare(Role::input, "x", {DType::f32, {kBatch, kWidth}}, "/inputs/x")};
  const Var w{&scope, graph.declare(Role::param, "w", {DType::f32, {kWidth}})};
  const Var loss = mean(0.5 * fault.make(x * w, w) + 1);
  const std::vector<Value> gradient = differentiate(graph, loss.value, {w.value});
  graph.updates.push_back({w.value, (w - 0.1 * Var{&scope, gradient[0]}).value});
  graph.returns.push_back({"loss", cast(loss, DType::f64).value});
  return graph;
}

ModelSpec training_steps() {
  ModelSpec spec;
  spec.name = "faults", spec.signature = "{}";
  for (const Fault &fault : kFaults) {
    spec.entries.push_back(entry_spec(Entry::train_step, kBatch, training_step(fault)));
    spec.entries.back().name += std::to_string(spec.entries.size());
    run_passes(spec.entries.back().graph, {});
  }
  return spec;
}

JitModel for_this_machine(const ModelSpec &spec) {
  CodegenOptions options;
  options.target = host_target();
  return JitModel(spec, options);
}

std::string place_of(const std::string &location) { return location.substr(std::min<size_t>(1, location.size())); }

struct Step {
  int32_t status = 0;
  std::optional<NumericsCheck::Finding> finding;
};

Step run(const ModelSpec &spec, const gradc_model &compiled, int32_t number, double value) {
  NumericsCheck check(spec, place_of, compiled);
  runtime::Instance instance(check.checked(), 1);
  const gradc_entry &entry = *gradc_entry_at(&check.checked(), number);
  const runtime::Outputs outputs(check.checked(), entry);
  std::vector<float> x(kBatch * kWidth, 1), w(kWidth, 1);
  x[kRow * kWidth + kColumn] = static_cast<float>(value);
  const void *inputs[] = {x.data()};
  const gradc_call call = instance.call(inputs, outputs, {});
  auto *params = static_cast<float *>(call.arenas[GRADC_PARAMS]);
  std::ranges::copy(w, params);
  const int32_t status = entry.run(&entry, &call);
  return {status, check.finding()};
}

} // namespace

TEST_CASE("the op that made the first number that is not finite is named", "[numerics]") {
  const ModelSpec spec = training_steps();
  const JitModel compiled = for_this_machine(spec);
  int32_t number = 0;
  for (const Fault &fault : kFaults) {
    INFO(fault.name);
    const Graph &graph = spec.entries[static_cast<size_t>(number)].graph;
    const Step step = run(spec, *compiled.table(), number++, fault.value);
    CHECK(step.status == GRADC_NOT_FINITE);
    REQUIRE(step.finding);
    INFO(step.finding->text);
    CHECK(step.finding->location == "/loss");
    CHECK(step.finding->text.starts_with("the first value that is not finite is made by '" + std::string(fault.op) +
                                         "' of 'loss', in kernel "));
    if (fault.at_the_place)
      CHECK(step.finding->text.find("the first at [1,3]") != std::string::npos);
    const int kernel = std::stoi(step.finding->text.substr(step.finding->text.find("kernel ") + 7));
    CHECK(std::ranges::count(graph.nodes, kernel, &Node::kernel) >= 3);
  }
}

TEST_CASE("a step of finite numbers has no finding, and an input that is none is named", "[numerics]") {
  const ModelSpec spec = training_steps();
  const JitModel compiled = for_this_machine(spec);
  const Step good = run(spec, *compiled.table(), 0, 1);
  CHECK(good.status == GRADC_OK);
  CHECK_FALSE(good.finding);
  const Step given = run(spec, *compiled.table(), 0, std::numeric_limits<double>::quiet_NaN());
  REQUIRE(given.finding);
  CHECK(given.finding->text == "the first value that is not finite is given: input 'x' of train_step1 4\n"
                               "  input %x : f32[4,8]: 1 nan of 32, the first at [1,3]");
  CHECK(given.finding->location == "/inputs/x");
}

TEST_CASE("where the interpreter finds no number that is not finite, that is what is told", "[numerics]") {
  ModelSpec spec = training_steps();
  spec.entries.resize(1);
  const JitModel compiled = for_this_machine(spec);
  gradc_entry entry = *gradc_entry_at(compiled.table(), 0);
  entry.run = [](const gradc_entry *, const gradc_call *call) { // as when a sum of a part overflows
    *static_cast<double *>(call->outputs[0]) = std::numeric_limits<double>::infinity();
    return int32_t{GRADC_NOT_FINITE};
  };
  gradc_model overflowing = *compiled.table();
  overflowing.entries = &entry;
  const Step step = run(spec, overflowing, 0, 1);
  REQUIRE(step.finding);
  CHECK(step.finding->text == "the reference interpreter finds all of 'train_step1 4' finite: compiled code adds in another order, "
                              "and a sum of a part has overflowed");
}
