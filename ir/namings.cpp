#include "ir/namings.h"

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

} // namespace gradc
