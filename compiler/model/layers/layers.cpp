// The list of layers, and the keys all of them share.
#include "compiler/model/layers/layer.h"
#include "compiler/model/tables/blocks.h"
#include "compiler/model/tables/schedules.h"

#include <algorithm>
#include <fmt/format.h>

namespace gradc {

extern const LayerDef layer_conv1d, layer_conv2d, layer_conv3d, layer_depthwise_conv2d, layer_separable_conv2d, layer_conv_transpose1d,
    layer_conv_transpose2d, layer_max_pool1d, layer_max_pool2d, layer_average_pool1d, layer_average_pool2d;
extern const LayerDef layer_activation, layer_add, layer_alpha_dropout, layer_batch_norm, layer_clip, layer_concat, layer_cropping,
    layer_dense, layer_divide, layer_dropout, layer_expression, layer_flatten, layer_global_average_pool, layer_global_max_pool,
    layer_group_norm, layer_instance_norm, layer_layer_norm, layer_maximum, layer_maxout, layer_mean, layer_minimum, layer_multiply,
    layer_noise, layer_normalize, layer_one_hot, layer_parameter, layer_permute, layer_prelu, layer_rbf, layer_reshape, layer_rms_norm, layer_scale,
    layer_slice, layer_spatial_dropout, layer_split, layer_stack, layer_stochastic_depth, layer_subtract, layer_sum, layer_tile,
    layer_upsample, layer_zero_padding;

const LayerDef &layer_op(); // its keys are those of the ops, a table that has to stand before

const std::vector<const LayerDef *> &all_layers() {
  static const std::vector<const LayerDef *> list = {
      &layer_dense, &layer_activation, &layer_dropout, &layer_flatten, &layer_reshape,
      &layer_add,   &layer_multiply,   &layer_concat,  &layer_scale,
      &layer_one_hot, &layer_prelu,   &layer_maxout,    &layer_rbf,
      &layer_noise, &layer_alpha_dropout, &layer_stochastic_depth, &layer_subtract, &layer_divide, &layer_minimum,
      &layer_maximum, &layer_sum, &layer_mean, &layer_slice, &layer_split, &layer_stack, &layer_tile, &layer_clip,
      &layer_normalize, &layer_expression,
      &layer_conv1d, &layer_conv2d, &layer_conv3d, &layer_depthwise_conv2d, &layer_separable_conv2d, &layer_conv_transpose1d,
      &layer_conv_transpose2d, &layer_max_pool1d, &layer_max_pool2d, &layer_average_pool1d, &layer_average_pool2d,
      &layer_parameter, &layer_op(),
      &layer_batch_norm, &layer_layer_norm, &layer_group_norm, &layer_instance_norm, &layer_rms_norm, &layer_spatial_dropout,
      &layer_permute, &layer_zero_padding, &layer_cropping, &layer_upsample, &layer_global_average_pool, &layer_global_max_pool,
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
        attr::path("name", "what others call its output")
            .otherwise("the type and the position, e.g. dense_0"),
        attr::one_or_list("input", attr::path("", ""), "the layers or inputs it reads")
            .items(1)
            .otherwise("the previous layer; for the first layer the only input that is no label or target"),
        attr::boolean("trainable", "false: training leaves its weights and running statistics as they begin, which --load-partial can set")
            .defaults_to("true"),
        attr::boolean("when", "false: the layer is left out, and whoever reads it reads its only input instead")
            .defaults_to("true"),
        attr::path("share", "the layer of the same type whose weights it uses").otherwise("it has its own, if any"),
        scheduled(attr::number("activity_l1", "adds activity_l1 * sum(|y|) to the loss, y the layer's output, as a mean over the examples; "
                                              "the run-time argument <layer>.activity_l1 when not 0")
                      .at_least(0)
                      .defaults_to("0")),
        scheduled(attr::number("activity_l2", "adds activity_l2 * sum(y^2) likewise").at_least(0).defaults_to("0"))};
    for (const LayerDef *def : all_layers())
      f.types.push_back(&def->spec);
    f.types.push_back(&block_use_spec());
    return f;
  }();
  return family;
}

bool reads_nothing(const LayerDef &def, const JsonValue &attrs) {
  return def.max_inputs == 0 || (def.reads_nothing && def.reads_nothing(attrs));
}

int64_t axis_of(int64_t written, size_t rank) { return written < 0 ? written + static_cast<int64_t>(rank) : written; }

size_t require_axis(const LayerInput &input, const char *key, int64_t written) {
  const int64_t axis = axis_of(written, input.shape.size());
  if (axis < 0 || axis >= static_cast<int64_t>(input.shape.size()))
    throw LayerError(key, fmt::format("'{}' has shape {}; it has no axis {}", input.name, to_string(input.shape), written));
  return static_cast<size_t>(axis);
}

std::vector<size_t> require_axes(const LayerInput &input, const char *key, const std::vector<JsonValue> &written) {
  std::vector<size_t> axes;
  for (const JsonValue &item : written) {
    axes.push_back(require_axis(input, key, item.integer));
    if (std::ranges::count(axes, axes.back()) > 1)
      throw LayerError(key, fmt::format("'{}' names axis {} of '{}' twice", key, axes.back(), input.name));
  }
  std::ranges::sort(axes);
  return axes;
}

std::vector<int64_t> axes_with_batch(const std::vector<JsonValue> &written, size_t rank) {
  std::vector<int64_t> axes;
  for (const JsonValue &item : written)
    axes.push_back(axis_of(item.integer, rank) + 1);
  std::ranges::sort(axes);
  return axes;
}

Shape broadcast_shapes(LayerShapes &l) {
  Shape all = l.inputs[0].shape;
  for (const LayerInput &input : l.inputs) {
    const std::optional<Shape> both = broadcast_shapes(all, input.shape);
    if (both) {
      all = *both;
      continue;
    }
    for (const LayerInput &other : l.inputs) // which of those before does not fit
      if (!broadcast_shapes(other.shape, input.shape))
        throw LayerError("", fmt::format("the shapes {} of '{}' and {} of '{}' do not broadcast: from the right, extents must be "
                                         "equal, or one of them 1",
                                         to_string(other.shape), other.name, to_string(input.shape), input.name));
  }
  return all;
}

std::vector<Var> aligned(const LayerBuild &b) {
  std::vector<Var> inputs;
  for (const Var x : b.inputs) {
    Shape shape = x.shape();
    shape.insert(shape.begin() + 1, b.output.size() + 1 - shape.size(), 1);
    inputs.push_back(reshape(x, std::move(shape)));
  }
  return inputs;
}

Shape equal_shapes(LayerShapes &l) {
  for (const LayerInput &input : l.inputs)
    if (input.shape != l.inputs[0].shape)
      throw LayerError("", fmt::format("the shapes {} of '{}' and {} of '{}' differ",
                                       to_string(l.inputs[0].shape), l.inputs[0].name, to_string(input.shape),
                                       input.name));
  return l.inputs[0].shape;
}

int64_t features(const LayerInput &input) {
  if (input.shape.empty())
    throw LayerError("", fmt::format("needs at least one axis, but '{}' has shape []", input.name));
  return input.shape.back();
}

int64_t positions(const LayerInput &input) {
  features(input); // or there are no channels
  return element_count(Shape(input.shape.begin(), input.shape.end() - 1));
}

Shape LayerBuild::batched(const Shape &shape) const {
  Shape result = {batch};
  result.insert(result.end(), shape.begin(), shape.end());
  return result;
}

} // namespace gradc
