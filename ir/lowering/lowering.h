// One kernel in the making: the inside of ir/lowering/lower.h.
#pragma once

#include "ir/lowering/lower.h"

#include <optional>
#include <set>

namespace gradc {

class Lowering {
public:
  Lowering(const Graph &graph, const std::vector<Value> &nodes) : graph_(graph), region_(nodes.begin(), nodes.end()) {}

  LoweredKernel run(const std::vector<Value> &outputs);

  ExprId element(Value v, const Index &at, bool guarded);
  ExprId element_padded(Value v, const Index &at, Number pad, bool guarded);
  ExprId reduce(Value v, Combiner combiner, const Index &at, const Shape &extents,
                const std::function<ExprId(const Index &, const Index &)> &body);
  void store(Value v, const Shape &extents, const std::function<ExprId(const Index &)> &value,
             const std::function<Index(const Index &)> &where, bool accumulate);

  Kernel &kernel() { return state_.result.kernel; }

  const Graph &graph_;
  std::set<Value> region_;
  bool guarded_ = false; // loads may be out of bounds: give them a padding value

private:
  int param(Value v);
  Index normalized(const Index &at, const Shape &shape) const;
  std::optional<Index> known_index(Value v) const;
  void with_axes(std::vector<Index> ways, size_t loops, const std::function<void(const Index &)> &lower);
  void best_of(const std::vector<std::function<void()>> &ways, size_t loops);
  void lower_output(Value v);
  void lower_output(Value v, const Index &at);

  struct State {
    LoweredKernel result;
    std::map<Value, int> param_of;
    std::map<Value, int> stage_of;
    std::map<std::tuple<Value, Index, bool>, ExprId> memo;
  };
  State state_;
};

} // namespace gradc
