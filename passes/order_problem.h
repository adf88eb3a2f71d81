// What orders of kernels are judged by: the bytes in use while each kernel runs.
#pragma once

#include "passes/storage.h"

#include <algorithm>

namespace gradc {

using KernelOrder = std::vector<int>;

class OrderProblem {
public:
  explicit OrderProblem(const Graph &);

  size_t kernels() const { return needs.size(); }

  /// Bytes that kernel k writes in place, where `dies(i)` tells whether it is the last reader of stored value i.
  template <typename Dies> int64_t reused_bytes(int k, Dies dies) const {
    int64_t bytes = 0;
    std::vector<size_t> given;
    for (size_t taker : written[static_cast<size_t>(k)])
      for (size_t donor : donors[taker])
        if (dies(donor) && std::find(given.begin(), given.end(), donor) == given.end()) {
          given.push_back(donor);
          bytes += stored[taker].bytes;
          break;
        }
    return bytes;
  }

  /// Live bytes at each position of an order.
  std::vector<int64_t> profile(const KernelOrder &) const;
  /// What some kernel reads and writes is live in it, in every order.
  int64_t least_peak() const;

  bool depends(int after, int before) const {
    const std::vector<int> &list = needs[static_cast<size_t>(after)];
    return std::binary_search(list.begin(), list.end(), before);
  }

  std::vector<StoredValue> stored;
  std::vector<std::vector<int>> needs, feeds;     // kernels that must run before, after a kernel; ascending
  std::vector<std::vector<size_t>> written, read; // stored values, by kernel
  std::vector<std::vector<size_t>> donors;        // stored values whose bytes one may take over

private:
  void find_dependences(const Graph &);
};

int64_t peak_of(const std::vector<int64_t> &profile);

} // namespace gradc
