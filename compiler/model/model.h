// A model file, checked and resolved, and the graphs made from it.
#pragma once

#include "compiler/model/json/diagnostics.h"
#include "ir/graph.h"

#include <nlohmann/json_fwd.hpp>

namespace gradc {

struct Attr;
struct LayerDef;
struct LossDef;
struct LossOperand;
struct MetricDef;
struct OptimizerDef;

/// A value of the model: an input when below inputs.size(), else layer number `Source - inputs.size()` of the
/// file.
using Source = size_t;
constexpr Source kNowhere = ~Source{0};

/// What happens to the values of an input before layers see them: x * scale + offset, then, standardized, minus the mean and
/// divided by the deviation of the training examples.
struct Preprocessing {
  double scale = 1, offset = 0;
  bool standardize = false;
  bool changes_values() const { return scale != 1 || offset != 0 || standardize; }
};

struct ModelInput {
  std::string name;
  Shape shape;         // of one example
  DType dtype;         // f32 stands for the float type the model is compiled for
  int64_t classes = 0; // how many, where its values are class labels of a loss
  std::optional<int64_t> ignored = {}; // a label besides that counts nowhere
  std::optional<Domain> domain = {}; // where a loss wants its values to lie, after preprocessing; integers have `classes`
  Preprocessing preprocessing = {};
  std::vector<std::string> labels = {}; // the texts of classes 0, 1, ...; empty: they have none

  /// Where they lie before preprocessing.
  std::optional<Domain> raw_domain() const;
  /// What a caller hands over. Layers see the float type of the model whatever it is.
  DType dtype_in(DType float_dtype) const { return dtype == DType::f32 ? float_dtype : dtype; }
};

struct ModelLayer {
  const LayerDef *def = nullptr;
  std::string name;
  JsonValue attrs; // complete
  std::vector<Source> sources;
  Shape output; // of one example
  bool per_example = true;               // else it is one value for the whole batch, as a parameter is
  DType dtype = DType::f32;              // which stands for the float type the model is compiled for
  std::optional<size_t> weights_of = {}; // the layer whose parameters and buffers it uses; nullopt: it has its own, if any
  int64_t least_batch = 1;               // the fewest examples with which it can be trained
  std::string least_batch_reason = {};   // why it needs more than one
};

struct ModelParam {
  std::string name; // "hidden.weight"
  Shape shape;
  JsonValue initializer;
  size_t layer;
  std::string l1, l2, proximal_l1, noise; // names of the hypers that regularize it; empty: none
  std::optional<JsonValue> constraint;    // which it keeps after every update
  bool spectral_norm = false;             // layers see it divided by its largest singular value
  bool trainable = true;                  // else it stays as it is, without gradient and slots
  double rate_factor = 1, decay_factor = 1; // of the learning rate and the weight decay
};

/// State of a layer that is not trained: entries that see data and compute gradients write it, evaluation and prediction read it.
struct ModelBuffer {
  std::string name; // "norm.running_mean"
  Shape shape;
  size_t layer;
  double initial;              // every element
  std::optional<double> least; // no element is smaller
  bool written;                // by training, else it stays as it is
};

/// The fewest examples of a batch of training.
struct BatchLimit {
  int64_t least = 1;
  std::string reason, location; // which layer wants so many and why, and its place
};

/// A number that can change from call to call.
struct ModelHyper {
  std::string name;
  double value;         // by default
  std::string location; // JSON pointer
  const Attr *attr;     // the number that its key is, which has its limits
  std::optional<JsonValue> schedule = {}; // complete; nullopt: the value is the same in every step
};

struct ModelLoss {
  const LossDef *def;
  JsonValue attrs; // complete
  double weight;
  std::vector<std::optional<Source>> operands; // in the order of its row; nullopt: not given
  std::optional<Source> target;                // the input that the prediction is compared with element by element, or by its classes
  std::optional<Source> example_weights;       // an input
  std::string name;                            // what reports call it, among several: "loss.scores"
  std::vector<Source> named = {};              // of an expression, in the order of its names; it has no operands

  /// Of a loss that is no expression.
  Source prediction() const { return *operands.front(); }
  /// Is the layer its prediction?
  bool judges(Source layer) const { return !operands.empty() && operands.front() == layer; }
  /// What one of the operands of its row is; nullopt: not given.
  std::optional<Source> source_of(const LossOperand &) const;
  /// The integer label that counts nowhere.
  std::optional<int64_t> ignored() const;
  /// Do its terms have weights, so that the loss of a batch is no mean?
  bool is_weighted() const { return example_weights || attrs.find("class_weights") || ignored(); }
};

struct ModelMetric {
  const MetricDef *def;
  const LossDef *loss; // how the target belongs to the prediction
  std::string name;
  Source prediction, target;
  std::optional<int64_t> ignored; // a label that counts nowhere
  std::string average; // how the scores of classes make one; empty: it has none of classes
  bool higher_is_better;
  JsonValue attrs; // complete
  std::vector<Source> named = {}; // of an expression, in the order of its names; it has no loss, prediction and target
};

struct Model {
  std::string name;
  std::string folder; // of the file: relative data paths start here; "" for the current one
  JsonValue document; // the file with every default filled in, and the layers of its blocks in one list
  std::vector<ModelInput> inputs;
  std::vector<ModelLayer> layers; // in file order
  std::vector<size_t> order;      // layers so that each comes after those it reads
  std::vector<ModelLoss> losses;
  std::vector<ModelMetric> metrics;
  std::vector<Source> outputs;
  std::vector<ModelParam> params;
  std::vector<ModelBuffer> buffers;
  std::vector<ModelHyper> hypers; // learning_rate first
  const OptimizerDef *optimizer = nullptr;
  int64_t batch_size = 0;

