// What each layer costs, counted on the graph of a train step itself.
#include "compiler/model/layers/layer.h"
#include "compiler/model/tables/losses.h"
#include "compiler/model/model.h"
#include "compiler/model/tables/optimizers.h"
#include "ir/einsum.h"
#include "ir/op.h"
#include "passes/dce.h"

#include <algorithm>

namespace gradc {
namespace {

/// "bi,io->bo" names every axis of the product; their extents multiplied are the multiply-adds.
double multiply_adds(const Graph &graph, const Node &node) {
  const Einsum e = parse_einsum(string_attr(node.attrs, "indices"));
  const Shape &a = graph.type(node.inputs[0]).shape, &b = graph.type(node.inputs[1]).shape;
  const LetterExtents extents = einsum_extents(e, a, b, &node.type.shape);
  double product = 1;
  for (int64_t extent : extents.of(e.out + e.contracted()))
    product *= static_cast<double>(extent);
  return product;
}

double flops_of(const Graph &graph, const Node &node) {
  switch (node.op->kind) {
  case OpKind::contraction:
    return 2 * multiply_adds(graph, node);
  case OpKind::reduction:
    return static_cast<double>(graph.type(node.inputs[0]).elements());
  case OpKind::elementwise:
    return static_cast<double>(node.type.elements());
  default:
    return 0;
  }
}

int64_t bytes_of(const Graph &graph, const Node &node) {
  if (node.op->kind != OpKind::contraction && node.op->kind != OpKind::reduction)
    return 0;
  int64_t bytes = node.type.bytes();
  for (Value input : node.inputs)
    bytes += graph.type(input).bytes();
  return bytes;
}

/// The row of a place in the model: its layer, or the loss, or the optimizer.
size_t row_of(const std::string &location, size_t layers) {
  if (location.starts_with("/optimizer"))
    return layers + 1;
  return std::min(index_in("/layers", location).value_or(layers), layers);
}

} // namespace

std::vector<SummaryRow> summary(const Model &model, int64_t batch, DType float_dtype) {
  std::vector<SummaryRow> rows;
  for (const ModelLayer &layer : model.layers)
    rows.push_back({layer.name, std::string(layer.def->spec.name), layer.output});
  rows.push_back({"loss", std::string(model.losses[0].def->spec.name), {}});
  rows.push_back({"optimizer", std::string(model.optimizer->spec.name), {}});
  for (const ModelParam &param : model.params)
    rows[param.layer].params += element_count(param.shape);

  Graph graph = build_graph(model, Entry::train_step, batch, float_dtype);
  dce(graph); // gradients nobody asks for, such as those of the inputs
  for (const Node &node : graph.nodes)
    if (!node.is_declaration() && !node.location.starts_with("/inputs/")) { // preprocessing belongs to no layer
      SummaryRow &row = rows[row_of(node.location, model.layers.size())];
      row.flops += flops_of(graph, node);
      row.bytes += bytes_of(graph, node);
    }
  for (const Update &update : graph.updates) // read and written
    rows.back().bytes += 2 * graph.type(update.target).bytes();
  return rows;
}

} // namespace gradc
