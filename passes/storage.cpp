#include "passes/storage.h"

#include "ir/flat_access.h"
#include "ir/lowering/lower.h"
#include "ir/lowering/nests.h"
#include "ir/op.h"

#include <algorithm>
#include <map>
#include <set>

namespace gradc {

static bool same_but_for_unit_dims(const Shape &a, const Shape &b) {
  Shape x = a, y = b;
  std::erase(x, 1);
  std::erase(y, 1);
  return x == y;
}

bool becomes_view(const Graph &graph, Value v) {
  const Node &node = graph[v];
  return is_reshape(node) &&
         !same_but_for_unit_dims(node.type.shape, graph.type(node.inputs[0]).shape);
}

Value storage_root(const Graph &graph, Value v, ViewTest *view) {
  while (view(graph, v))
    v = graph[v].inputs[0];
  return v;
}

std::vector<Hazard> state_hazards(const Graph &graph, ViewTest *view) {
  std::map<Value, std::vector<Value>> readers;
  for (const Update &update : graph.updates)
    readers[update.target];
  for (Value v = 0; v < graph.size(); ++v)
    if (!view(graph, v))
      for (Value input : graph[v].inputs)
        if (auto it = readers.find(storage_root(graph, input, view)); it != readers.end() && (it->second.empty() || it->second.back() != v))
          it->second.push_back(v);
  std::vector<Hazard> hazards;
  for (const Update &update : graph.updates)
    for (Value reader : readers[update.target])
      if (reader != update.value)
        hazards.push_back({reader, update.value});
  return hazards;
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
  std::vector<bool> seen = std::vector<bool>(kernel.exprs.size(), false);
  std::vector<ExprId> loads = {};

  void visit(ExprId id, bool in_index = false) {
    if (seen[static_cast<size_t>(id)])
      return;
    seen[static_cast<size_t>(id)] = true;
    const Expr &expr = kernel.expr(id);
    if (expr.kind == Expr::Kind::load && expr.target == param)
      loads.push_back(id);
    if (expr.kind == Expr::Kind::stage && in_index) // an index may be computed again where it is used
      visit(kernel.stages[static_cast<size_t>(expr.target)].body, true);
    for (ExprId arg : expr.args)
      visit(arg, in_index);
    visit(expr.index);
  }
  void visit(const Index &index) {
    for (const IndexExpr &dim : index)
      for (const IndexTerm &term : dim.terms)
        if (!term.is_axis)
          visit(term.id, true);
  }
};

// Whether different points of the axes are at least `distance` elements apart.
bool keeps_apart(const Kernel &kernel, const FlatAccess &access, const std::vector<int> &axes, int64_t distance) {
  std::vector<std::pair<int64_t, int64_t>> steps; // coefficient, extent
  for (int a : axes)
    steps.emplace_back(access.coefficients[static_cast<size_t>(a)], kernel.axes[static_cast<size_t>(a)].extent);
  std::sort(steps.begin(), steps.end());
  for (auto [coefficient, extent] : steps) {
    if (coefficient < distance)
      return false;
    distance = checked_add(distance, checked_multiply(coefficient, extent - 1));
  }
  return true;
}

// How many elements one iteration of the shared loops spans, from where it begins; nullopt when unknown.
std::optional<int64_t> span_of_iteration(const Kernel &kernel, const FlatAccess &access,
                                         const std::vector<int> &shared) {
  int64_t last = access.offset;
  bool known = access.computed.empty() && access.offset >= 0;
  for (int a = 0; a < static_cast<int>(kernel.axes.size()); ++a) {
    int64_t coefficient = access.coefficients[static_cast<size_t>(a)];
    known &= coefficient >= 0;
    if (std::find(shared.begin(), shared.end(), a) == shared.end())
      last = checked_add(last, checked_multiply(coefficient, kernel.axes[static_cast<size_t>(a)].extent - 1));
  }
  return known ? std::optional(last + 1) : std::nullopt;
}

// Iterations of the shared loops are apart: what one reads, no other writes.
bool stays_in_iteration(const Kernel &kernel, const FlatAccess &load, const FlatAccess &store) {
  std::vector<int> shared = kernel.shared_axes();
  if (shared.empty())
    return true;
  for (int a : shared)
    if (load.coefficients[static_cast<size_t>(a)] != store.coefficients[static_cast<size_t>(a)])
      return false;
  std::optional<int64_t> read = span_of_iteration(kernel, load, shared);
  std::optional<int64_t> written = span_of_iteration(kernel, store, shared);
  return read && written && keeps_apart(kernel, store, shared, std::max(*read, *written));
}

// Asks kernels of one graph whether a parameter may be overwritten; equal kernels are asked once.
class Overwriting {
public:
  explicit Overwriting(const Graph &graph) : graph_(graph), kernels_(lower_kernels(graph)) {}

