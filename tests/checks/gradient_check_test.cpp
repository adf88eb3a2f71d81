// gradcheck finds what it is for: a wrong gradient of one operand of one op, for every op that has a rule; and where a loss has
// a kink it says so.
#include "compiler/checks/gradient_check.h"

#include "compiler/checks/made_up_data.h"
#include "compiler/engines/build_model.h"
#include "compiler/engines/interpreted_model.h"
#include "compiler/engines/jit.h"
#include "ir/formula.h"
#include "ir/text/text.h"
#include "passes/differentiate.h"
#include "runtime/train/data/batches.h"
#include "runtime/train/instance.h"
#include "tests/support/gradient_check.h"
#include "tests/support/models.h"
#include "tests/support/planted_rule.h"

#include <catch2/catch.hpp>

#include <algorithm>
#include <fmt/format.h>
#include <optional>

using namespace gradc;
using namespace gradc::tests;

namespace {

/// Writes them to where grad_step does.
void return_gradients(Graph &graph, const std::vector<Value> &params, const std::vector<Value> &gradients) {
  for (size_t i = 0; i < params.size(); ++i) {
    const Value grad = graph.declare(Role::grad, graph[params[i]].name + ".grad", graph.type(params[i]));
    graph.updates.push_back({grad, gradients[i]});
  }
}

/// `graph` as a grad_step whose loss is a weighted sum of what it returns, and the op that makes that is `planted`. Floats are
/// parameters, weights and integers buffers, with the values of `bindings`.
struct GradStep {
  ModelSpec spec;
  Bindings bindings;

  GradStep(Graph graph, const OpDef &planted, Rng &rng) : bindings(sample_inputs(graph, rng)) {
    std::vector<Value> params;
    for (Value v = 0; v < graph.size(); ++v)
      if (graph[v].is_declaration() && is_float(graph.type(v).dtype)) {
        graph[v].role = Role::param;
        params.push_back(v);
      }
    const Value result = graph.returns[0].value, loss = weighted_sum(graph, result, bindings, rng);
    for (Node &node : graph.nodes)
      if (node.role == Role::input) {
        node.role = Role::buffer;
        node.buffer = BufferKind{};
      }
    const std::vector<Value> gradients = wrongly_differentiated(graph, loss, params, {result}, planted);
    return_gradients(graph, params, gradients);
    graph.returns = {{"loss", loss}};
    spec.name = "planted", spec.signature = "{}";
    spec.entries.push_back(entry_spec(Entry::grad_step, 0, std::move(graph)));
    run_passes(spec.entries[0].graph, {});
  }

  std::vector<TensorCheck> checked(const GradientCheckOptions &options = {10, true}) const {
    const InterpretedModel interpreted(spec);
    const gradc_entry &entry = *gradc_entry_at(interpreted.table(), 0);
    runtime::Instance instance(*interpreted.table(), 1);
    const runtime::Outputs outputs(*interpreted.table(), entry);
    const gradc_call call = instance.call(nullptr, outputs, {});
    for (int32_t i = 0; i < interpreted.table()->tensor_count; ++i) {
      const gradc_tensor &tensor = *gradc_tensor_at(interpreted.table(), i);
      if (const auto value = bindings.find(tensor.name); value != bindings.end()) {
        const std::vector<std::byte> bytes = value->second.to_bytes();
        std::copy(bytes.begin(), bytes.end(), static_cast<std::byte *>(call.arenas[tensor.arena]) + tensor.offset);
      }
    }
    return check_gradients(entry, call, spec, spec.entries[0], options);
  }
};

std::vector<std::string> wrong_names(const std::vector<TensorCheck> &checks) {
  std::vector<std::string> names;
  for (const TensorCheck &check : checks)
    if (check.is_wrong())
      names.push_back(check.name);
  return names;
}

/// A sample from f64 to f64; nullopt for an op that has none.
std::optional<Graph> sample(const OpDef &op, Rng &rng) {
  for (int tries = 0; tries < 200; ++tries) {
    Graph graph = sample_op_graph(op, rng, {DType::f64, {1, 2, 3}, 12});
    const auto f32 = [](const Node &node) { return node.type.dtype == DType::f32; };
    if (graph.type(graph.returns[0].value).dtype == DType::f64 && std::ranges::none_of(graph.nodes, f32))
      return graph;
  }
  return std::nullopt;
}

} // namespace

