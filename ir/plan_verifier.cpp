// Checks a memory plan from its meaning alone, without looking at how the planner works.
#include "ir/plan_verifier.h"

#include "ir/op.h"
#include "ir/text/text.h"

#include <algorithm>

namespace gradc {
namespace {

bool overlap(const Placement &a, const Placement &b) {
  return a.offset - b.offset < b.bytes && b.offset - a.offset < a.bytes; // sums of what a text says might overflow
}

std::string kernel_text(int kernel) { return "kernel " + std::to_string(kernel); }

class PlanVerifier {
public:
  explicit PlanVerifier(const Graph &graph) : graph_(graph), plan_(*graph.plan), names_(value_names(graph)) {}

  std::vector<std::string> run() {
    if (plan_.places.size() != graph_.size())
      return {"the plan has " + std::to_string(plan_.places.size()) + " places for " + std::to_string(graph_.size()) +
              " values"};
    if (plan_.lower_bound > plan_.arena_bytes)
      problems_.push_back("the lower bound of the workspace is above its size");
    find_readers();
    for (Value v = 0; v < graph_.size(); ++v) {
      check_bytes(v);
      if (graph_[v].is_declaration())
        check_declaration(v);
      else
        check_result(v);
    }
    check_returns();
    check_updates();
    check_overlaps();
    return std::move(problems_);
  }

private:
  void problem(Value v, const std::string &text) { problems_.push_back(names_[v] + ": " + text); }
  const Placement &at(Value v) const { return plan_.places[v]; }

  // last_reader_[v]: the last kernel that reads v, itself or through a view.
  void find_readers() {
    last_reader_.assign(graph_.size(), kNoKernel);
    needed_ = graph_.live_out();
    for (Value v = 0; v < graph_.size(); ++v) {
      if (graph_[v].kernel == kNoKernel)
        continue;
      for (Value input : graph_[v].inputs) {
        Value read = storage_root(graph_, input);
        last_reader_[read] = std::max(last_reader_[read], graph_[v].kernel);
        if (graph_[read].kernel != graph_[v].kernel)
          needed_[read] = true;
      }
    }
  }

  void check_bytes(Value v) {
    const Placement &place = at(v);
    if (place.space == Space::none)
      return;
    if (place.bytes < graph_.type(v).bytes())
      problem(v, "its place has " + std::to_string(place.bytes) + " bytes, its type needs " +
                     std::to_string(graph_.type(v).bytes()));
    if (place.offset < 0 || (place.space == Space::workspace && place.offset > plan_.arena_bytes - place.bytes))
      problem(v, "its place lies outside the arena");
  }

  void check_declaration(Value v) {
    Space expected = space_of(graph_[v]);
    if (at(v).space != expected)
      problem(v, std::string(to_string(graph_[v].role)) + " values live in " + std::string(to_string(expected)) +
                     ", not in " + std::string(to_string(at(v).space)));
  }

  void check_result(Value v) {
    const Placement &place = at(v);
    int kernel = graph_[v].kernel;
    if (is_view(graph_, v)) {
      const Placement &base = at(storage_root(graph_, v));
      if (place.space != base.space || place.offset != base.offset || place.index != base.index)
        problem(v, "a view lies elsewhere than " + names_[storage_root(graph_, v)]);
      return;
    }
    if (kernel == kNoKernel) {
      if (!is_constant(graph_[v]))
        problem(v, "is neither in a kernel nor a constant nor a view");
      return;
    }
    if (needed_[v] && place.space == Space::none)
      problem(v, "is needed outside " + kernel_text(kernel) + " and has no place");
    if (place.space != Space::workspace)
      return;
    if (place.first != kernel)
      problem(v, "is written in " + kernel_text(kernel) + " and live from " + kernel_text(place.first));
    if (last_reader_[v] > place.last)
      problem(v, "is read in " + kernel_text(last_reader_[v]) + " and live only until " + kernel_text(place.last));
  }

  void check_returns() {
    for (size_t i = 0; i < graph_.returns.size(); ++i) {
      const Placement &place = at(graph_.returns[i].value);
      if (place.space != Space::output || place.index != static_cast<int64_t>(i))
        problem(graph_.returns[i].value, "is returned and not placed in output " + std::to_string(i));
    }
  }

  void check_updates() {
    for (const Update &u : graph_.updates) {
      if (u.target == u.value)
        continue;
      const Placement &old = at(u.target), &fresh = at(u.value);
      if (fresh.space != old.space || fresh.offset != old.offset)
        problem(u.value, "is the new " + names_[u.target] + " and not placed there");
      else if (graph_[u.value].kernel < last_reader_[u.target])
        problem(u.value, "overwrites " + names_[u.target] + " in " + kernel_text(graph_[u.value].kernel) +
                             ", before it is read in " + kernel_text(last_reader_[u.target]));
    }
  }

  // The later of two values may take over the bytes of the earlier in the kernel that is its last reader.
  bool handed_over(Value from, Value to) const {
    return at(to).in_place && at(to).first == at(from).last && at(to).offset == at(from).offset &&
           last_reader_[from] == graph_[to].kernel;
  }

  void check_overlaps() {
    std::vector<Value> roots;
    for (Value v = 0; v < graph_.size(); ++v)
      if (!is_view(graph_, v) && (at(v).space == Space::workspace || is_state(graph_[v].role)))
        roots.push_back(v);
    auto begin = [&](Value v) { return std::pair(at(v).space, at(v).offset); };
    std::sort(roots.begin(), roots.end(), [&](Value a, Value b) { return std::pair(begin(a), a) < std::pair(begin(b), b); });
    std::vector<std::pair<Value, Value>> shared; // a value and an earlier one
    for (size_t i = 0; i < roots.size(); ++i)
      for (size_t j = i + 1; j < roots.size() && begin(roots[j]) < std::pair(at(roots[i]).space, at(roots[i]).offset + at(roots[i]).bytes); ++j)
        if (const auto [a, b] = std::minmax(roots[i], roots[j]); overlap(at(a), at(b)) && !take_turns(a, b))
          shared.emplace_back(a, b);
    std::sort(shared.begin(), shared.end());
    for (auto [a, b] : shared)
      problem(b, "shares bytes with " + names_[a] + " while both are live");
  }

  bool take_turns(Value a, Value b) const {
    const bool apart = at(a).space == Space::workspace && (at(a).last < at(b).first || at(b).last < at(a).first);
    return apart || handed_over(a, b) || handed_over(b, a);
  }

  const Graph &graph_;
  const Plan &plan_;
  std::vector<std::string> names_;
  std::vector<std::string> problems_;
  std::vector<int> last_reader_;
  std::vector<bool> needed_; // returned, written to state, or read by another kernel
};

} // namespace

std::vector<std::string> plan_problems(const Graph &graph) { return PlanVerifier(graph).run(); }

} // namespace gradc
