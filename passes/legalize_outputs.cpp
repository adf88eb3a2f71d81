#include "passes/legalize_outputs.h"

#include "ir/op.h"
#include "passes/storage.h"

#include <algorithm>
#include <map>
#include <set>

namespace gradc {
namespace {

bool reaches(const Graph &graph, Value from, Value to) {
  if (to < from)
    return false;
  std::vector<bool> hit(graph.size(), false);
  hit[from] = true;
  for (Value v = from; v <= to; ++v)
    for (Value input : graph[v].inputs)
      if (hit[input])
        hit[v] = true;
  return hit[to];
}

class OutputLegalizer {
public:
  explicit OutputLegalizer(Graph &graph) : graph_(graph) {}

  void run() {
    for (Value v = 0; v < graph_.size(); ++v)
      note_reads(v);
    for (Return &r : graph_.returns)
      r.value = own(r.value);
    for (Update &u : graph_.updates) {
      if (graph_[u.value].is_declaration() && graph_[u.value].role != Role::input && u.value != u.target)
        u.value = copy(u.value); // another state's old value: read it before either is overwritten
      u.value = own(u.value);
      if (overwrites_early(u))
        u.value = copy(u.value);
    }
  }

private:
  Value copy(Value v) {
    Type type = graph_.type(v);
    Value c = graph_.add("reshape", {v}, {}, graph_[v].location, type);
    taken_.insert(c);
    note_reads(c);
    return c;
  }
  void note_reads(Value v) {
    if (becomes_view(graph_, v))
      return;
    for (Value input : graph_[v].inputs)
      if (Value root = storage_root(graph_, input, becomes_view); is_state(graph_[root].role))
        readers_[root].push_back(v);
  }
  Value own(Value v) {
    const Node &node = graph_[v];
    if (node.is_declaration() || is_constant(node) || becomes_view(graph_, v) || taken_.contains(v))
      return copy(v);
    taken_.insert(v);
    return v;
  }
  bool overwrites_early(const Update &u) {
    for (Value reader : readers_[u.target])
      if (reader != u.value && reaches(graph_, u.value, reader))
        return true;
    const Node &node = graph_[u.value];
    bool reads = std::find(node.inputs.begin(), node.inputs.end(), u.target) != node.inputs.end();
    return reads && (node.op->kind != OpKind::elementwise || node.type != graph_.type(u.target));
  }

  Graph &graph_;
  std::set<Value> taken_;
  std::map<Value, std::vector<Value>> readers_; // of states
};

} // namespace

void legalize_outputs(Graph &graph) { OutputLegalizer(graph).run(); }

} // namespace gradc