namespace {

/// Plants one in every operand of a sample of the op, and checks that it is found. Returns how many there were to find.
int plant(const OpDef &op, const Graph &graph, Rng &rng) {
  int planted = 0;
  const Node &node = graph[graph.returns[0].value];
  const Rng same = rng; // the same values with and without a fault
  CHECK(wrong_names(GradStep(graph, op, rng).checked()).empty());
  for (size_t n = 0; n < node.inputs.size(); ++n) {
    Rng again = same;
    const OpDef wrong = with_wrong_rule(op, static_cast<int>(n));
    const std::vector<TensorCheck> checks = GradStep(graph, wrong, again).checked();
    const std::string &name = graph[node.inputs[n]].name;
    const auto own = std::ranges::find(checks, name, &TensorCheck::name);
    if (wrong_gradients() == 0 || own == checks.end() || own->worst.gradient == 0) // as where a slice takes nothing
      continue;
    INFO(print(graph) << "operand " << n);
    CHECK(wrong_names(checks) == std::vector<std::string>{name});
    CHECK(checks[0].name == name);
    ++planted;
  }
  return planted;
}

} // namespace

TEST_CASE("gradcheck finds a wrong gradient of every operand of every op", "[gradcheck]") {
  std::vector<std::string_view> flat; // ops that no gradient flows through
  for (const OpDef *op : all_ops()) {
    if (!op->gradient || op->name == "stop_gradient") // whose rule is not the derivative on purpose
      continue;
    INFO(op->name);
    Rng rng(1);
    int planted = 0;
    for (int i = 0; i < 4; ++i)
      if (const std::optional<Graph> graph = sample(*op, rng))
        planted += plant(*op, *graph, rng);
    if (planted == 0)
      flat.push_back(op->name);
  }
  CHECK(flat == std::vector<std::string_view>{"argmax", "constant", "eq", "floor", "ge", "gt", "iota", "le", "logical_and",
                                              "logical_not", "logical_or", "lt", "ne", "random_bits", "random_normal",
                                              "random_uniform", "sign"});
}

namespace {

constexpr const char *kModel = R"({
  "inputs": {"x": {"shape": [5]}, "kind": {"shape": [], "dtype": "i32"}, "y": {"shape": [3]}},
  "layers": [
    {"name": "a", "type": "dense", "units": 6, "activation": "relu", "input": "x", "l1": 0.01, "l2": 0.02},
    {"name": "b", "type": "dense", "units": 6, "activation": "softplus"},
    {"name": "d", "type": "dropout", "rate": 0.2},
    {"name": "both", "type": "concat", "input": ["a", "d"]},
    {"name": "c", "type": "dense", "units": 4, "activation": "gelu"},
    {"name": "e", "type": "dense", "units": 3, "activation": "elu"},
    {"name": "scores", "type": "dense", "units": 3, "activation": "tanh", "input": "c"}],
  "loss": [{"type": "softmax_cross_entropy", "logits": "scores", "labels": "kind"},
           {"type": "mae", "prediction": "e", "target": "y"}],
  "optimizer": "sgd"
})";

/// A grad_step with a rule planted in all nodes of an op.
Graph planted_step(const Model &model, int64_t batch, const OpDef &op, const OpDef &planted) {
  const Graph right = build_graph(model, Entry::grad_step, batch, DType::f64);
  Graph graph = build_forward(model, batch, DType::f64);
  std::vector<Value> params, nodes;
  for (const GradientOf &gradient : right.gradients)
    params.push_back(*graph.find(right[gradient.param].name));
  for (Value v = 0; v < graph.size(); ++v)
    if (graph[v].op == &op)
      nodes.push_back(v);
  const std::vector<Value> gradients = wrongly_differentiated(graph, graph.returns[0].value, params, nodes, planted);
  return_gradients(graph, params, gradients);
  return graph;
}

