#include "passes/fusion_rules.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

namespace gradc {
namespace {

constexpr double kSmallWork = 1 << 14;      // points a kernel may walk without any common outer loop
constexpr size_t kMaxTensors = 32;           // each is an address in a register, and a stream of memory
constexpr double kLocalBytes = 16 << 10;    // of values handed from one loop nest to the next: within half of any L1

double points(const Kernel &k, const std::vector<int> &axes) {
  double n = 1;
  for (int a : axes)
    n *= static_cast<double>(k.axes[static_cast<size_t>(a)].extent);
  return n;
}

// Walks the expression trees of a kernel, collecting what the rules ask about.
class Survey {
public:
  explicit Survey(const Kernel &k) : axes(k), kernel_(k) {}

  AxisSets axes;

  // Calls visit for every distinct expression below `id`.
  template <typename Visit> void each(ExprId id, Visit visit) {
    std::set<ExprId> seen;
    walk(id, visit, seen);
  }

private:
  template <typename Visit> void walk(ExprId id, Visit &visit, std::set<ExprId> &seen) {
    if (!seen.insert(id).second)
      return;
    const Expr &e = kernel_.expr(id);
    visit(id, e);
    for (ExprId arg : e.args)
      walk(arg, visit, seen);
    for (const IndexExpr &index : e.index)
      for (const IndexTerm &t : index.terms)
        if (!t.is_axis)
          walk(t.id, visit, seen);
  }

  const Kernel &kernel_;
};

// A sum of products of two loads: the register-tiled case, whose inner loop must stay bare.
bool is_contraction(const Kernel &k, const Stage &stage) {
  const Expr &body = k.expr(stage.body);
  return sums_products(k, stage) && stage.axes.size() + stage.reduce.size() >= 2 && body.args[0] != body.args[1];
}

std::string contraction_rule(const Kernel &k) {
  int contractions = 0;
  for (const Stage &stage : k.stages) {
    if (!is_contraction(k, stage))
      continue;
    const Expr &body = k.expr(stage.body);
    bool bare = k.expr(body.args[0]).kind == Expr::Kind::load && k.expr(body.args[1]).kind == Expr::Kind::load;
    double work = points(k, stage.axes) * points(k, stage.reduce);
    if (!bare && work > kSmallWork)
      return "an operand of a contraction would be recomputed in its inner loop";
    if (bare)
      ++contractions;
  }
  if (contractions == 0)
    return "";
  if (contractions > 1)
    return "two contractions want two register tiles";
  for (const Stage &stage : k.stages) {
    if (stage.axes != k.stages[0].axes)
      return "a contraction shares its loops only with work on the same axes";
    if (!stage.reduce.empty() && &stage != &k.stages[0])
      return "another reduction beside a contraction";
  }
  return "";
}

// Values handed between loop nests wait in a buffer of the shared iteration.
std::string locality_rule(const Kernel &k, Survey &survey) {
  std::vector<int> shared = k.shared_axes();
  bool one_nest = std::all_of(k.stages.begin(), k.stages.end(),
                              [&](const Stage &s) { return s.axes == k.stages[0].axes; });
  if (one_nest)
    return "";
  double work = 0;
  for (const Stage &stage : k.stages)
    work = std::max(work, points(k, stage.axes) * points(k, stage.reduce));
  if (shared.empty() && work > kSmallWork)
    return "no outer loop in common";
  double bytes = 0;
  std::set<int> referenced;
  for (const Stage &stage : k.stages)
    survey.each(stage.body, [&](ExprId, const Expr &e) {
      if (e.kind == Expr::Kind::stage && k.stages[static_cast<size_t>(e.target)].axes != stage.axes)
        referenced.insert(e.target);
    });
  for (int s : referenced) {
    const Stage &stage = k.stages[static_cast<size_t>(s)];
    bytes += points(k, stage.axes) / points(k, shared) * static_cast<double>(size_of(stage.dtype));
  }
  return bytes > kLocalBytes ? "the values handed over would leave the cache" : "";
}

// An expensive function of few axes must not be evaluated again for every point of many.
std::string recomputation_rule(const Kernel &k, Survey &survey) {
  std::string reason;
  for (const Stage &stage : k.stages) {
    double domain = points(k, stage.axes) * points(k, stage.reduce);
    survey.each(stage.body, [&](ExprId id, const Expr &e) {
      if (e.kind != Expr::Kind::op || !is_expensive(e.op))
        return;
      const std::set<int> &axes = survey.axes.of(id);
      double needed = points(k, std::vector<int>(axes.begin(), axes.end()));
      if (needed < domain)
        reason = std::string(to_string(e.op)) + " would be recomputed " + std::to_string(std::llround(domain / needed)) + " times";
    });
  }
  return reason;
}

} // namespace

std::string why_not_one_kernel(const Kernel &k) {
  if (k.params.size() > kMaxTensors)
    return "too many tensors for one kernel";
  Survey survey(k);
  if (std::string reason = contraction_rule(k); !reason.empty())
    return reason;
  if (std::string reason = recomputation_rule(k, survey); !reason.empty())
    return reason;
  return locality_rule(k, survey);
}

} // namespace gradc
