// Convolutions and pools beyond what tests/reference/values.json has of them: second derivatives, and the graphs they become.
#include "compiler/model/model.h"
#include "passes/differentiate.h"
#include "tests/support/gradient_check.h"
#include "tests/support/models.h"

#include <catch2/catch.hpp>

#include <algorithm>
#include <fmt/format.h>

namespace gradc {
namespace {

using namespace tests;

/// Layers that read x, and then a layer of two units.
Model model_with(const std::string &shape, const std::string &layers) {
  return model_of(fmt::format(R"({{
    "inputs": {{"x": {{"shape": {}}}, "y": {{"shape": [2]}}}},
    "layers": [{}, {{"name": "flat", "type": "flatten"}}, {{"name": "out", "type": "dense", "units": 2}}],
    "loss": {{"type": "mse", "target": "y"}}}})",
                              shape, layers));
}

std::vector<Value> parameters_of(const Graph &graph) {
  std::vector<Value> params;
  for (size_t v = 0; v < graph.nodes.size(); ++v)
    if (graph.nodes[v].role == Role::param && graph.nodes[v].is_declaration())
      params.push_back(static_cast<Value>(v));
  return params;
}

/// Numbers of which no two are close to each other.
Bindings spread_out(const Graph &graph, Rng &rng) {
  Bindings values;
  for (const Node &node : graph.nodes)
    if (node.is_declaration()) {
      Tensor tensor(node.type);
      std::vector<int64_t> order(static_cast<size_t>(node.type.elements()));
      for (size_t i = 0; i < order.size(); ++i)
        order[i] = static_cast<int64_t>(i);
      std::shuffle(order.begin(), order.end(), rng);
      for (int64_t i = 0; is_float(node.type.dtype) && i < node.type.elements(); ++i)
        tensor.set(i,
                   1.7 * (static_cast<double>(2 * order[static_cast<size_t>(i)] + 1) / static_cast<double>(order.size()) - 1));
      values.emplace(node.name, std::move(tensor));
    }
  return values;
}

TEST_CASE("second derivatives of convolutions and pools agree with finite differences", "[model]") {
  const std::pair<std::string, std::string> cases[] = {
      {"[5,4,2]",
       R"({"type": "conv2d", "filters": 2, "kernel_size": [3, 2], "strides": 2, "padding": "same", "activation": "tanh", "input": "x"})"},
      {"[4,4,2]",
       R"({"type": "conv2d", "filters": 4, "kernel_size": 2, "dilation": 2, "groups": 2, "padding": 1, "activation": "tanh", "input": "x"})"},
      {"[4,3,2]",
       R"({"type": "depthwise_conv2d", "kernel_size": 2, "depth_multiplier": 2, "activation": "tanh", "input": "x"})"},
      {"[3,3,2]", R"({"type": "separable_conv2d", "filters": 2, "kernel_size": 2, "activation": "tanh", "input": "x"})"},
      {"[3,2,2]",
       R"({"type": "conv_transpose2d", "filters": 2, "kernel_size": 3, "strides": 2, "padding": 1, "output_padding": 1, "activation": "tanh",
                      "input": "x"})"},
      {"[5,2]",
       R"({"type": "conv_transpose1d", "filters": 2, "kernel_size": 4, "strides": 2, "groups": 2, "activation": "tanh", "input": "x"})"},
      {"[2,3,2,1]",
       R"({"type": "conv3d", "filters": 2, "kernel_size": 2, "padding": "same", "activation": "tanh", "input": "x"})"},
      // Of one channel and a kernel of 1, so that the largest of a window stays it for all weights near these.
      {"[6,5,1]", R"({"type": "conv2d", "filters": 2, "kernel_size": 1, "activation": "tanh", "input": "x"},
                     {"type": "max_pool2d", "pool_size": 3, "strides": 2, "padding": 1})"},
      {"[6,5,1]", R"({"type": "conv2d", "filters": 2, "kernel_size": 2, "activation": "tanh", "input": "x"},
                     {"type": "average_pool2d", "pool_size": 3, "strides": 2, "padding": "same"})"},
  };
  Rng rng(7);
  for (const auto &[shape, layers] : cases) {
    INFO(layers);
    Graph graph = build_forward(model_with(shape, layers), 2, DType::f64);
    const std::vector<Value> params = parameters_of(graph);
    Bindings values = spread_out(graph, rng);
    const std::vector<Value> gradients = differentiate(graph, graph.returns[0].value, params);
    std::optional<Value> mixed; // a number on which every gradient has its own influence
    for (Value gradient : gradients) {
      const Value part = weighted_sum(graph, gradient, values, rng);
      mixed = mixed ? graph.add("add", {*mixed, part}) : part;
    }
    const GradientCheck check = check_gradients(graph, *mixed, params, values);
    INFO(check.worst);
    CHECK(check.error < 1e-7);
  }
}

