#include "passes/legalize_outputs.h"

#include "ir/op.h"
#include "passes/storage.h"

#include <algorithm>
#include <map>
#include <optional>
#include <set>

namespace gradc {
namespace {

class OutputLegalizer {
public:
  explicit OutputLegalizer(Graph &graph) : graph_(graph), users_(graph.users()) {}

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
    for (std::optional<size_t> u; (u = update_in_circle());)
      graph_.updates[*u].value = copy(graph_.updates[*u].value);
  }

private:
  Value copy(Value v) {
    Type type = graph_.type(v);
    Value c = graph_.add("reshape", {v}, {}, graph_[v].location, type);
    users_.emplace_back();
    users_[v].push_back(c);
    taken_.insert(c);
    copies_.insert(c);
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
  // Whether something that depends on the new state reads the old one.
  bool overwrites_early(const Update &u) {
    std::vector<Value> later;
    for (Value reader : readers_[u.target])
      if (reader > u.value)
        later.push_back(reader);
    if (reaches_one_of(u.value, later))
      return true;
    const Node &node = graph_[u.value];
    bool reads = std::find(node.inputs.begin(), node.inputs.end(), u.target) != node.inputs.end();
    return reads && (node.op->kind != OpKind::elementwise || node.type != graph_.type(u.target));
  }

  // An update that reads a state which another overwrites while that other waits, in the end, for this one. A copy of its
  // value waits for both.
  std::optional<size_t> update_in_circle() const {
    std::vector<std::vector<Value>> before(graph_.size()), after = users_;
    for (const Hazard &h : state_hazards(graph_, becomes_view))
      after[h.before].push_back(h.after);
    for (Value v = 0; v < graph_.size(); ++v)
      for (Value later : after[v])
        before[later].push_back(v);
    std::vector<bool> apart(graph_.size(), false); // from every circle
    for (const auto &[from, to] : {std::pair(&before, &after), std::pair(&after, &before)}) {
      std::vector<size_t> waits_for(graph_.size(), 0);
      std::vector<Value> ready;
      for (Value v = 0; v < graph_.size(); ++v) {
        for (Value other : (*from)[v])
          waits_for[v] += !apart[other];
        if (!apart[v] && waits_for[v] == 0)
          ready.push_back(v);
      }
      for (size_t i = 0; i < ready.size(); ++i) {
        apart[ready[i]] = true;
        for (Value other : (*to)[ready[i]])
          if (!apart[other] && --waits_for[other] == 0)
            ready.push_back(other);
      }
    }
    for (size_t u = 0; u < graph_.updates.size(); ++u)
      if (!apart[graph_.updates[u].value] && !copies_.contains(graph_.updates[u].value))
        return u;
    return std::nullopt;
  }

  bool reaches_one_of(Value from, const std::vector<Value> &goals) const {
    if (goals.empty())
      return false;
    const Value last = *std::max_element(goals.begin(), goals.end());
    std::vector<Value> reached{from};
    std::set<Value> seen;
    for (size_t i = 0; i < reached.size(); ++i)
      for (Value user : users_[reached[i]]) {
        if (std::find(goals.begin(), goals.end(), user) != goals.end())
          return true;
        if (user < last && seen.insert(user).second)
          reached.push_back(user);
      }
    return false;
  }

  Graph &graph_;
  std::vector<std::vector<Value>> users_;
  std::set<Value> taken_, copies_;
  std::map<Value, std::vector<Value>> readers_; // of states
};

} // namespace

void legalize_outputs(Graph &graph) { OutputLegalizer(graph).run(); }

} // namespace gradc
