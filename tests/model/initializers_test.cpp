// What the names of initializers promise, of a weight of every kind of shape.
#include "compiler/model/tables/initializers.h"
#include "compiler/model/model.h"
#include "ir/interpreter.h"
#include "runtime/gradc.h"
#include "runtime/train/data/npy.h"
#include "tests/support/runtime_checks.h"
#include "tests/support/runtime_fake_model.h"
#include "tests/support/models.h"

#include <catch2/catch.hpp>

#include <algorithm>
#include <cmath>
#include <fmt/format.h>
#include <numbers>

namespace gradc {
namespace {

using runtime::TemporaryFolder;

/// The weights that a layer `f` of such a model begins with.
std::vector<double> weights_of(const std::string &text, DType dtype = DType::f32, int64_t seed = 5) {
  const Graph graph = build_graph(tests::model_of(text), Entry::init, 0, dtype);
  Bindings state;
  for (const Node &node : graph.nodes)
    if (node.is_declaration())
      state.emplace(node.name, Tensor(node.type));
  state.at("seed").set_integer(0, seed);
  interpret(graph, state);
  return state.at("f.weight").floats;
}

/// The weights [in, out] that an initializer, in JSON, begins with.
std::vector<double> weights(const std::string &initializer, int64_t in, int64_t out, DType dtype = DType::f32,
                            int64_t seed = 5) {
  return weights_of(fmt::format(R"({{
    "inputs": {{"x": {{"shape": [{}]}}, "y": {{"shape": [{}]}}}},
    "layers": [{{"name": "f", "type": "dense", "units": {}, "weight_initializer": {}}}],
    "loss": {{"type": "mse", "target": "y"}}}})",
                                in, out, out, initializer),
                    dtype, seed);
}

/// The same of a layer, with these keys, that reads an image of `channels`.
std::vector<double> kernel(const std::string &initializer, const std::string &layer, int64_t channels, DType dtype = DType::f32) {
  return weights_of(fmt::format(R"({{
    "inputs": {{"x": {{"shape": [9, 9, {}]}}, "y": {{"shape": [1]}}}},
    "layers": [{{"name": "f", {}, "weight_initializer": {}, "input": "x"}},
               {{"name": "flat", "type": "flatten"}}, {{"name": "out", "type": "dense", "units": 1}}],
    "loss": {{"type": "mse", "target": "y"}}}})",
                                channels, layer, initializer),
                    dtype);
}

double mean_square(const std::vector<double> &values) {
  double squares = 0;
  for (double value : values)
    squares += value * value;
  return squares / static_cast<double>(values.size());
}

// PyTorch's calculate_gain: 5/3 for tanh, sqrt(2 / (1 + a^2)) for leaky_relu, 3/4 for selu.
TEST_CASE("initial values have the variance their names promise", "[model]") {
  const std::vector<std::pair<std::string, double>> expected = {
      {R"("xavier_uniform")", 2.0 / 250},
      {R"("xavier_normal")", 2.0 / 250},
      {R"("he_uniform")", 2.0 / 200},
      {R"("he_normal")", 2.0 / 200},
      {R"("lecun_uniform")", 1.0 / 200},
      {R"("lecun_normal")", 1.0 / 200},
      {R"({"type": "lecun_normal", "gain": 3})", 9.0 / 200},
      {R"({"type": "lecun_uniform", "gain": "relu"})", 2.0 / 200},
      {R"({"type": "lecun_normal", "gain": "selu"})", 0.5625 / 200},
      {R"({"type": "lecun_normal", "gain": "sigmoid"})", 1.0 / 200},
      {R"({"type": "lecun_normal", "gain": "linear"})", 1.0 / 200},
      {R"({"type": "xavier_uniform", "gain": "tanh"})", 25.0 / 9 * 2 / 250},
      {R"({"type": "xavier_normal", "gain": {"type": "leaky_relu", "alpha": 0.5}})", 2 / 1.25 * 2 / 250}};
  for (const auto &[initializer, variance] : expected) {
    INFO(initializer);
    // 10^4 samples: the standard error of the variance is below 1.5 %.
    CHECK(mean_square(weights(initializer, 200, 50)) == Approx(variance).epsilon(0.06));
  }
}