/// The ops of the layer, one behind the other, without views, constants and the bias.
std::string ops_of(const std::string &shape, const std::string &layer) {
  const Graph graph = build_forward(model_with(shape, layer), 4);
  std::string text;
  for (const Node &node : graph.nodes)
    if (!node.is_declaration() && node.location == "/layers/0" && node.op->name != "reshape" && node.op->kind != OpKind::source)
      text += fmt::format("{}{}{}", text.empty() ? "" : " ", node.op->name,
                          node.attrs.contains("indices") ? " " + string_attr(node.attrs, "indices") : "");
  return text;
}

TEST_CASE("a convolution is one contraction, a pool a view and a reduction", "[model]") {
  const auto conv = [](const std::string &type, const std::string &keys) {
    return fmt::format(R"({{"type": "{}", "use_bias": false, "input": "x", {}}})", type, keys);
  };
  CHECK(ops_of("[16,16,16]", conv("conv2d", R"("filters": 32, "kernel_size": 3, "strides": 2, "padding": 1)")) ==
        "contract n(2p+r-1)(2q+s-1)c,rsco->npqo");
  CHECK(ops_of("[9,4,2]", conv("conv2d", R"("filters": 3, "kernel_size": 1)")) == "contract npqc,co->npqo");
  CHECK(ops_of("[9,4,2]", conv("conv2d", R"("filters": 3, "kernel_size": [1, 3], "strides": [2, 1])")) ==
        "contract n(2p)(q+s)c,sco->npqo");
  CHECK(ops_of("[9,4,6]", conv("conv2d", R"("filters": 9, "kernel_size": 2, "groups": 3)")) ==
        "contract n(p+r)(q+s)gc,rscgo->npqgo");
  CHECK(ops_of("[9,4,6]", conv("depthwise_conv2d", R"("kernel_size": 2)")) == "contract n(p+r)(q+s)g,rsg->npqg");
  CHECK(ops_of("[9,4,6]", conv("depthwise_conv2d", R"("kernel_size": 2, "depth_multiplier": 2)")) ==
        "contract n(p+r)(q+s)g,rsgo->npqgo");
  CHECK(ops_of("[5,5,5,1]", conv("conv3d", R"("filters": 2, "kernel_size": 2, "dilation": 2)")) ==
        "contract n(p+2r)(q+2s)(2t+u)c,rstco->npquo");
  CHECK(ops_of("[8,2]", R"({"type": "max_pool1d", "input": "x"})") == "window n(2p+r)c->nprc max");
  CHECK(ops_of("[8,2]", R"({"type": "average_pool1d", "pool_size": 3, "strides": 1, "input": "x"})") ==
        "window n(p+r)c->nprc sum div");
}

TEST_CASE("a transposed convolution is one contraction a phase", "[model]") {
  const auto transposed = [](int64_t kernel, int64_t stride) {
    return ops_of(
        "[64,3]",
        fmt::format(
            R"({{"type": "conv_transpose1d", "filters": 2, "kernel_size": {}, "strides": {}, "use_bias": false, "input": "x"}})",
            kernel, stride));
  };
  CHECK(transposed(3, 1) == "contract n(h-r)c,rco->nho");
  CHECK(transposed(4, 2) == "slice contract n(h-r)c,rco->nho slice contract n(h-r)c,rco->nho interleave");
}

} // namespace
} // namespace gradc
