// Symbolic against numeric gradients: see tests/support/gradient_check.h.
#include "tests/support/gradient_check.h"

#include "passes/differentiate.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <sstream>

namespace gradc::tests {

Value weighted_sum(Graph &graph, Value y, Bindings &inputs, Rng &rng) {
  std::string name = "weights_" + std::to_string(graph.size());
  Tensor values(graph.type(y));
  for (int64_t i = 0; i < values.type.elements(); ++i)
    values.set(i, static_cast<double>(between(rng, 50, 150)) * (between(rng, 0, 1) ? 0.01 : -0.01));
  Value weights = graph.declare(Role::input, name, values.type);
  inputs.emplace(name, std::move(values));
  std::vector<int64_t> axes;
  for (size_t d = 0; d < graph.type(y).rank(); ++d)
    axes.push_back(static_cast<int64_t>(d));
  return graph.add("sum", {graph.add("mul", {y, weights})}, {{"axes", axes}});
}

std::vector<Tensor> evaluate_returns(const Graph &graph, const Bindings &inputs) {
  Bindings bindings = inputs;
  return interpret(graph, bindings, Precision::wide);
}

/// d loss / d x, where `loss` is what the graph returns and x one element of an input.
static double numeric_derivative(const Graph &graph, Bindings &inputs, double &x) {
  constexpr double h = 1e-3;
  constexpr double weights[] = {45, -9, 1};
  const double middle = x;
  double sum = 0;
  for (int k = 1; k <= 3; ++k) {
    x = middle + k * h;
    double above = evaluate_returns(graph, inputs)[0].number(0);
    x = middle - k * h;
    double below = evaluate_returns(graph, inputs)[0].number(0);
    sum += weights[k - 1] * (above - below);
  }
  x = middle;
  return sum / (60 * h);
}

static double magnitude(const std::vector<double> &values) {
  double largest = 0;
  for (double v : values)
    largest = std::max(largest, std::abs(v));
  return largest;
}

static std::string describe(const std::string &input, size_t i, double symbolic, double numeric) {
  std::ostringstream text;
  text.precision(15);
  text << "d/d " << input << "[" << i << "]: symbolic " << symbolic << ", numeric " << numeric;
  return text.str();
}

GradientCheck check_gradients(const Graph &graph, Value loss, const std::vector<Value> &wrt,
                              const Bindings &inputs) {
  Graph forward = graph, backward = graph;
  forward.returns = {{"loss", loss}};
  backward.returns.clear();
  for (Value gradient : differentiate(backward, loss, wrt))
    backward.returns.push_back({"gradient_" + std::to_string(backward.returns.size()), gradient});
  std::vector<Tensor> symbolic = evaluate_returns(backward, inputs);

  GradientCheck result;
  for (size_t n = 0; n < wrt.size(); ++n) {
    Bindings moved = inputs;
    std::vector<double> numeric;
    for (double &x : moved.at(graph[wrt[n]].name).floats)
      numeric.push_back(numeric_derivative(forward, moved, x));
    const std::vector<double> &exact = symbolic[n].floats;
    double scale = std::max({magnitude(exact), magnitude(numeric), 1e-3});
    for (size_t i = 0; i < numeric.size(); ++i) {
      double error = std::abs(exact[i] - numeric[i]) / scale;
      if (error <= result.error)
        continue;
      result.error = std::isfinite(error) ? error : std::numeric_limits<double>::infinity();
      result.worst = describe(graph[wrt[n]].name, i, exact[i], numeric[i]);
    }
  }
  return result;
}

} // namespace gradc::tests
