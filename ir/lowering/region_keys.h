// When two regions of a graph are alike, so that what was found out about one holds for the other.
#pragma once

#include "ir/graph.h"

#include <string>
#include <unordered_map>

namespace gradc {

/// Two regions of one graph with equal words are the same nodes, wired in the same way, of the same types, with the same
/// outputs: lowering gives the same kernel for both, but for which values its parameters are.
struct RegionKey {
  std::vector<uint32_t> words;
  std::vector<Value> outside; // what the region reads from outside, in the order in which it first does

  struct Hash {
    size_t operator()(const std::vector<uint32_t> &words) const;
  };
};
/// What is known of regions, by the words of their keys.
template <typename T> using RegionMap = std::unordered_map<std::vector<uint32_t>, T, RegionKey::Hash>;

class RegionKeys {
public:
  explicit RegionKeys(const Graph &);

  /// Of the region of these nodes, ascending. Its cost is that of the region, not of the graph.
  RegionKey of(const std::vector<Value> &nodes, const std::vector<Value> &outputs);

private:
  uint32_t kind(Value, bool inside);

  const Graph &graph_;
  std::unordered_map<std::string, uint32_t> kinds_;     // numbers of what nodes compute, attributes and types included
  std::vector<uint32_t> inside_kind_, outside_kind_;    // of each value; kUnknown until it is asked for
  std::vector<uint32_t> place_;                         // of the values of the region at hand
  std::vector<uint64_t> stamp_;                         // for which region a place was noted
  uint64_t region_ = 0;
};

} // namespace gradc