// torch.nn.init._calculate_fan_in_and_fan_out of [filters, channels / groups, height, width].
TEST_CASE("the fans of a kernel count the elements of its window", "[model]") {
  const std::string plain = R"("type": "conv2d", "filters": 40, "kernel_size": [3, 5])",
                    grouped = R"("type": "conv2d", "filters": 400, "kernel_size": 3, "groups": 4)",
                    depthwise = R"("type": "depthwise_conv2d", "kernel_size": 5, "depth_multiplier": 10)",
                    transposed = R"("type": "conv_transpose2d", "filters": 40, "kernel_size": [3, 5])";
  struct Case {
    std::string initializer, layer;
    int64_t channels;
    double variance;
  };
  const Case cases[] = {{R"("he_normal")", plain, 20, 2.0 / (20 * 15)},
                        {R"("xavier_uniform")", plain, 20, 2.0 / ((20 + 40) * 15)},
                        {R"("lecun_uniform")", grouped, 16, 1.0 / (4 * 9)},
                        {R"("xavier_normal")", grouped, 16, 2.0 / ((4 + 400) * 9)},
                        {R"("he_uniform")", depthwise, 30, 2.0 / 25},
                        {R"("xavier_uniform")", depthwise, 30, 2.0 / ((1 + 300) * 25)},
                        {R"("he_normal")", transposed, 20, 2.0 / (20 * 15)},
                        {R"("xavier_normal")", transposed, 20, 2.0 / ((20 + 40) * 15)}};
  for (const auto &[initializer, layer, channels, variance] : cases) {
    INFO(initializer << " of " << layer);
    CHECK(mean_square(kernel(initializer, layer, channels)) == Approx(variance).epsilon(0.06)); // of 7500 samples or more
  }
}

// The distance to the distribution function of a normal distribution between -2 and 2; one in a thousand passes 1.95 / sqrt(n).
TEST_CASE("truncated_normal is a normal distribution without its tails", "[model]") {
  for (DType dtype : {DType::f32, DType::f64}) {
    std::vector<double> drawn = weights(R"({"type": "truncated_normal", "mean": 3, "stddev": 0.5})", 100, 100, dtype);
    std::ranges::sort(drawn);
    CHECK(drawn.front() >= 2);
    CHECK(drawn.back() <= 4);
    double distance = 0;
    for (size_t k = 0; k < drawn.size(); ++k) {
      const double z = (drawn[k] - 3) / 0.5;
      const double below = std::erf(z / std::numbers::sqrt2) / std::erf(std::numbers::sqrt2) / 2 + 0.5;
      distance = std::max(distance, std::fabs(below - (static_cast<double>(k) + 0.5) / 1e4));
    }
    CHECK(distance < 1.95 / 100);
  }
}

/// The largest difference of rows or columns, the fewer of them, from orthonormal ones times `gain`.
double error_of_orthogonal(const std::vector<double> &w, int64_t in, int64_t out, double gain) {
  const int64_t count = std::min(in, out), length = std::max(in, out);
  const auto element = [&](int64_t vector, int64_t k) {
    return w[static_cast<size_t>(in < out ? vector * out + k : k * out + vector)];
  };
  double worst = 0;
  for (int64_t a = 0; a < count; ++a)
    for (int64_t b = 0; b < count; ++b) {
      double product = 0;
      for (int64_t k = 0; k < length; ++k)
        product += element(a, k) * element(b, k);
      worst = std::max(worst, std::fabs(product - (a == b ? gain * gain : 0)));
    }
  return worst;
}

TEST_CASE("orthogonal weights are orthogonal to rounding, of every shape", "[model]") {
  const std::pair<int64_t, int64_t> shapes[] = {{1, 1}, {2, 2}, {1, 7}, {7, 1}, {16, 16}, {5, 40}, {40, 5}, {65, 64}, {100, 100}};
  for (auto [in, out] : shapes)
    for (int64_t seed : {1, 2, 3}) {
      INFO(in << " x " << out << ", seed " << seed);
      CHECK(error_of_orthogonal(weights(R"("orthogonal")", in, out, DType::f64, seed), in, out, 1) < 4e-15);
      CHECK(error_of_orthogonal(weights(R"({"type": "orthogonal", "gain": 2})", in, out, DType::f32, seed), in, out, 2) < 2e-6);
    }
}

TEST_CASE("an orthogonal kernel is an orthogonal matrix with a column for each filter", "[model]") {
  for (const auto &[filters, channels] : {std::pair<int64_t, int64_t>{7, 3}, {40, 2}}) {
    const std::string layer = fmt::format(R"("type": "conv2d", "filters": {}, "kernel_size": 3)", filters);
    CHECK(error_of_orthogonal(kernel(R"("orthogonal")", layer, channels, DType::f64), 9 * channels, filters, 1) < 4e-15);
  }
}

