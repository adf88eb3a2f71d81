#include "ir/lowering/nests.h"

#include <algorithm>

namespace gradc {
namespace {

constexpr int64_t kWideColumns = 64; // narrower products may do better with their lanes along another axis

struct Run { // of consecutive stages on the same axes
  size_t first, count;
};

std::vector<Run> runs_of(const Kernel &k) {
  std::vector<Run> runs;
  for (size_t s = 0; s < k.stages.size(); ++s)
    if (s == 0 || k.stages[s].axes != k.stages[s - 1].axes)
      runs.push_back({s, 1});
    else
      ++runs.back().count;
  return runs;
}

bool reads_stages(const Kernel &k, Run reader, Run read) {
  for (size_t s = reader.first; s < reader.first + reader.count; ++s)
    for (ExprId id : expressions_of(k, k.stages[s]))
      if (const Expr &e = k.expr(id); e.kind == Expr::Kind::stage && static_cast<size_t>(e.target) >= read.first &&
                                      static_cast<size_t>(e.target) < read.first + read.count)
        return true;
  return false;
}

// The one reduction of a run, where it sums products.
const Stage *product_of(const Kernel &k, Run run) {
  const Stage *product = nullptr;
  for (size_t s = run.first; s < run.first + run.count; ++s)
    if (const Stage &stage = k.stages[s]; !stage.reduce.empty()) {
      if (product || !sums_products(k, stage))
        return nullptr;
      product = &stage;
    }
  return product;
}

bool stands_beside(const Kernel &k, Run run, Run others) {
  const Stage *product = product_of(k, others);
  const std::vector<int> &axes = k.stages[run.first].axes;
  if (!product || axes.empty() || axes.size() >= product->axes.size() || axes.back() != product->axes.back() ||
      k.axes[static_cast<size_t>(axes.back())].extent < kWideColumns)
    return false;
  auto has = [](const auto &list, auto item) { return std::find(list.begin(), list.end(), item) != list.end(); };
  if (!std::all_of(axes.begin(), axes.end(), [&](int a) { return has(product->axes, a); }))
    return false;
  const std::vector<ExprId> &factors = k.expr(product->body).args;
  bool sums = false;
  for (size_t s = run.first; s < run.first + run.count; ++s) {
    const Stage &stage = k.stages[s];
    const bool sum = stage.combiner == Combiner::sum && stage.reduce == product->reduce && has(factors, stage.body);
    if (stage.accumulate || (!stage.reduce.empty() && !sum))
      return false;
    sums |= sum;
  }
  return sums && !reads_stages(k, run, others) && !reads_stages(k, others, run);
}

} // namespace

bool sums_products(const Kernel &kernel, const Stage &stage) {
  const Expr &body = kernel.expr(stage.body);
  return stage.combiner == Combiner::sum && body.kind == Expr::Kind::op && body.op == ScalarOp::mul;
}

bool has_tile_inside(const Kernel &k, const Stage &product, const std::vector<int> &shared) {
  AxisSets axes(k);
  const std::vector<ExprId> &factors = k.expr(product.body).args;
  return std::all_of(factors.begin(), factors.end(), [&](ExprId factor) {
    return std::any_of(product.axes.begin(), product.axes.end(), [&](int axis) {
      return std::find(shared.begin(), shared.end(), axis) == shared.end() && !axes.of(factor).contains(axis);
    });
  });
}

std::vector<int> nests_of(const Kernel &k) {
  const std::vector<Run> runs = runs_of(k);
  std::vector<int> nests;
  int nest = -1;
  bool joined = true; // the nest has stages beside its product, or is not there yet
  for (size_t r = 0; r < runs.size(); ++r) {
    const bool joins = !joined && (stands_beside(k, runs[r], runs[r - 1]) || stands_beside(k, runs[r - 1], runs[r]));
    nest += !joins;
    joined = joins;
    nests.insert(nests.end(), runs[r].count, nest);
  }
  return nests;
}

bool one_nest(const Kernel &k) { return k.stages.empty() || nests_of(k).back() == 0; }

const std::vector<int> &nest_axes(const Kernel &k, size_t first, size_t count) {
  auto shorter = [](const Stage &a, const Stage &b) { return a.axes.size() < b.axes.size(); };
  const auto begin = k.stages.begin() + static_cast<std::ptrdiff_t>(first);
  return std::max_element(begin, begin + static_cast<std::ptrdiff_t>(count), shorter)->axes;
}

std::set<int> handed_over(const Kernel &kernel) {
  const std::vector<int> nests = nests_of(kernel);
  std::set<int> found;
  for (size_t s = 0; s < kernel.stages.size(); ++s)
    for (ExprId id : expressions_of(kernel, kernel.stages[s]))
      if (const Expr &e = kernel.expr(id); e.kind == Expr::Kind::stage && nests[static_cast<size_t>(e.target)] != nests[s])
        found.insert(e.target);
  return found;
}

double handed_over_bytes(const Kernel &k, const std::vector<int> &shared) {
  double bytes = 0;
  for (int s : handed_over(k)) {
    const Stage &stage = k.stages[static_cast<size_t>(s)];
    double elements = 1;
    for (int a : stage.axes)
      if (std::find(shared.begin(), shared.end(), a) == shared.end())
        elements *= static_cast<double>(k.axes[static_cast<size_t>(a)].extent);
    bytes += elements * static_cast<double>(size_of(stage.dtype));
  }
  return bytes;
}

} // namespace gradc