  bool is_input(Source source) const { return source < inputs.size(); }
  const std::string &name_of(Source) const;
  /// The first loss whose prediction is an output; null when there is none.
  const ModelLoss *loss_of(Source output) const;
  /// The first operand of a loss that an output is; nulls when it is none.
  std::pair<const ModelLoss *, const LossOperand *> operand_of(Source output) const;
  const Shape &shape_of(Source) const; // of one example
  DType dtype_of(Source) const;        // f32 stands for the float type the model is compiled for
  bool is_per_example(Source s) const { return is_input(s) || layers[s - inputs.size()].per_example; }
  /// Does training change the state that a layer uses, which may be another's?
  bool is_trainable(size_t layer) const;
  BatchLimit training_batch() const;
};

/// Reads the file at `path`, or standard input for "-", whose relative paths start at the current folder. An override "train.epochs=3" or "layers.hidden.units=64" replaces or adds one
/// value before anything is checked: keys separated by dots, list items by position or name, the value as
/// JSON or else as a string. All mistakes of the file are reported, those among them that a number is only in the type
/// the model is to be compiled for; nullopt when there are any.
std::optional<Model> load_model(const std::string &path, const std::vector<std::string> &overrides,
                                Diagnostics &diagnostics, DType float_dtype = DType::f32);
/// The same for text already in memory; `path` names it in messages and gives the folder.
std::optional<Model> load_model_text(std::string text, const std::string &path,
                                     const std::vector<std::string> &overrides, Diagnostics &diagnostics,
                                     DType float_dtype = DType::f32);

/// The place of a JSON pointer such as "/layers/0" in the sources, for errors found after loading.
std::optional<Span> find_location(const Model &, std::string_view pointer);
/// The N of "/layers/N" and of what is inside it, for the list "/layers"; nullopt for any other place.
std::optional<size_t> index_in(std::string_view list, std::string_view pointer);

/// The functions of a compiled model; runtime/gradc.h says what each does.
enum class Entry : uint8_t { init, fit, calibrate, train_step, grad_step, accumulate_step, apply, evaluate, predict, schedule };
constexpr Entry kEntries[] = {Entry::init,            Entry::fit,   Entry::calibrate, Entry::train_step, Entry::grad_step,
                              Entry::accumulate_step, Entry::apply, Entry::evaluate,  Entry::predict,    Entry::schedule};
std::string_view to_string(Entry);
std::optional<Entry> parse_entry(std::string_view);
/// Does the entry read examples? Those that do not are built with batch 0.
bool takes_examples(Entry);
/// Does it write gradients that another entry reads, or read them?
bool gradients_cross(Entry);
/// Has the model anything for the entry to do? `accumulate_step` is there where the optimizer accumulates gradients, `fit` where an
/// input is standardized, `calibrate` where an initializer sees data, `schedule` where a hyper changes from step to step, the others
/// always.
bool has_entry(const Model &, Entry);
std::vector<Entry> entries_of(const Model &);

/// The graph of an entry for `batch` examples. Every entry declares the model's inputs, scalars (seed, step,
/// total_steps, the hypers), parameters and slots in the same order, so that their positions agree; gradients
/// only where they cross. Throws NotDifferentiable, or Error when a tensor of this batch is too large, a layer cannot be trained
/// with so few examples, or the model has no such entry.
Graph build_graph(const Model &, Entry, int64_t batch, DType float_dtype = DType::f32);
/// Do evaluation and prediction read the averages of the parameters?
bool uses_averages(const Model &);
/// Forward and loss before differentiation.
/// Is the loss over many batches more than the mean of their losses, because it has several parts or its terms have weights?
bool has_parts(const Model &);
Graph build_forward(const Model &, int64_t batch, DType float_dtype = DType::f32);

/// What a compiled model says about itself, as JSON: {"gradc", "name", "dtype", "model": the resolved file, "inputs": {name:
/// {"shape", "dtype", "classes"?, "ignored"?, "domain"?: {"least"?, "most"?, "row"?: {"elements", "least", "most"}}, "labels"?,
/// "standardize"?}}, "outputs": [{"name", "classes_of"?, "yes_no"?}], "features": [names of the inputs that the outputs depend on],
/// "optimizer": its type and slots, "accumulate": batches for an update, "frozen": [names of parameters], "data_folder"?,
/// "least_batch"?: {"rows", "reason", "location"}: the fewest examples of a batch of training, if more than one, and the layer's place,
/// "scheduled": [names of hypers], "plateaus"?: {name of a hyper that the training loop lowers: its schedule},
/// "calibrate"?: true where the model has that entry,
/// "metrics": [{"name", "kind", "terms", ...}]}. How a metric follows from its terms stands in runtime/train/metric_kinds.h.
/// "data_folder" is where relative data paths start, as seen from the folder of the library; it is left out where that is the same
/// or the model names no data.
std::string signature(const Model &, DType float_dtype = DType::f32, const std::string &data_folder = "");

/// "adam m v": the type of the optimizer and its slots. State fits a model that says the same.
std::string optimizer_state(const Model &);

struct SummaryRow {
  std::string name, type;
  Shape output; // of one example
  int64_t params = 0;
  double flops = 0; // of a train step; a multiply-add counts as 2
  int64_t bytes =
      0; // what contractions, reductions and updates of a train step read and write; the rest can be fused
};
/// One row a layer, in file order; then "loss" and "optimizer".
std::vector<SummaryRow> summary(const Model &, int64_t batch, DType float_dtype = DType::f32);

/// The JSON Schema (draft-07) of the model format.
nlohmann::ordered_json schema();
/// The reference of the model format, as Markdown.
std::string reference_markdown();

} // namespace gradc