struct PlantedOp {
  std::string_view op; // "": none, the model as it is
  bool wrong;          // whether its rule was asked for a gradient
};

/// The model as it is, and with each op of its forward pass planted, one entry of `spec` each, behind `init`.
std::vector<PlantedOp> plant_all(const Model &model, int64_t batch, ModelSpec &spec) {
  std::vector<PlantedOp> planted = {{"", false}};
  const Graph forward = build_forward(model, batch, DType::f64);
  for (const OpDef *op : all_ops()) {
    if (!op->gradient || std::ranges::none_of(forward.nodes, [&](const Node &node) { return node.op == op; }))
      continue;
    const OpDef wrong = with_wrong_rule(*op, -1);
    spec.entries.push_back(entry_spec(Entry::grad_step, batch, planted_step(model, batch, *op, wrong)));
    spec.entries.back().name += fmt::format("_{}", op->name);
    planted.push_back({op->name, wrong_gradients() > 0});
  }
  for (EntrySpec &entry : spec.entries)
    run_passes(entry.graph, {});
  return planted;
}

} // namespace

TEST_CASE("gradcheck finds a wrong rule in a model, as compiled code", "[gradcheck]") {
  const Model model = model_of(kModel);
  const int64_t batch = 4;
  ModelSpec spec = build_graphs(model, {{Entry::init, 0}, {Entry::grad_step, batch}}, DType::f64);
  const std::vector<PlantedOp> planted = plant_all(model, batch, spec);
  CodegenOptions options;
  options.target = host_target();
  const JitModel compiled(spec, options);
  runtime::Instance instance(*compiled.table(), 1);
  instance.init(1);
  const runtime::Dataset data = made_up_data(model, batch, 1, DType::f64);
  runtime::Batches batches(*compiled.table(), data);
  for (size_t i = 0; i < planted.size(); ++i) {
    INFO(planted[i].op);
    const gradc_entry &entry = *gradc_entry_at(compiled.table(), static_cast<int32_t>(i + 1));
    const runtime::Outputs outputs(*compiled.table(), entry);
    const gradc_call call = instance.call(batches.rows(0), outputs, {1, 0, 0});
    CHECK(wrong_names(check_gradients(entry, call, spec, spec.entries[i + 1], {1})).empty() == !planted[i].wrong);
  }
  CHECK(std::ranges::count(planted, true, &PlantedOp::wrong) >= 15);
}

TEST_CASE("gradcheck leaves out what lies at a kink, and finds what is smooth beside one", "[gradcheck]") {
  Graph graph;
  const Scope scope{graph, "/layers/7"};
  const Var x{&scope, graph.declare(Role::input, "x", {DType::f64, {3}})};
  graph.returns = {{"y", select(greater(x, 0), x, 0).value}};
  for (const bool wrong : {false, true}) {
    INFO(wrong);
    const OpDef &op = *find_op("select");
    const OpDef planted = wrong ? with_wrong_rule(op, -1) : op;
    Rng rng(1);
    GradStep step(graph, planted, rng);
    step.bindings["x"].floats = {0, 0.0005, -2}; // the difference for h = 0.001 reaches over the kink from the second, too
    const TensorCheck check = step.checked()[0];
    CHECK(check.kinks == 1);
    CHECK(check.kink == "/layers/7");
    CHECK(check.checked == 2);
    CHECK(check.is_wrong() == wrong);
    if (wrong)
      CHECK_THROWS_WITH(require_right({check}), "the gradient of 'x' is not that of the loss; the fault is in this layer or in "
                                                "one that reads it");
    else
      CHECK_NOTHROW(require_right({check}));
    CHECK(step.checked({1})[0].checked + step.checked({1})[0].kinks <= 2); // one that is drawn, and the largest
  }
}
