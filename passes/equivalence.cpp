// Random data, interpretation and comparison: see passes/equivalence.h.
#include "passes/equivalence.h"

#include <algorithm>
#include <cmath>
#include <random>

namespace gradc {
namespace {

// Of the largest magnitude in the tensor, or of kLeastScale where that is smaller: folding rounds constants to f32 (2^-24
// relative), which cancellation in what follows may enlarge.
constexpr double kTolerance = 1e-5;
constexpr double kLeastScale = 1e-2;

Tensor random_tensor(const Node &declaration, std::mt19937_64 &random) {
  Tensor tensor(declaration.type);
  const bool positive = declaration.role == Role::slot || declaration.role == Role::scalar;
  for (int64_t i = 0; i < tensor.type.elements(); ++i) {
    const double unit = static_cast<double>(random() >> 11) * 0x1p-53; // in [0, 1)
    if (is_float(tensor.type.dtype))
      tensor.set(i, positive ? unit * 0.998 + 0.001 : unit * 1.998 - 0.999);
    else
      tensor.set_integer(i, static_cast<int64_t>(random() >> 62));
  }
  return tensor;
}

double largest_magnitude(const Tensor &tensor) {
  double largest = 0;
  for (double x : tensor.floats)
    if (std::isfinite(x))
      largest = std::max(largest, std::abs(x));
  return largest;
}

bool agree(double expected, double actual, double tolerance) {
  return expected == actual || (std::isnan(expected) && std::isnan(actual)) ||
         std::abs(expected - actual) <= tolerance;
}

std::optional<std::string> find_difference(const std::string &what, const Tensor &expected, const Tensor &actual) {
  if (expected.type != actual.type)
    return what + " is " + to_string(actual.type) + ", not " + to_string(expected.type);
  const double tolerance = kTolerance * std::max(kLeastScale, largest_magnitude(expected));
  for (int64_t i = 0; i < expected.type.elements(); ++i)
    if (const double e = expected.number(i), a = actual.number(i);
        !agree(e, a, is_float(expected.type.dtype) ? tolerance : 0))
      return what + ", element " + std::to_string(i) + ": " + std::to_string(a) + " instead of " + std::to_string(e);
  return std::nullopt;
}

} // namespace

Bindings random_bindings(const Graph &graph, uint64_t seed) {
  std::mt19937_64 random(seed);
  Bindings bindings;
  for (const Node &node : graph.nodes)
    if (node.is_declaration())
      bindings.emplace(node.name, random_tensor(node, random));
  return bindings;
}

Outcome interpret_widely(const Graph &graph, Bindings bindings) {
  Outcome outcome;
  outcome.returns = interpret(graph, bindings, Precision::wide);
  outcome.state = std::move(bindings);
  return outcome;
}

std::optional<std::string> find_difference(const Graph &graph, const Outcome &expected, const Outcome &actual) {
  if (expected.returns.size() != actual.returns.size())
    return std::to_string(actual.returns.size()) + " returns instead of " + std::to_string(expected.returns.size());
  for (size_t i = 0; i < expected.returns.size(); ++i)
    if (auto difference = find_difference("return '" + graph.returns[i].name + "'", expected.returns[i], actual.returns[i]))
      return difference;
  for (const auto &[name, tensor] : expected.state)
    if (const auto other = actual.state.find(name); other == actual.state.end())
      return "%" + name + " is gone";
    else if (auto difference = find_difference("%" + name, tensor, other->second))
      return difference;
  return std::nullopt;
}

std::optional<std::string> find_difference(const Graph &expected, const Graph &actual) {
  const Bindings bindings = random_bindings(expected);
  return find_difference(expected, interpret_widely(expected, bindings), interpret_widely(actual, bindings));
}

} // namespace gradc
