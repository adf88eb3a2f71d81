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

/// The loss of one number, and its slope, that a layer with the bias `at` has beside a target.
void check_residual(const std::string &loss, const std::string &key, double at, double target, long double expected,
                    long double slope) {
  const Model model = model_of(fmt::format(R"({{
    "inputs": {{"x": {{"shape": [1]}}, "y": {{"shape": [1]}}}},
    "layers": [{{"name": "z", "type": "dense", "units": 1, "input": "x"}}],
    "loss": {{{}, "{}": "y"}}}})",
                                           loss, key));
  for (DType dtype : {DType::f32, DType::f64})
    for (const Engine &engine : engines()) {
      INFO(loss << " at " << at << " for " << target << " in " << to_string(dtype) << " by " << engine.name);
      const Graph graph = build_graph(model, Entry::grad_step, 1, dtype);
      Bindings state = zeros(graph);
      set_all(state.at("z.bias"), {at});
      set_all(state.at("y"), {target});
      const double bound = 32 * epsilon_of(dtype) * std::max(1.0, std::abs(at)); // as if the argument had been rounded
      CHECK(std::fabs(engine.run(graph, state).at(0).number(0) / expected - 1) < bound);
      CHECK(std::fabs(state.at("z.bias.grad").number(0) / slope - 1) < bound);
    }
}

TEST_CASE("losses of numbers keep their relative accuracy in both tails", "[accuracy]") {
  for (double r : {-1000.0, -30.0, -2.0, -1.0, -0.25, -0x1p-10, 0x1p-12, 0.5, 1.0, 3.0, 80.0, 1e4}) {
    const long double x = r, a = std::fabs(x);
    const long double half = std::sinh(x / 2), far = a + std::log1p(std::exp(-2 * a)) - std::log(2.0L);
    const long double log_cosh = a < 1 ? std::log1p(2 * half * half) : far;
    check_residual(R"("type": "log_cosh")", "target", r, 0, log_cosh, std::tanh(x));
    const long double huber = a < 0.5L ? x * x / 2 : (a - 0.25L) / 2, slope = a < 0.5L ? x : x / a / 2;
    check_residual(R"("type": "huber", "delta": 0.5)", "target", r, 0, huber, slope);
  }
  // l = log(1 + exp(-z)) is the loss of a yes, c = 1 / (1 + exp(z)) its error.
  for (double z : {-80.0, -20.0, -5.0, -0.25, 0.5, 4.0, 15.0, 40.0}) {
    const long double x = z, e = std::exp(-std::fabs(x)), l = std::log1p(e) + (x < 0 ? -x : 0), c = (x < 0 ? 1 : e) / (1 + e);
    check_residual(R"("type": "binary_cross_entropy", "pos_weight": 4)", "labels", z, 1, 4 * l, -4 * c);
    check_residual(R"("type": "binary_focal", "gamma": 1)", "labels", z, 1, c * l, -c * ((1 - c) * l + c));
    check_residual(R"("type": "binary_focal", "gamma": 1)", "labels", -z, 0, c * l, c * ((1 - c) * l + c));
    if (z > -15) // where the loss is 1 the slope is what is left of 1
      check_residual(R"("type": "dice")", "labels", z, 1, c / (3 - c), -3 * c * (1 - c) / ((3 - c) * (3 - c)));
  }
  check_residual(R"("type": "poisson")", "target", -80, 0, std::exp(-80.0L), std::exp(-80.0L));
  check_residual(R"("type": "poisson")", "target", 80, 3, std::exp(80.0L) - 240, std::exp(80.0L) - 3);
}

TEST_CASE("a focused loss of classes is small, not 0, where the answer is right", "[accuracy]") {
  const std::string number = R"({"shape": [], "dtype": "i32"})";
  for (double z : {0.5, 5.0, 15.0}) { // the default gamma 2: c^2 l, with c the chance of the other two
    const long double e = 2 * std::exp(-static_cast<long double>(z)), l = std::log1p(e), c = e / (1 + e);
    check_loss("focal", number, {z, 0, 0}, {0}, c * c * l, -c * (2 * c * (1 - c) * l + c * c));
    const long double others = 2 + e / 2, wrong = 2 / others;
    check_loss("focal", number, {-z, 0, 0}, {0}, wrong * wrong * (z + std::log(others)));
  }
}

/// Of a layer "m" with the first biases and a layer "v" with the others, which are its variance or deviations, for a target 0.
double density_at(const Engine &engine, const std::string &loss, const std::vector<double> &m, const std::vector<double> &v,
                  DType dtype) {
  const Model model = model_of(fmt::format(R"({{
    "inputs": {{"x": {{"shape": [1]}}, "y": {{"shape": [1]}}}},
    "layers": [{{"name": "m", "type": "dense", "units": {0}, "input": "x"}},
               {{"name": "v", "type": "dense", "units": {0}, "input": "x"}}],
    "loss": {{{1}, "target": "y"}}}})",
                                           m.size(), loss));
  const Graph graph = build_graph(model, Entry::grad_step, 1, dtype);
  Bindings state = zeros(graph);
  set_all(state.at("m.bias"), m);
  set_all(state.at("v.bias"), v);
  const double value = engine.run(graph, state).at(0).number(0);
  for (const char *layer : {"m.bias.grad", "v.bias.grad"})
    for (size_t i = 0; i < m.size(); ++i)
      CHECK(std::isfinite(state.at(layer).number(static_cast<int64_t>(i))));
  return value;
}

TEST_CASE("densities are finite and right far from their mean, and where they are narrow", "[accuracy]") {
  for (DType dtype : {DType::f32, DType::f64})
    for (const Engine &engine : engines()) {
      INFO(to_string(dtype) << " by " << engine.name);
      const auto gaussian = [&](const char *key, double m, double v) {
        return density_at(engine, fmt::format(R"("type": "gaussian_nll", "prediction": "m", "{}": "v")", key), {m}, {v}, dtype);
      };
      CHECK(gaussian("variance", 1e4, 1e-3) == Approx(0.5 * (std::log(1e-3) + 1e11)));
      CHECK(gaussian("variance", 0, 0) == Approx(0.5 * std::log(1e-6)));
      CHECK(gaussian("variance", 1e-3, -1) == Approx(0.5 * (std::log(1e-6) + 1)));
      CHECK(gaussian("log_variance", 1e-3, -60) == Approx(0.5 * (-60 + 1e-6 * std::exp(60))));
      CHECK(gaussian("log_variance", 1e18, 80) == Approx(0.5 * (80 + 1e36 * std::exp(-80))));
      const auto mixture = [&](std::vector<double> m, std::vector<double> s) {
        const char *loss = R"("type": "mixture_density", "means": "m", "log_deviations": "v", "logits": "v")";
        return density_at(engine, loss, m, s, dtype);
      };
      const double half_log_2_pi = 0.918938533204672742;
      CHECK(mixture({1e4, -1e4}, {0, 0}) == Approx(0.5e8 + half_log_2_pi));
      CHECK(mixture({0, 1e6}, {-20, -20}) == Approx(std::log(2) - 20 + half_log_2_pi));
    }
}

} // namespace gradc
