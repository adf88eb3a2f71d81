// Activations, their slopes and losses keep their relative accuracy where they are small: in every engine, in f32 and f64,
// against long double. A relative error may be as large as if the argument had been rounded.
#include "compiler/model/model.h"
#include "tests/support/engines.h"
#include "tests/support/models.h"

#include <catch2/catch.hpp>

#include <cmath>
#include <fmt/format.h>
#include <numbers>

namespace gradc {
namespace {

using tests::model_of;
using Function = long double (*)(long double);

double epsilon_of(DType dtype) { return dtype == DType::f32 ? 0x1p-23 : 0x1p-52; }

/// All that a graph declares, zero.
Bindings zeros(const Graph &graph) {
  Bindings state;
  for (const Node &node : graph.nodes)
    if (node.is_declaration())
      state.emplace(node.name, Tensor(node.type));
  return state;
}

void set_all(Tensor &tensor, const std::vector<double> &values) {
  for (size_t i = 0; i < values.size(); ++i)
    tensor.set(static_cast<int64_t>(i), values[i]);
}

/// f and f' at `at`: of one layer, whose weights are 0 and whose biases are the arguments.
struct Values {
  Tensor f, slope; // the slope divided by the number of arguments
};
Values values_of(const Engine &engine, const std::string &activation, const std::vector<double> &at, DType dtype) {
  const Model model = model_of(fmt::format(R"({{
    "inputs": {{"x": {{"shape": [1]}}, "y": {{"shape": [{0}]}}}},
    "layers": [{{"name": "f", "type": "dense", "units": {0}, "input": "x", "activation": "{1}"}}],
    "loss": {{"type": "mae", "target": "y"}}}})",
                                       at.size(), activation));
  const Graph predict = build_graph(model, Entry::predict, 1, dtype), gradients = build_graph(model, Entry::grad_step, 1, dtype);
  Bindings state = zeros(predict), training = zeros(gradients);
  set_all(state.at("f.bias"), at);
  set_all(training.at("f.bias"), at);
  set_all(training.at("y"), std::vector<double>(at.size(), -100));
  Values values{engine.run(predict, state).at(0), {}};
  engine.run(gradients, training);
  values.slope = training.at("f.bias.grad");
  return values;
}

void check_activation(const std::string &name, Function f, Function slope, std::vector<double> at) {
  for (DType dtype : {DType::f32, DType::f64})
    for (const Engine &engine : engines()) {
      const Values got = values_of(engine, name, at, dtype);
      for (size_t i = 0; i < at.size(); ++i) {
        const long double x = at[i], count = static_cast<long double>(at.size());
        INFO(name << "(" << at[i] << ") in " << to_string(dtype) << " by " << engine.name);
        const double bound = 4 * epsilon_of(dtype) * (1 + at[i] * at[i]);
        CHECK(std::fabs(got.f.number(static_cast<int64_t>(i)) / f(x) - 1) < bound);
        CHECK(std::fabs(got.slope.number(static_cast<int64_t>(i)) * count / slope(x) - 1) < bound);
      }
    }
}

struct Loss {
  double value;
  Tensor slopes; // by logit
};
/// Of one row with these logits.
Loss loss_of(const Engine &engine, const std::string &type, const std::string &labels_type, const std::vector<double> &logits,
               const std::vector<double> &labels, DType dtype) {
  const Model model = model_of(fmt::format(R"({{
    "inputs": {{"x": {{"shape": [1]}}, "y": {}}},
    "layers": [{{"name": "z", "type": "dense", "units": {}, "input": "x"}}],
    "loss": {{"type": "{}", "labels": "y"}}}})",
                                           labels_type, logits.size(), type));
  const Graph graph = build_graph(model, Entry::grad_step, 1, dtype);
  Bindings state = zeros(graph);
  set_all(state.at("z.bias"), logits);
  set_all(state.at("y"), labels);
  const double value = engine.run(graph, state).at(0).number(0);
  return {value, state.at("z.bias.grad")};
}

/// The loss, and its slope along the first logit unless that is 0.
void check_loss(const std::string &type, const std::string &labels_type, const std::vector<double> &logits,
                const std::vector<double> &labels, long double expected, long double slope = 0) {
  for (DType dtype : {DType::f32, DType::f64})
    for (const Engine &engine : engines()) {
      INFO(type << " of " << fmt::format("{} {}", logits[0], labels[0]) << " in " << to_string(dtype) << " by " << engine.name);
      const Loss got = loss_of(engine, type, labels_type, logits, labels, dtype);
      CHECK(std::fabs(got.value / expected - 1) < 16 * epsilon_of(dtype));
      if (slope != 0)
        CHECK(std::fabs(got.slopes.number(0) / slope - 1) < 16 * epsilon_of(dtype));
    }
}

const std::vector<double> kArguments = {-12, -8, -5, -3, -1.5, -1, -0.25, -0x1p-10, 0x1p-10, 0.25, 0.75, 2, 6};

} // namespace

