#include "passes/storage.h"

#include "ir/op.h"

#include <algorithm>
#include <map>
#include <set>

namespace gradc {

bool is_view(const Graph &graph, Value v) {
  const Node &node = graph[v];
  return node.op && node.kernel == kNoKernel && node.op->name == "reshape";
}

Value storage_root(const Graph &graph, Value v) {
  while (is_view(graph, v))
    v = graph[v].inputs[0];
  return v;
}

std::vector<Hazard> state_hazards(const Graph &graph, const std::function<bool(Value)> &view) {
  auto root = [&](Value v) {
    while (view(v))
      v = graph[v].inputs[0];
    return v;
  };
  std::vector<Hazard> hazards;
  for (const Update &update : graph.updates)
    for (Value v = 0; v < graph.size(); ++v) {
      const Node &node = graph[v];
      bool reads = !view(v) && std::any_of(node.inputs.begin(), node.inputs.end(),
                                           [&](Value input) { return root(input) == update.target; });
      if (reads && v != update.value)
        hazards.push_back({v, update.value});
    }
  return hazards;
}

std::vector<Hazard> state_hazards(const Graph &graph) {
  return state_hazards(graph, [&](Value v) { return is_view(graph, v); });
}

std::vector<StoredValue> stored_values(const Graph &graph) {
  std::vector<bool> elsewhere = graph.live_out();
  std::map<Value, std::set<int>> readers;
  for (Value v = 0; v < graph.size(); ++v) {
    if (graph[v].kernel == kNoKernel)
      continue;
    for (Value input : graph[v].inputs) {
      Value root = storage_root(graph, input);
      int writer = graph[root].kernel;
      if (writer != kNoKernel && writer != graph[v].kernel && !elsewhere[root])
        readers[root].insert(graph[v].kernel);
    }
  }
  std::vector<StoredValue> stored;
  for (const auto &[v, kernels] : readers)
    stored.push_back({v, aligned(graph.type(v).bytes()), graph[v].kernel, {kernels.begin(), kernels.end()}});
  return stored;
}

namespace {

// Finds loads of one parameter below an expression.
struct LoadFinder {
  const Kernel &kernel;
  int param;
  std::set<ExprId> seen;
  std::vector<ExprId> loads;

  void visit(ExprId id) {
    if (!seen.insert(id).second)
      return;
    const Expr &expr = kernel.expr(id);
    if (expr.kind == Expr::Kind::load && expr.target == param)
      loads.push_back(id);
    for (ExprId arg : expr.args)
      visit(arg);
    for (const IndexExpr &index : expr.index)
      for (const IndexTerm &term : index.terms)
        if (!term.is_axis)
          visit(term.id);
  }
};

} // namespace

bool reads_only_where_it_writes(const Kernel &kernel, int read, int write) {
  auto writer = std::find_if(kernel.stages.begin(), kernel.stages.end(),
                             [&](const Stage &s) { return s.store == write; });
  if (writer == kernel.stages.end() || writer->accumulate)
    return false;
  for (const Stage &stage : kernel.stages) {
    LoadFinder finder{kernel, read, {}, {}};
    finder.visit(stage.body);
    for (const IndexExpr &index : stage.store_index)
      for (const IndexTerm &term : index.terms)
        if (!term.is_axis)
          finder.visit(term.id);
    for (ExprId load : finder.loads)
      if (kernel.expr(load).index != writer->store_index || stage.axes != writer->axes || !stage.reduce.empty() ||
          kernel.expr(load).padded)
        return false;
  }
  // A stage that runs after the write in another loop nest would see the new bytes.
  return std::all_of(kernel.stages.begin(), kernel.stages.end(),
                     [&](const Stage &s) { return s.axes == kernel.stages[0].axes; });
}

} // namespace gradc
