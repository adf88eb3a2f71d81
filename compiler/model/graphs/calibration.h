// Layer-sequential unit variance: weights that begin with a scale that data decide. Mishkin and Matas 2016, "All you need is a
// good init", algorithm 1. As the output is linear in the weight, one division by its deviation is exact.
#pragma once

#include "compiler/model/graphs/declarations.h"

#include <map>

namespace gradc {

class Calibration {
public:
  /// All arguments outlive the object, which appends updates of the graph.
  Calibration(Graph &graph, const Model &model, const Declarations &declared)
      : graph_(graph), model_(model), declared_(declared) {}

  /// `y` is what parameter number `param` makes. Where its initializer says so, the parameter and y are divided by the deviation of
  /// all elements of y, which is left out where they are equal up to rounding. Of a parameter that makes several, the first counts.
  Var scaled(size_t param, Var y);

private:
  Graph &graph_;
  const Model &model_;
  const Declarations &declared_;
  std::map<size_t, Value> factors_; // of parameters
};

} // namespace gradc