// Of a uniform orthogonal n x n matrix, an element has mean 0 and variance 1 / n, and so has the trace mean 0 and variance 1.
TEST_CASE("orthogonal weights prefer no direction", "[model]") {
  constexpr int64_t kSize = 3, kSeeds = 2000;
  std::vector<double> sums(kSize * kSize), squares(kSize * kSize);
  double traces = 0, determinants = 0;
  for (int64_t seed = 0; seed < kSeeds; ++seed) {
    const std::vector<double> q = weights(R"("orthogonal")", kSize, kSize, DType::f64, seed);
    for (size_t k = 0; k < q.size(); ++k)
      sums[k] += q[k] / kSeeds, squares[k] += q[k] * q[k] / kSeeds;
    traces += std::pow(q[0] + q[4] + q[8], 2) / kSeeds;
    determinants += (q[0] * (q[4] * q[8] - q[5] * q[7]) - q[1] * (q[3] * q[8] - q[5] * q[6]) +
                     q[2] * (q[3] * q[7] - q[4] * q[6])) / kSeeds;
  }
  for (size_t k = 0; k < sums.size(); ++k) {
    CHECK(sums[k] == Approx(0).margin(0.05)); // four standard errors, sqrt(1 / 3 / 2000) = 0.013
    CHECK(squares[k] == Approx(1.0 / 3).margin(0.03)); // the deviation of a square is 0.30
  }
  CHECK(traces == Approx(1).margin(0.13)); // the fourth moment of a trace is 3, so that the deviation of a square is sqrt(2)
  CHECK(determinants == Approx(0).margin(0.1)); // 1 or -1
}

TEST_CASE("sparse weights have as many zeros for every input, in different places", "[model]") {
  constexpr int64_t kIn = 30, kOut = 41;
  const std::vector<double> w = weights(R"({"type": "sparse", "sparsity": 0.9, "stddev": 0.5})", kIn, kOut);
  std::vector<int64_t> of_outputs(kOut);
  std::vector<double> others;
  for (int64_t i = 0; i < kIn; ++i) {
    int64_t zeros = 0;
    for (int64_t o = 0; o < kOut; ++o) {
      const double weight = w[static_cast<size_t>(i * kOut + o)];
      zeros += weight == 0, of_outputs[static_cast<size_t>(o)] += weight == 0;
      if (weight != 0)
        others.push_back(weight);
    }
    CHECK(zeros == 37); // ceil(0.9 * 41)
  }
  CHECK(*std::ranges::min_element(of_outputs) < kIn);
  CHECK(mean_square(others) == Approx(0.25).epsilon(0.35)); // 120 of them
  // Their signs have nothing to do with their choice.
  CHECK(std::ranges::count_if(others, [](double x) { return x < 0; }) == Approx(60).margin(25));
}

TEST_CASE("weights of a file are its numbers, by the name of the parameter or another, in the type of the model", "[model]") {
  TemporaryFolder folder;
  const std::string numbers = runtime::bytes_of<float>({0.1F, -2, 3, 4, 5, 6e-30F}), header =
      R"({"f.weight":{"dtype":"F32","shape":[2,3],"data_offsets":[0,24]},"other":{"dtype":"F64","shape":[2,3],"data_offsets":[24,72]}})";
  const std::string others = runtime::bytes_of<double>({1, 0.1, 1e-300, -1, 2, 3});
  const std::string length = runtime::bytes_of<uint64_t>({header.size()});
  runtime::write_text(folder / "w.safetensors", length + header + numbers + others);
  runtime::write_text(folder / "w.npy", runtime::npy_file(GRADC_F32, {2, 3}, numbers));
  runtime::write_text(folder / "i.npy", runtime::npy_file(GRADC_I32, {2, 3}, runtime::bytes_of<int32_t>({1, 2, 3, 4, 5, -6})));
  const auto read = [&](const std::string &file, const std::string &keys, DType dtype) {
    return weights(fmt::format(R"({{"type": "from_file", "path": "{}"{}}})", folder / file, keys), 2, 3, dtype);
  };
  const std::vector<double> floats = {double{0.1F}, -2, 3, 4, 5, double{6e-30F}};
  for (DType dtype : {DType::f32, DType::f64}) {
    CHECK(read("w.safetensors", "", dtype) == floats);
    CHECK(read("w.npy", "", dtype) == floats);
    CHECK(read("i.npy", "", dtype) == std::vector<double>{1, 2, 3, 4, 5, -6});
  }
  CHECK(read("w.safetensors", R"(, "tensor": "other")", DType::f64) == std::vector<double>{1, 0.1, 1e-300, -1, 2, 3});
  CHECK(read("w.safetensors", R"(, "tensor": "other")", DType::f32) == std::vector<double>{1, double{0.1F}, 0, -1, 2, 3});
  runtime::write_text(folder / "large.npy", runtime::npy_file(GRADC_F64, {2, 3}, runtime::bytes_of<double>({1, 2, 3, 1e39, 4, 5})));
  CHECK(read("large.npy", "", DType::f64)[3] == 1e39);
  CHECK_THROWS_WITH(read("large.npy", "", DType::f32),
                    Catch::EndsWith("large.npy': 1e+39 is too large for f32") && Catch::StartsWith("initial values of 'f.weight': "));
}

TEST_CASE("identity weights leave alone what fits", "[model]") {
  CHECK(weights(R"("identity")", 2, 3) == std::vector<double>{1, 0, 0, 0, 1, 0});
}

} // namespace
} // namespace gradc
