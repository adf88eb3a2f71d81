#include "passes/fusion_rules.h"

#include "ir/lowering/nests.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

namespace gradc {
namespace {

constexpr double kSmallWork = 1 << 14;      // points a kernel may walk without any common outer loop
constexpr double kSmallContraction = 1 << 18; // the same for a sum of products, which runs much faster
constexpr double kOftenAgain = 64;            // so many times a slow instruction is not executed again
constexpr double kSmallOperand = 512 << 10;  // bytes of one factor of it: more takes so long to read that threads are worth it
// Bytes of values handed from one loop nest to the next: within half of the nearest cache.
double local_bytes(const PassTarget &target) { return static_cast<double>(target.l1_bytes / 2); }
// Bytes of the same for each row of a contraction's tile, which has up to 30.
double tile_bytes(const PassTarget &target) { return static_cast<double>(target.l1_bytes / 8); }
// Bytes of a contraction's operand that every tile of rows reads.
double walked_bytes(const PassTarget &target) { return static_cast<double>(target.l2_bytes / 2); }

double points(const Kernel &k, const std::vector<int> &axes) {
  double n = 1;
  for (int a : axes)
    n *= static_cast<double>(k.axes[static_cast<size_t>(a)].extent);
  return n;
}

// A sum of products of which a factor serves several points: the register-tiled case, whose inner loop must stay bare.
bool is_contraction(const Kernel &k, const Stage &stage) {
  if (!sums_products(k, stage))
    return false;
  AxisSets axes(k);
  const std::vector<ExprId> &factors = k.expr(stage.body).args;
  return std::any_of(factors.begin(), factors.end(),
                     [&](ExprId factor) { return axes.of(factor).size() < stage.axes.size() + stage.reduce.size(); });
}

bool is_bare(const Kernel &k, const Stage &contraction) {
  const std::vector<ExprId> &factors = k.expr(contraction.body).args;
  return std::all_of(factors.begin(), factors.end(), [&](ExprId f) {
    return k.expr(f).kind == Expr::Kind::load || k.expr(f).kind == Expr::Kind::stage;
  });
}

bool is_small(const Kernel &k) {
  AxisSets axes(k);
  auto bytes = [&](ExprId id) {
    const std::set<int> &its = axes.of(id);
    return points(k, {its.begin(), its.end()}) * static_cast<double>(size_of(k.expr(id).dtype));
  };
  return std::all_of(k.stages.begin(), k.stages.end(), [&](const Stage &stage) {
    const double work = points(k, stage.axes) * points(k, stage.reduce);
    if (!is_contraction(k, stage) || !is_bare(k, stage))
      return work <= kSmallWork;
    const std::vector<ExprId> &factors = k.expr(stage.body).args;
    return work <= kSmallContraction && std::max(bytes(factors[0]), bytes(factors[1])) <= kSmallOperand;
  });
}

// A contraction hands a tile of its rows to what reduces over its columns, and walks the operand of the columns again for
// each such tile.
std::string row_tile_rule(const Kernel &k, const PassTarget &target) {
  const std::vector<int> shared = k.shared_axes();
  const Stage &first = k.stages[0];
  if (shared.empty() || !is_contraction(k, first))
    return "a contraction shares its loops only with what follows on the same rows";
  AxisSets axes(k);
  double bytes = 0;
  for (ExprId factor : k.expr(first.body).args)
    if (const std::set<int> &its = axes.of(factor); !its.contains(shared.back()))
      bytes = points(k, {its.begin(), its.end()}) * static_cast<double>(size_of(k.expr(factor).dtype));
  if (bytes == 0)
    return "no operand of the contraction serves several rows";
  if (handed_over_bytes(k, shared) > tile_bytes(target))
    return "a tile of rows would leave the cache";
  return bytes > walked_bytes(target) ? "an operand of the contraction would leave the cache between tiles of rows" : "";
}

// A contraction with a tile of its own works on all of an iteration of the outer loops, say an image, before others do.
std::string whole_tile_rule(const Kernel &k, const PassTarget &target) {
  const std::vector<int> shared = k.shared_axes();
  double bytes = 0; // of an iteration
  for (const Param &p : k.params)
    bytes += p.written ? static_cast<double>(p.type.bytes()) : 0;
  for (int a : shared)
    bytes /= static_cast<double>(k.axes[static_cast<size_t>(a)].extent);
  return bytes > walked_bytes(target) ? "what the contraction has written would leave the cache before it is read" : "";
}

std::string contraction_rule(const Kernel &k, const PassTarget &target) {
  std::vector<size_t> contractions; // stages
  for (size_t s = 0; s < k.stages.size(); ++s) {
    const Stage &stage = k.stages[s];
    if (!is_contraction(k, stage))
      continue;
    if (is_bare(k, stage))
      contractions.push_back(s);
    else if (points(k, stage.axes) * points(k, stage.reduce) > kSmallWork)
      return "an operand of a contraction would be recomputed in its inner loop";
  }
  const std::vector<int> nests = nests_of(k);
  for (size_t c : contractions)
    for (size_t s = 0; s < k.stages.size(); ++s)
      if (s != c && nests[s] == nests[c] && k.stages[s].axes == k.stages[c].axes && !k.stages[s].reduce.empty())
        return is_contraction(k, k.stages[s]) ? "two contractions want two register tiles" : "another reduction beside a contraction";
  if (!tiles_rows(k, target))
    return "";
  if (contractions.size() == 1 && !k.shared_axes().empty() && has_tile_inside(k, k.stages[contractions[0]], k.shared_axes()))
    return whole_tile_rule(k, target);
  return contractions.size() > 1 ? "two contractions want two register tiles" : row_tile_rule(k, target);
}

// Values handed between loop nests wait in a buffer of the shared iteration.
std::string locality_rule(const Kernel &k, const PassTarget &target) {
  const std::vector<int> shared = k.shared_axes();
  if (one_nest(k))
    return "";
  if (shared.empty() && !is_small(k))
    return "no outer loop in common";
  return handed_over_bytes(k, shared) > local_bytes(target) ? "the values handed over would leave the cache" : "";
}

// Slow instructions whose operands are a vector along the last axis, as in the scale of a normalized channel. Of other axes they are
// evaluated once a row.
bool is_slow_vector(const Expr &e, const std::set<int> &axes, const Stage &stage) {
  const bool slow = e.op == ScalarOp::rsqrt || e.op == ScalarOp::sqrt || e.op == ScalarOp::div;
  return slow && !stage.axes.empty() && axes.contains(stage.axes.back());
}

// An expensive function of few axes must not be evaluated again for every point of many.
std::string recomputation_rule(const Kernel &k) {
  AxisSets axes(k);
  std::string reason;
  for (const Stage &stage : k.stages) {
    double domain = points(k, stage.axes) * points(k, stage.reduce);
    for (ExprId id : expressions_of(k, stage)) {
      const Expr &e = k.expr(id);
      if (e.kind != Expr::Kind::op)
        continue;
      const std::set<int> &its = axes.of(id);
      double needed = points(k, {its.begin(), its.end()});
      const bool slow = is_slow_vector(e, its, stage) && needed * kOftenAgain <= domain;
      if (needed < domain && (is_expensive(e.op) || slow))
        reason = std::string(to_string(e.op)) + " would be recomputed " + std::to_string(std::llround(domain / needed)) + " times";
    }
  }
  return reason;
}

} // namespace

bool tiles_rows(const Kernel &k, const PassTarget &target) {
  const bool contracts = std::any_of(k.stages.begin(), k.stages.end(),
                                     [&](const Stage &s) { return is_contraction(k, s) && is_bare(k, s); });
  const bool one_by_one = is_small(k) && handed_over_bytes(k, {}) <= local_bytes(target);
  return contracts && !one_nest(k) && !one_by_one;
}

std::string why_not_one_kernel(const Kernel &k, const PassTarget &target) {
  if (k.params.size() > kMaxTensors)
    return "too many tensors for one kernel";
  if (std::string reason = contraction_rule(k, target); !reason.empty())
    return reason;
  if (std::string reason = recomputation_rule(k); !reason.empty())
    return reason;
  return locality_rule(k, target);
}

} // namespace gradc
