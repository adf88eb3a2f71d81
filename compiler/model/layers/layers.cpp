// The list of layers, and the keys all of them share.
#include "compiler/model/layers/layer.h"

#include <fmt/format.h>

namespace gradc {

extern const LayerDef layer_activation, layer_add, layer_concat, layer_dense, layer_dropout, layer_expression, layer_flatten,
    layer_multiply, layer_one_hot, layer_reshape, layer_scale;

const std::vector<const LayerDef *> &all_layers() {
  static const std::vector<const LayerDef *> list = {
      &layer_dense, &layer_activation, &layer_dropout, &layer_flatten, &layer_reshape,
      &layer_add,   &layer_multiply,   &layer_concat,  &layer_scale,
      &layer_one_hot, &layer_expression,
  };
  return list;
}

const LayerDef *find_layer(std::string_view type) {
  for (const LayerDef *def : all_layers())
    if (def->spec.name == type)
      return def;
  return nullptr;
}

const Family &layers() {
  static const Family family = [] {
    Family f{"layer", "A step of the computation. The batch is implicit: shapes are those of one example."};
    f.common = {
        attr::name("name", "what others call its output")
            .otherwise("the type and the position, e.g. dense_0"),
        attr::one_or_list("input", attr::name("", ""), "the layers or inputs it reads")
            .items(1)
            .otherwise("the previous layer; for the first layer the only input that is no label or target"),
        attr::boolean("trainable", "false: training leaves its weights as they begin, which --load-partial can set")
            .defaults_to("true")};
    for (const LayerDef *def : all_layers())
      f.types.push_back(&def->spec);
    return f;
  }();
  return family;
}

void require_equal_shapes(const LayerShapes &l) {
  for (const LayerInput &input : l.inputs)
    if (input.shape != l.inputs[0].shape)
      throw LayerError("", fmt::format("the shapes {} of '{}' and {} of '{}' differ",
                                       to_string(l.inputs[0].shape), l.inputs[0].name, to_string(input.shape),
                                       input.name));
}

Shape LayerBuild::batched(const Shape &shape) const {
  Shape result = {batch};
  result.insert(result.end(), shape.begin(), shape.end());
  return result;
}

} // namespace gradc
