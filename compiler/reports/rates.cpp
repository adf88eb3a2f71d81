// See rates.h.
#include "compiler/reports/rates.h"

#include "ir/interpreter.h"

#include <algorithm>

namespace gradc {

std::vector<RateCurve> rate_curves(const Model &model, int64_t steps) {
  constexpr int64_t kMostPoints = 1200;
  const Graph graph = build_graph(model, Entry::schedule, 0);
  Bindings bindings;
  for (const Node &node : graph.nodes)
    if (node.role != Role::none)
      bindings.emplace(node.name, Tensor(node.type));
  for (const ModelHyper &hyper : model.hypers)
    bindings.at(hyper.name).set(0, hyper.value);
  bindings.at("total_steps").set_integer(0, steps);
  std::vector<RateCurve> curves;
  for (const Return &rate : graph.returns)
    curves.push_back({rate.name, {}});
  const int64_t intervals = std::min(steps, kMostPoints) - 1;
  for (int64_t i = 0; i <= intervals; ++i) {
    const double share = intervals == 0 ? 0 : static_cast<double>(i) / static_cast<double>(intervals);
    const auto step = static_cast<int64_t>(share * static_cast<double>(steps - 1));
    bindings.at("step").set_integer(0, step);
    const std::vector<Tensor> values = interpret(graph, bindings);
    for (size_t c = 0; c < curves.size(); ++c)
      curves[c].values.emplace_back(step, values[c].number(0));
  }
  return curves;
}

} // namespace gradc
