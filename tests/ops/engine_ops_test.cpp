// Every op of the table on random operands, in compiled code and in the interpreter. An op is covered the moment its file
// exists. GRADC_OP_SAMPLES sets how many graphs of each op and dtype run natively; the other engines get a quarter.
#include "ir/text/text.h"
#include "tests/support/compiled_engine.h"
#include "tests/support/difference.h"
#include "tests/support/op_samples.h"
#include "tests/support/text_file.h"

#include <catch2/catch.hpp>

#include <cmath>
#include <cstdlib>
#include <limits>

using namespace gradc;
using namespace gradc::tests;

namespace {

int sample_count() {
  const char *count = std::getenv("GRADC_OP_SAMPLES");
  return count ? std::atoi(count) : 16;
}

const SampleOptions &options_for(DType real) {
  static const SampleOptions f32{.real = DType::f32, .extents = {1, 2, 3, 5, 8, 17, 33, 100}, .max_elements = 4000};
  static const SampleOptions f64{.real = DType::f64, .extents = f32.extents, .max_elements = f32.max_elements};
  return real == DType::f32 ? f32 : f64;
}

/// A different start for each op, so that adding one leaves the others' samples alone.
Rng rng_of(const OpDef &op) {
  uint64_t hash = 14695981039346656037u;
  for (char c : op.name)
    hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211u;
  return Rng(hash);
}

std::vector<Graph> sample_graphs(const OpDef &op, DType real, int count, Rng &rng) {
  std::vector<Graph> graphs;
  for (int i = 0; i < count; ++i)
    graphs.push_back(sample_op_graph(op, rng, options_for(real)));
  return graphs;
}

/// What an engine is given: elements of the declared dtype.
Bindings rounded(Bindings bindings) {
  for (auto &[name, tensor] : bindings)
    tensor = Tensor::from_bytes(tensor.type, tensor.to_bytes().data());
  return bindings;
}

Bindings magnitudes(Bindings bindings) {
  for (auto &[name, tensor] : bindings)
    for (double &x : tensor.floats)
      x = std::abs(x);
  return bindings;
}

bool sums(const OpDef &op) {
  return op.kind == OpKind::reduction || op.kind == OpKind::contraction || op.kind == OpKind::scatter;
}

/// How far each element may be from the exact one. Sums of n terms: 4 sqrt(n) eps times the sum of their magnitudes, which
/// is what the op gives for the magnitudes of its operands. Functions: the worst stated bound of vector_math.h.
std::vector<double> error_bounds(const Graph &graph, const OpDef &op, const Bindings &inputs, const Tensor &exact) {
  const bool single = exact.type.dtype == DType::f32;
  const double eps = single ? 0x1p-24 : 0x1p-53, relative = 16 * eps;
  std::vector<double> bounds;
  if (!sums(op)) {
    for (double x : exact.floats)
      bounds.push_back(relative * std::abs(x) + (single ? 0x1p-126 : 0x1p-1022));
    return bounds;
  }
  double terms = 1;
  for (const auto &[name, tensor] : inputs)
    terms = std::max(terms, static_cast<double>(tensor.type.elements()));
  Bindings absolute = magnitudes(inputs);
  const std::vector<Tensor> magnitude = interpret(graph, absolute, Precision::wide);
  for (double x : magnitude[0].floats)
    bounds.push_back(4 * std::sqrt(terms) * eps * std::abs(x));
  return bounds;
}

/// Which elements are too far off; empty when none is.
std::string difference(const Graph &graph, const OpDef &op, const Bindings &inputs, const Tensor &actual) {
  Bindings copy = inputs;
  const Tensor exact = interpret(graph, copy, Precision::wide)[0];
  if (actual.type != exact.type)
    return "type " + to_string(actual.type);
  const std::vector<double> bounds = error_bounds(graph, op, inputs, exact);
  const double largest = exact.type.dtype == DType::f32 ? std::numeric_limits<float>::max() : std::numeric_limits<double>::max();
  return element_difference(exact, actual, [&](int64_t flat) {
    const auto i = static_cast<size_t>(flat);
    if (!is_float(exact.type.dtype))
      return exact.integers[i] != actual.integers[i];
    const double e = exact.floats[i], a = actual.floats[i];
    const bool overflows = std::abs(e) > largest && std::isinf(a) && std::signbit(a) == std::signbit(e);
    return !(std::abs(e - a) <= bounds[i]) && !overflows && !(std::isnan(e) && std::isnan(a)) && e != a;
  });
}

/// Elements at the edges of their dtype; what is no ordinary number meets every lane of a vector. vector_math.h promises
/// nothing of the sine of huge numbers.
Bindings edge_inputs(const Graph &graph, const OpDef &op, Rng &rng) {
  const double reach = op.name == "sin" || op.name == "cos" ? 1e4 : 3e38;
  constexpr double inf = std::numeric_limits<double>::infinity(), nan = std::numeric_limits<double>::quiet_NaN();
  const std::vector<double> floats = {0, -0.0, 1, -1, 0.5, -2, 3, inf, -inf, nan, 1e-40, -1e-310, 0x1p-126, reach, -88.5, 89, 1e-8};
  static const std::vector<int64_t> kIntegers = {0, 1, -1, 2, 7, -7, INT32_MAX, INT32_MIN, INT64_MAX, INT64_MIN};
  Bindings bindings;
  for (const Node &node : graph.nodes) {
    if (!node.is_declaration())
      continue;
    Tensor tensor(node.type);
    for (int64_t i = 0; i < node.type.elements(); ++i)
      if (is_float(node.type.dtype))
        tensor.set(i, floats[static_cast<size_t>(between(rng, 0, static_cast<int64_t>(floats.size()) - 1))]);
      else
        tensor.set_integer(i, kIntegers[static_cast<size_t>(between(rng, 0, static_cast<int64_t>(kIntegers.size()) - 1))]);
    bindings.emplace(node.name, std::move(tensor));
  }
  return bindings;
}

/// Sums of infinities, NaNs and what overflows depend on the order of the terms.
bool has_defined_edges(const OpDef &op) { return !sums(op) || op.name == "max" || op.name == "argmax"; }

/// What native code makes wrong of graph `i`, with ordinary operands and then at the edges; empty when nothing.
std::string fault_of(const OpDef &op, DType real, const CompiledGraphs &compiled, size_t i, const Graph &graph, Rng &rng) {
  try {
    Bindings inputs = rounded(sample_inputs(graph, rng)), given = inputs;
    const std::string fault = difference(graph, op, inputs, compiled.run(i, given)[0]);
    if (!fault.empty() || !has_defined_edges(op))
      return fault;
    inputs = edge_inputs(graph, op, rng);
    given = inputs;
    const Tensor expected = interpret(graph, inputs)[0], actual = compiled.run(i, given)[0];
    const std::string edge = element_difference(expected, actual, [&](int64_t flat) {
      return !same_element(actual, expected, flat, real == DType::f32 ? 0x1p-20 : 0x1p-48);
    });
    return edge.empty() ? "" : "at the edges: " + edge;
  } catch (const std::exception &e) {
    return e.what();
  }
}

using Compile = CompiledGraphs (*)(std::vector<Graph>);

/// Stops at the first bad sample.
void check_op(const OpDef &op, DType real, Compile compile, int count) {
  Rng rng = rng_of(op);
  const std::vector<Graph> graphs = sample_graphs(op, real, count, rng);
  INFO("op " << op.name << " of " << to_string(real));
  const CompiledGraphs compiled = compile(graphs);
  for (size_t i = 0; i < compiled.size(); ++i)
    if (const std::string fault = fault_of(op, real, compiled, i, graphs[i], rng); !fault.empty()) {
      FAIL_CHECK(fault << "\n" << print(graphs[i]) << "compiled as\n" << print(compiled.graph(i)));
      return;
    }
  SUCCEED();
}

void check_every_op(Compile compile, int count) {
  for (const OpDef *op : all_ops())
    DYNAMIC_SECTION(op->name) {
      for (DType real : {DType::f32, DType::f64})
        check_op(*op, real, compile, count);
    }
}

} // namespace

TEST_CASE("every op computes in native code what it computes in the interpreter") {
  check_every_op([](std::vector<Graph> graphs) { return CompiledGraphs::jit(std::move(graphs)); }, sample_count());
}

TEST_CASE("every op computes for x86-64-v2 what it computes in the interpreter") {
  check_every_op([](std::vector<Graph> graphs) { return CompiledGraphs::jit(std::move(graphs), "x86-64-v2"); },
                 sample_count() / 4);
}

TEST_CASE("every op computes for x86-64-v3 what it computes in the interpreter") {
  check_every_op([](std::vector<Graph> graphs) { return CompiledGraphs::jit(std::move(graphs), "x86-64-v3"); },
                 sample_count() / 4);
}

TEST_CASE("every op computes in a shared object what it computes in the interpreter") {
  check_every_op(CompiledGraphs::shared_object, sample_count() / 8);
}