TEST_CASE("activations keep their relative accuracy where they are small", "[accuracy]") {
  const auto gelu = [](long double x) { return x / 2 * std::erfc(-x / std::numbers::sqrt2_v<long double>); };
  const auto gelu_slope = [](long double x) {
    return std::erfc(-x / std::numbers::sqrt2_v<long double>) / 2 +
           x * std::exp(-x * x / 2) * std::numbers::inv_sqrtpi_v<long double> / std::numbers::sqrt2_v<long double>;
  };
  check_activation("gelu", gelu, gelu_slope, kArguments);
  check_activation("softplus", [](long double x) { return std::log1p(std::exp(x)); },
                   [](long double x) { return 1 / (1 + std::exp(-x)); }, kArguments);
  check_activation("elu", [](long double x) { return x > 0 ? x : std::expm1(x); },
                   [](long double x) { return x > 0 ? 1 : std::exp(x); }, kArguments);
  check_activation("tanh", [](long double x) { return std::tanh(x); },
                   [](long double x) { return 1 / (std::cosh(x) * std::cosh(x)); }, {-0.25, -0x1p-10, 0x1p-10, 0.5});
  check_activation("sigmoid", [](long double x) { return 1 / (1 + std::exp(-x)); },
                   [](long double x) { return 1 / (2 + std::exp(x) + std::exp(-x)); }, {-12, -3, -1, 0, 0.5});
}

long double sigmoid_of(long double x) { return 1 / (1 + std::exp(-x)); }

TEST_CASE("smooth rectifiers keep their relative accuracy in both tails", "[accuracy]") {
  const std::vector<double> at = {-8, -5, -3, -0.25, -0x1p-10, 0x1p-10, 0.25, 0.75, 2, 6, 1e4};
  check_activation("silu", [](long double x) { return x * sigmoid_of(x); },
                   [](long double x) { return sigmoid_of(x) * (1 + x * sigmoid_of(-x)); }, at);
  check_activation("mish", [](long double x) { return x * std::tanh(std::log1p(std::exp(x))); },
                   [](long double x) {
                     const long double t = std::tanh(std::log1p(std::exp(x)));
                     return t + x * (1 - t * t) * sigmoid_of(x);
                   }, at);
  constexpr long double k = 1.5957691216057307117597842397375L; // sqrt(8 / pi)
  check_activation("gelu_tanh", [](long double x) { return x * sigmoid_of(k * (x + 0.044715L * x * x * x)); },
                   [](long double x) {
                     const long double u = k * (x + 0.044715L * x * x * x), slope = k * (1 + 3 * 0.044715L * x * x);
                     return sigmoid_of(u) * (1 + x * sigmoid_of(-u) * slope);
                   }, at);
  constexpr long double scale = 1.0507009873554804934L, limit = 1.7580993408473766L;
  check_activation("selu", [](long double x) { return x > 0 ? scale * x : limit * std::expm1(x); },
                   [](long double x) { return x > 0 ? scale : limit * std::exp(x); }, at);
  check_activation("softsign", [](long double x) { return x / (1 + std::fabs(x)); },
                   [](long double x) { return 1 / ((1 + std::fabs(x)) * (1 + std::fabs(x))); }, at);
}

TEST_CASE("the logarithm of a softmax keeps that of a class that is almost certain", "[accuracy]") {
  for (DType dtype : {DType::f32, DType::f64})
    for (const Engine &engine : engines())
      for (double z : {0.5, 15.0, 30.0}) {
        const Tensor got = values_of(engine, "log_softmax", {z, 0, 0}, dtype).f;
        const long double small = std::log1p(2 * std::exp(-static_cast<long double>(z)));
        INFO(z << " in " << to_string(dtype) << " by " << engine.name);
        CHECK(std::fabs(got.number(0) / -small - 1) < 16 * epsilon_of(dtype));
        CHECK(std::fabs(got.number(2) / -(z + small) - 1) < 16 * epsilon_of(dtype));
      }
}

TEST_CASE("the loss of a confident right answer, and its slope, are small, not 0", "[accuracy]") {
  const std::string vector = R"({"shape": [1]})", row = R"({"shape": [3]})", number = R"({"shape": [], "dtype": "i32"})";
  for (double z : {0.5, 5.0, 15.0, 30.0, 80.0}) {
    const long double e = std::exp(-static_cast<long double>(z)), small = std::log1p(e), small_of_3 = std::log1p(2 * e);
    check_loss("binary_cross_entropy", vector, {z}, {1}, small, -e / (1 + e));
    check_loss("binary_cross_entropy", vector, {-z}, {0}, small, e / (1 + e));
    check_loss("binary_cross_entropy", vector, {z}, {0}, z + small, 1 / (1 + e));
    check_loss("binary_cross_entropy", vector, {z}, {0.75}, 0.25L * z + small);
    check_loss("softmax_cross_entropy", number, {z, 0, 0}, {0}, small_of_3, -2 * e / (1 + 2 * e));
    check_loss("softmax_cross_entropy", number, {z, 0, 0}, {2}, z + small_of_3, 1 / (1 + 2 * e));
    check_loss("softmax_cross_entropy", row, {z, 0, 0}, {1, 0, 0}, small_of_3);
    check_loss("softmax_cross_entropy", row, {z, 0, 0}, {0.75, 0, 0.25}, 0.25L * z + small_of_3);
  }
  check_loss("softmax_cross_entropy", number, {7, 7, 7}, {0}, std::log(3.0L), -2.0L / 3); // none is larger than the others
  check_loss("softmax_cross_entropy", row, {7, 7, -7}, {0.5, 0.5, 0}, std::log(2.0L) + std::log1p(std::exp(-14.0L) / 2));
}

} // namespace gradc
