#include "tests/bench/convolutions.h"

#include "ir/text/text.h"
#include "passes/differentiate.h"

#include <fmt/format.h>

namespace gradc::bench {

std::string convolution_text(const Convolution &c, std::string_view form) {
  Graph graph;
  graph.name = "conv";
  const Value x = graph.declare(Role::input, "x", {DType::f32, {c.n, c.size, c.size, c.in}});
  const Value w = graph.declare(Role::input, "w", {DType::f32, {c.k, c.k, c.in, c.out}});
  const Type result{DType::f32, {c.n, c.result(), c.result(), c.out}};
  const std::string stride = c.stride == 1 ? "" : std::to_string(c.stride);
  const std::string pad = c.pad() == 0 ? "" : "-" + std::to_string(c.pad());
  const std::string indices = fmt::format("n({0}p+r{1})({0}q+s{1})c,rsco->npqo", stride, pad);
  const Value y = graph.add("contract", {x, w}, {{"indices", indices}}, "", result);
  if (form == "forward") {
    graph.returns = {{"result", y}};
    return print(graph);
  }
  const Value dy = graph.declare(Role::input, "dy", result);
  const Value loss = graph.add("sum", {graph.add("mul", {y, dy})}, {{"axes", std::vector<int64_t>{0, 1, 2, 3}}});
  graph.returns = {{"result", differentiate(graph, loss, {form == "data" ? x : w})[0]}};
  return print(graph);
}

} // namespace gradc::bench
