#include "ir/lowering/gather.h"

#include "ir/lowering/nests.h"

#include <algorithm>

namespace gradc {
namespace {

// Places stages from the last to the first.
class Gatherer {
public:
  explicit Gatherer(const Kernel &k) : k_(k), before_(k.stages.size()), waits_for_(k.stages.size(), 0) {
    std::vector<Reads> reads;
    for (const Stage &stage : k.stages)
      reads.push_back(reads_of(stage));
    for (size_t late = 0; late < k.stages.size(); ++late)
      for (size_t early = 0; early < late; ++early) {
        const int first = k.stages[early].store, second = k.stages[late].store;
        const bool touches = (first >= 0 && first == second) || reads[late].params.contains(first) ||
                             reads[early].params.contains(second);
        if (touches || reads[late].stages.contains(static_cast<int>(early))) {
          before_[late].push_back(early);
          ++waits_for_[early];
        }
      }
  }

  std::vector<size_t> order() {
    std::vector<size_t> placed;
    std::vector<bool> done(k_.stages.size(), false);
    while (placed.size() < k_.stages.size()) {
      size_t next = k_.stages.size();
      bool joins = false;
      for (size_t s = k_.stages.size(); s-- > 0 && !joins;)
        if (!done[s] && waits_for_[s] == 0) {
          joins = !placed.empty() && share_nest(s, placed.back());
          if (joins || next == k_.stages.size())
            next = s;
        }
      placed.push_back(next);
      done[next] = true;
      for (size_t early : before_[next])
        --waits_for_[early];
    }
    std::reverse(placed.begin(), placed.end());
    return placed;
  }

private:
  struct Reads {
    std::set<int> stages, params;
  };
  Reads reads_of(const Stage &stage) const {
    Reads reads;
    for (ExprId id : expressions_of(k_, stage)) {
      const Expr &e = k_.expr(id);
      if (e.kind == Expr::Kind::stage)
        reads.stages.insert(e.target);
      if (e.kind == Expr::Kind::load)
        reads.params.insert(e.target);
    }
    return reads;
  }

  // A sum of products wants the register tile of a nest for itself.
  bool share_nest(size_t a, size_t b) const {
    const Stage &x = k_.stages[a], &y = k_.stages[b];
    const bool reduce = !x.reduce.empty() && !y.reduce.empty();
    return x.axes == y.axes && !(reduce && (sums_products(k_, x) || sums_products(k_, y)));
  }

  const Kernel &k_;
  std::vector<std::vector<size_t>> before_; // of each stage: those that must come before it
  std::vector<size_t> waits_for_;           // how many of those behind it are not placed yet
};

} // namespace

void gather_nests(Kernel &k) {
  const std::vector<size_t> order = Gatherer(k).order();
  std::vector<int> place(order.size());
  std::vector<Stage> stages;
  for (size_t at = 0; at < order.size(); ++at) {
    place[order[at]] = static_cast<int>(at);
    stages.push_back(std::move(k.stages[order[at]]));
    stages.back().name = "s" + std::to_string(at);
  }
  k.stages = std::move(stages);
  for (Expr &e : k.exprs)
    if (e.kind == Expr::Kind::stage)
      e.target = place[static_cast<size_t>(e.target)];
  k.hashes.clear();
}

} // namespace gradc
