// Every identity of simplify, and fold, on random nodes whose operands are at the edges of their dtypes: what takes the place
// of a node is the node, bit for bit where the table says so. An identity that never applies here fails: the operands that it
// looks for must be among those of `Dresser`.
#include "ir/text/text.h"
#include "passes/fold.h"
#include "passes/match.h"
#include "tests/support/dresser.h"
#include "tests/support/op_samples.h"
#include "tests/support/text_file.h"

#include <catch2/catch.hpp>

#include <cmath>
#include <limits>

using namespace gradc;
using namespace gradc::tests;

namespace {

constexpr int kTries = 6000;        // random nodes for each identity, at most,
constexpr int kApplications = 300;  // and that many to which it applies
constexpr int kLeastApplications = 10;
constexpr int kFolds = 40; // of each op

/// A node of `op` that is returned, with operands that are more than inputs.
Graph dressed_graph(const OpDef &op, DType real, Edges edges, Rng &rng) {
  const Graph plain = sample_op_graph(op, rng, {.real = real, .extents = {1, 1, 2, 3}});
  const Node &node = plain[plain.returns[0].value];
  Dresser dresser(rng, real, edges);
  std::vector<Value> operands;
  for (Value input : node.inputs)
    operands.push_back(dresser.value(plain.type(input)));
  Graph graph = dresser.finish();
  const auto declared = op.type_rule != TypeRule::derived ? std::optional(node.type) : std::nullopt;
  graph.returns = {{"y", graph.add(op, std::move(operands), node.attrs, "", declared)}};
  return graph;
}

Tensor returned(const Graph &graph, Bindings bindings) { return interpret(graph, bindings)[0]; }

/// Zeros without their signs.
Tensor unsigned_zeros(Tensor tensor) {
  for (double &x : tensor.floats)
    x += 0.0;
  return tensor;
}

bool agree(const Tensor &expected, const Tensor &actual, Exactness exactness) {
  if (exactness == Exactness::sums)
    return same_values(unsigned_zeros(actual), unsigned_zeros(expected), 0);
  return same_values(actual, expected, exactness == Exactness::rounding && expected.type.dtype == DType::f64 ? 0x1p-52 : 0);
}

std::string bindings_text(const Bindings &bindings) {
  std::string text;
  for (const auto &[name, tensor] : bindings)
    text += "// set %" + name + " = " + values_text(tensor) + "\n";
  return text;
}

/// The graph that returns what `identity` puts in the place of what `graph` returns; nullopt where it does not apply.
std::optional<Graph> rewritten(const Identity &identity, const Graph &graph) {
  Graph better = graph;
  const Node node = graph[graph.returns[0].value];
  const std::vector<bool> shared(graph.size(), false);
  const auto value = identity.apply(Match(better, node, shared));
  if (!value)
    return std::nullopt;
  better.returns[0].value = *value;
  return better;
}

const OpDef &op_for(const Identity &identity, Rng &rng) {
  if (!identity.op.empty())
    return *find_op(identity.op);
  const auto ops = all_ops();
  return *ops[static_cast<size_t>(between(rng, 0, static_cast<int64_t>(ops.size()) - 1))];
}

void check_identity(const Identity &identity) {
  Rng rng(1);
  int applied = 0;
  for (int i = 0; i < kTries && applied < kApplications; ++i) {
    const DType real = i % 2 ? DType::f64 : DType::f32;
    // Where terms may be added in another order, they are numbers whose sums are exact.
    const Edges edges = identity.exactness == Exactness::sums ? Edges::exact_in_sums : Edges::all;
    const Graph graph = dressed_graph(op_for(identity, rng), real, edges, rng);
    const std::optional<Graph> better = rewritten(identity, graph);
    if (!better)
      continue;
    ++applied;
    const Bindings bindings = edge_bindings(graph, edges, rng);
    const Tensor expected = returned(graph, bindings), actual = returned(*better, bindings);
    if (agree(expected, actual, identity.exactness))
      continue;
    FAIL_CHECK("the identity '" << identity.formula << "' of " << (identity.op.empty() ? "any op" : identity.op)
                                << " makes " << values_text(expected) << "\n" << values_text(actual) << " in\n"
                                << bindings_text(bindings) << print(graph) << "which becomes\n" << print(*better));
    return;
  }
  INFO("the identity '" << identity.formula << "' of " << (identity.op.empty() ? "any op" : identity.op));
  INFO("applies to " << applied << " of " << kTries << " random nodes");
  CHECK(applied >= kLeastApplications);
}

} // namespace

TEST_CASE("every identity of arithmetic holds to the bit at the edges", "[identities]") {
  for (const Identity &identity : arithmetic_identities())
    check_identity(identity);
}

TEST_CASE("every identity of shapes holds at the edges, up to the order of sums", "[identities]") {
  for (const Identity &identity : shape_identities())
    check_identity(identity);
}

namespace {

/// The graph with what its bindings say as constants.
Graph with_constants(const Graph &graph, const Bindings &bindings) {
  Rewriter rewriter(graph);
  for (Value v = 0; v < graph.size(); ++v) {
    if (!graph[v].is_declaration()) {
      rewriter.copy(v);
      continue;
    }
    const Tensor &tensor = bindings.at(graph[v].name);
    std::vector<double> values;
    for (int64_t i = 0; i < tensor.type.elements(); ++i)
      values.push_back(tensor.number(i));
    const Attrs attrs = values.size() == 1 ? Attrs{{"value", values[0]}} : Attrs{{"values", values}};
    rewriter.replace(v, rewriter.to().add("constant", {}, attrs, "", tensor.type));
  }
  return rewriter.finish();
}

/// Large integers are not folded: no constant can hold them.
Bindings constant_bindings(const Graph &graph, Rng &rng) {
  Bindings bindings = edge_bindings(graph, Edges::all, rng);
  for (auto &[name, tensor] : bindings)
    for (int64_t &x : tensor.integers)
      if (std::abs(static_cast<double>(x)) >= 0x1p53)
        x >>= 12;
  return bindings;
}

} // namespace

TEST_CASE("every op folds to the bits that it evaluates to", "[identities]") {
  for (const OpDef *op : all_ops()) {
    Rng rng(2);
    int folded = 0;
    bool has_operands = false;
    for (int i = 0; i < kFolds; ++i) {
      Graph graph = sample_op_graph(*op, rng, {.real = i % 2 ? DType::f64 : DType::f32});
      has_operands |= !graph[graph.returns[0].value].inputs.empty();
      graph = with_constants(graph, constant_bindings(graph, rng));
      const Tensor expected = returned(graph, {});
      const std::string before = print(graph);
      folded += fold(graph);
      const Tensor actual = returned(graph, {});
      if (same_values(actual, expected, 0))
        continue;
      FAIL_CHECK("fold makes " << values_text(expected) << "\n" << values_text(actual) << " of op " << op->name << " in\n"
                               << before << "which becomes\n" << print(graph));
      break;
    }
    INFO("op " << op->name);
    CHECK((folded > 0) == has_operands);
  }
}
