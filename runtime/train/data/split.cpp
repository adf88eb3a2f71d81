// Deals rows out to parts; see split.h.
#include "runtime/train/data/split.h"

#include "runtime/train/data/permutation.h"
#include "runtime/train/error.h"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>
#include <map>
#include <numeric>

namespace gradc::runtime {
namespace {

__extension__ typedef __int128 Wide;

int64_t share(int64_t rows, double split, const char *name) {
  if (!(split >= 0 && split < 1))
    throw Error(fmt::format("{}: expected a share from 0 to below 1, found {}", name, split));
  return split > 0 ? std::max<int64_t>(1, std::llround(static_cast<double>(rows) * split)) : 0;
}

/// Of groups of these sizes, `total` members, so many of each that it has its share to within one: largest remainders first, among
/// equals the first group.
std::vector<int64_t> quotas(const std::vector<int64_t> &sizes, int64_t total) {
  int64_t all = 0, given = 0;
  for (const int64_t size : sizes)
    all += size;
  std::vector<int64_t> quotas;
  std::vector<std::pair<int64_t, size_t>> remainders; // negative, so that sorting puts the largest first
  for (size_t g = 0; g < sizes.size(); ++g) {
    const auto product = static_cast<Wide>(sizes[g]) * total;
    quotas.push_back(static_cast<int64_t>(product / all));
    remainders.emplace_back(-static_cast<int64_t>(product % all), g);
    given += quotas.back();
  }
  std::sort(remainders.begin(), remainders.end());
  for (int64_t i = 0; i < total - given; ++i)
    ++quotas[remainders[static_cast<size_t>(i)].second];
  return quotas;
}

/// The rows in an order of which the first are to train, the next to validate, the last to test: each class so.
std::vector<int64_t> dealt(int64_t rows, int64_t seed, int64_t validation, int64_t test, const std::vector<int64_t> &classes) {
  const Permutation deal(rows, seed, Stream::split);
  std::map<int64_t, std::vector<int64_t>> groups; // by class; one group without classes
  for (int64_t i = 0; i < rows; ++i)
    groups[classes.empty() ? 0 : classes[static_cast<size_t>(deal(i))]].push_back(deal(i));
  std::vector<int64_t> sizes;
  for (const auto &[name, members] : groups)
    sizes.push_back(static_cast<int64_t>(members.size()));
  const std::vector<int64_t> to_test = quotas(sizes, test);
  for (size_t g = 0; g < sizes.size(); ++g)
    sizes[g] -= to_test[g];
  const std::vector<int64_t> to_validate = quotas(sizes, validation);
  std::vector<int64_t> parts[3];
  size_t g = 0;
  for (const auto &[name, members] : groups) {
    const int64_t ends[] = {sizes[g] - to_validate[g], sizes[g], static_cast<int64_t>(members.size())};
    for (int64_t i = 0, part = 0; i < ends[2]; ++i) {
      while (i >= ends[part])
        ++part;
      parts[part].push_back(members[static_cast<size_t>(i)]);
    }
    ++g;
  }
  std::vector<int64_t> order;
  for (const std::vector<int64_t> &part : parts)
    order.insert(order.end(), part.begin(), part.end());
  return order;
}

} // namespace

Split split_rows(int64_t rows, const SplitOptions &options, const std::vector<int64_t> &classes) {
  const int64_t test = share(rows, options.test_split, "test_split");
  const int64_t validation = share(rows, options.validation_split, "validation_split");
  const int64_t train = rows - validation - test;
  if (train < 1)
    throw Error(fmt::format("data: of {} rows {} are for validation and {} for the test; none is left to train",
                            rows, validation, test));
  Split split;
  split.train = {0, train};
  split.validation = {train, train + validation};
  split.test = {train + validation, rows};
  if (train == rows) {
    split.rows.resize(static_cast<size_t>(rows));
    std::iota(split.rows.begin(), split.rows.end(), int64_t{0});
    return split;
  }
  split.rows = dealt(rows, options.seed, validation, test, classes);
  for (const Part &part : {split.train, split.validation, split.test})
    std::sort(split.rows.begin() + part.begin, split.rows.begin() + part.end);
  return split;
}

} // namespace gradc::runtime