  // Whether kernel k reads `donor`, and may write `taker` to the same bytes.
  bool allowed(int k, Value donor, Value taker) {
    const LoweredKernel &lowered = kernels_[static_cast<size_t>(k)];
    auto write = std::find(lowered.values.begin(), lowered.values.end(), taker);
    bool reads = false;
    for (size_t i = 0; i < lowered.values.size(); ++i) {
      if (storage_root(graph_, lowered.values[i]) != donor)
        continue;
      reads = true;
      if (write == lowered.values.end() || !allowed(lowered, i, static_cast<size_t>(write - lowered.values.begin())))
        return false;
    }
    return reads;
  }

private:
  bool allowed(const LoweredKernel &lowered, size_t read, size_t write) {
    auto [known, fresh] = known_.try_emplace({lowered.number, read, write}, false);
    if (fresh)
      known->second = reads_only_where_it_writes(lowered.kernel, static_cast<int>(read), static_cast<int>(write));
    return known->second;
  }

  const Graph &graph_;
  const std::vector<LoweredKernel> kernels_;
  std::map<std::tuple<size_t, size_t, size_t>, bool> known_;
};

} // namespace

bool reads_only_where_it_writes(const Kernel &kernel, int read, int write) {
  auto writes = [&](const Stage &s) { return s.store == write; };
  auto writer = std::find_if(kernel.stages.begin(), kernel.stages.end(), writes);
  bool once = std::count_if(kernel.stages.begin(), kernel.stages.end(), writes) == 1;
  auto bytes = [&](int param) { return size_of(kernel.params[static_cast<size_t>(param)].type.dtype); };
  if (!once || writer->accumulate || bytes(read) != bytes(write))
    return false;
  FlatAccess store = flatten(kernel, kernel.params[static_cast<size_t>(write)].type.shape, writer->store_index);
  if (!store.computed.empty() || !keeps_apart(kernel, store, writer->axes, 1))
    return false;
  std::vector<int> nests = nests_of(kernel);
  int writing = nests[static_cast<size_t>(writer - kernel.stages.begin())];
  for (size_t s = 0; s < kernel.stages.size(); ++s) {
    const Stage &stage = kernel.stages[s];
    LoadFinder finder{kernel, read};
    finder.visit(stage.body);
    finder.visit(stage.store_index);
    for (ExprId id : finder.loads) {
      const Expr &expr = kernel.expr(id);
      FlatAccess load = flatten(kernel, expr);
      bool same = nests[s] == writing && stage.axes == writer->axes && stage.reduce.empty() && !expr.padded && load == store;
      bool before = nests[s] < writing && stays_in_iteration(kernel, load, store);
      if (!same && !before)
        return false;
    }
  }
  return true;
}

std::vector<TakeOver> take_overs(const Graph &graph, const std::vector<StoredValue> &stored) {
  Overwriting overwriting(graph);
  std::vector<std::vector<size_t>> read(static_cast<size_t>(graph.kernel_count())); // stored values, by kernel
  for (size_t i = 0; i < stored.size(); ++i)
    for (int reader : stored[i].readers)
      read[static_cast<size_t>(reader)].push_back(i);
  std::vector<TakeOver> found;
  for (size_t taker = 0; taker < stored.size(); ++taker)
    for (size_t donor : read[static_cast<size_t>(stored[taker].writer)])
      if (stored[donor].bytes >= stored[taker].bytes &&
          overwriting.allowed(stored[taker].writer, stored[donor].value, stored[taker].value))
        found.push_back({donor, taker});
  return found;
}

} // namespace gradc
