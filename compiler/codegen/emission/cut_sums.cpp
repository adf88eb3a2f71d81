#include "compiler/codegen/emission/cut_sums.h"

#include <algorithm>

namespace gradc {

static int64_t divided_up(int64_t a, int64_t b) { return a / b + (a % b != 0); }

int cut_sums(std::vector<SumLoop> &loops) {
  int levels = 0;
  int64_t terms = 1; // that an iteration adds to a running sum, or to a total of the highest level so far
  for (auto loop = loops.rbegin(); loop != loops.rend(); ++loop) {
    loop->level = levels + 1;
    int64_t count = loop->points / loop->step, size = loop->step;
    while (count > 1 && count > (levels == 0 ? kLongestUncut : kChunk) / terms) {
      const int64_t most = std::max<int64_t>(1, kChunk / terms);
      const int64_t even = divided_up(count, divided_up(count, most)); // chunks of about equal length
      size *= even;
      loop->chunks.insert(loop->chunks.begin(), size);
      count = divided_up(count, even);
      terms = 1;
      ++levels;
    }
    terms = std::max<int64_t>(1, terms * count + loop->rest);
  }
  return levels;
}

} // namespace gradc
