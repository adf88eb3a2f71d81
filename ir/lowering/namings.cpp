#include "ir/lowering/namings.h"

#include <algorithm>
#include <functional>

namespace gradc {

constexpr size_t kMostNamings = 6; // that are tried

std::vector<Index> namings(Kernel &kernel, const Shape &shape, const std::set<int> &taken) {
  std::map<int64_t, std::vector<int>> axes; // by extent
  std::map<int64_t, size_t> needed;
  for (int a = 0; a < static_cast<int>(kernel.axes.size()); ++a)
    if (!taken.contains(a))
      axes[kernel.axes[static_cast<size_t>(a)].extent].push_back(a);
  for (int64_t extent : shape)
    if (extent != 1 && ++needed[extent] > axes[extent].size()) {
      const int fresh = static_cast<int>(kernel.axes.size());
      kernel.axes.push_back({fresh < 6 ? std::string(1, static_cast<char>('i' + fresh)) : "a" + std::to_string(fresh), extent});
      axes[extent].push_back(fresh);
    }
  std::vector<Index> ways;
  std::function<void(const Index &)> extend = [&](const Index &way) {
    if (way.size() == shape.size()) {
      ways.push_back(way);
      return;
    }
    std::vector<IndexExpr> next;
    if (const int64_t extent = shape[way.size()]; extent == 1)
      next.push_back(IndexExpr::constant(0));
    else
      for (int a : axes[extent])
        if (std::find(way.begin(), way.end(), IndexExpr::axis(a)) == way.end())
          next.push_back(IndexExpr::axis(a));
    for (IndexExpr &dim : next)
      if (ways.size() < kMostNamings) {
        Index longer = way;
        longer.push_back(std::move(dim));
        extend(longer);
      }
  };
  extend({});
  return ways;
}

size_t loops_of(const Kernel &k) {
  std::set<std::vector<int>> loops;
  for (const Stage &stage : k.stages)
    loops.insert(stage.axes);
  return loops.size();
}

size_t least_loops_with(const Kernel &k, const Shape &extents) {
  Shape wanted = extents;
  std::erase(wanted, 1);
  const bool there = std::any_of(k.stages.begin(), k.stages.end(), [&](const Stage &stage) {
    return std::equal(stage.axes.begin(), stage.axes.end(), wanted.begin(), wanted.end(),
                      [&](int axis, int64_t extent) { return k.axes[static_cast<size_t>(axis)].extent == extent; });
  });
  return loops_of(k) + !there;
}

size_t repeated_loads(const Kernel &k) {
  size_t loads = 0;
  std::set<int> loaded;
  for (const Expr &e : k.exprs)
    if (e.kind == Expr::Kind::load) {
      ++loads;
      loaded.insert(e.target);
    }
  return loads - loaded.size();
}

} // namespace gradc
