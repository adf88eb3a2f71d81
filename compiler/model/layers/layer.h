// What a layer is: its attributes, its shape rule and its expansion into primitive ops, in one file of the folders
// beside this one.
#pragma once

#include "compiler/model/tables/attributes.h"
#include "ir/error.h"
#include "ir/formula.h"

#include <functional>

namespace gradc {

/// A layer cannot take what it is given. `key` is the attribute to point at; "" means its inputs.
struct LayerError : Error {
  LayerError(std::string key, const std::string &message) : Error(message), key(std::move(key)) {}
  std::string key;
};

/// A trainable tensor of a layer.
struct LayerParam {
  std::string name; // "weight"
  Shape shape;
  JsonValue initializer; // resolved
  std::string l1 = {}, l2 = {}, proximal_l1 = {}, noise = {}; // names of the hypers that regularize it; empty: none
  std::optional<JsonValue> constraint = {};                   // resolved
  bool spectral_norm = false;
  bool linear = false; // the output before the bias is linear in it
};

/// State of a layer that is not trained: training writes what data say, and all that comes after reads it.
struct LayerBuffer {
  std::string name; // "running_mean"
  Shape shape;
  double initial;                   // every element
  std::optional<double> least = {}; // no element is smaller; a file that brings such is refused
};

/// A number of a layer that can change without recompiling.
struct LayerHyper {
  std::string name; // "rate"
  double value;
};

struct LayerInput {
  std::string name; // of the layer or input that makes it
  Shape shape;      // of one example
  DType dtype;      // f32 stands for the float type the model is compiled for
  bool per_example; // else it is one value for the whole batch, as a parameter is
};

/// What a shape rule works with. It also declares the layer's state and may complete the attributes.
struct LayerShapes {
  JsonValue &attrs;
  std::vector<LayerInput> inputs;
  std::vector<LayerParam> params = {};
  std::vector<LayerHyper> hypers = {};
  bool per_example = true;  // is the output? As it comes, whether one of the inputs is.
  DType dtype = DType::f32; // of the output, likewise
  std::vector<LayerBuffer> buffers = {};
  int64_t least_batch = 1;             // the fewest examples with which it can be trained
  std::string least_batch_reason = {}; // why it needs more than one
};

/// What an expansion works with. Values have the batch in front. One value for the whole batch is repeated for each example
/// where another input of the layer is per example; else the layer sees a batch of one.
struct LayerBuild {
  const JsonValue &attrs;
  const Shape &output; // of one example
  int64_t batch;
  DType dtype; // of the model's floats, and of the output
  std::vector<Var> inputs;
  bool training;
  int64_t stream; // of this layer's random numbers
  Var seed, step;
  std::function<Var(std::string_view)> param;
  /// What a parameter makes that is `linear`, as layers behind see it: the entry `calibrate` scales both.
  std::function<Var(std::string_view, Var)> calibrated;
  std::function<Var(std::string_view)> hyper; // in the dtype of the model
  /// Are its parameters trained and its buffers written? If not, it is in training what it is in prediction.
  bool trainable;
  /// A buffer: in training as the layers before that use the same have left it, else the average where the model says so.
  std::function<Var(std::string_view)> buffer;
  /// Its new value, in training and of a layer that is `trainable` only.
  std::function<void(std::string_view, Var)> write;

  Shape batched(const Shape &shape) const;
};

struct LayerDef {
  ObjectSpec spec;
  size_t min_inputs, max_inputs;
  /// The shape of one example's output. Throws LayerError.
  Shape (*shapes)(LayerShapes &);
  Var (*build)(const LayerBuild &);
  bool reads_integers = false; // else it is an error of the file that an input holds any
  /// Its expansion sees values as the graph has them: of any type, and without a batch where they are one for the whole batch.
  /// So is its result.
  bool reads_values_as_they_are = false;
  bool (*reads_nothing)(const JsonValue &attrs) = nullptr; // true: without 'input' it does not read the layer before it
};

/// Has the layer no inputs where none are named?
bool reads_nothing(const LayerDef &, const JsonValue &attrs);

constexpr size_t kAnyNumber = ~size_t{0};
constexpr int64_t kMaxLayers = 10000; // of a model, with those of its blocks

/// Every layer; the list is in layers.cpp.
const std::vector<const LayerDef *> &all_layers();
/// Null when there is none of that type.
const LayerDef *find_layer(std::string_view type);
const Family &layers();

/// An axis among those of an example of that rank, counted from the front. A negative one counts from the end.
int64_t axis_of(int64_t written, size_t rank);
/// The axis that a key of the layer has, or an item of the list that it has, counted from the front. Throws LayerError when the
/// input has no such axis.
size_t require_axis(const LayerInput &, const char *key, int64_t written);

/// The axes that a key of the layer lists, each once and ascending, counted from the front. Throws LayerError when the input lacks
/// one or it is listed twice.
std::vector<size_t> require_axes(const LayerInput &, const char *key, const std::vector<JsonValue> &written);
/// Those axes where a value has the batch in front; `rank` is that of an example.
std::vector<int64_t> axes_with_batch(const std::vector<JsonValue> &written, size_t rank);

/// What the shapes of all inputs broadcast to, aligned from the right as NumPy has it, as a shape rule. Throws LayerError, naming
/// two layers and their shapes, where they do not.
Shape broadcast_shapes(LayerShapes &);
/// The inputs with axes of extent 1 behind the batch, so that operators broadcast them.
std::vector<Var> aligned(const LayerBuild &);
/// The shape that all inputs have, as a shape rule. Throws LayerError, naming two layers and their shapes, where there is none.
Shape equal_shapes(LayerShapes &);
/// The extent of the last axis. Throws LayerError where there is none.
int64_t features(const LayerInput &);
/// How many values of each channel an example has: the product of all extents but the last.
int64_t positions(const LayerInput &);

} // namespace gradc
