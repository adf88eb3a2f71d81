// The working state of link(): one class, its stages in link_layers.cpp, link_losses.cpp and linker.cpp.
#pragma once

#include "compiler/model/linking/linker.h"

#include <functional>
#include <map>
#include <set>

namespace gradc {

struct ExpressionError;

/// A reference and where it stands.
struct Reference {
  Source source = kNowhere;
  Span span;
  std::optional<size_t> alias = {}; // the number of what is no layer: a block, an input of one, or a layer that is left out
};

class Linker {
public:
  Linker(Model &model, const JsonValue &raw, const ExpandedLayers &expanded, Diagnostics &diagnostics)
      : model_(model), raw_(raw), expanded_(expanded), diagnostics_(diagnostics) {}
  void run();

private:
  void declare_inputs();
  void declare_layers();
  void declare_aliases();
  /// Finds what aliases stand for, each once, so that what is wrong with one is reported once.
  void link_aliases();
  /// What one stands for that is no name.
  Source source_of(const Operand &, Span span, const std::string &context);
  /// The reference of that name, seen from a layer of that scope; null when there is none.
  Reference *lookup(const std::string &name, const std::string &scope);
  Reference &declare(const std::string &name, Span span, Source source, std::string_view what);
  void link_layers();
  void link_inputs(size_t index);
  /// The name of the layer or input that a name stands for, seen from a layer of that scope.
  std::string in_full(const std::string &name, const std::string &scope);
  std::string expression_in_full(std::string text, const std::string &scope);
  /// The completed document has one list of layers, so names in it are those of that list. What they lead to is known.
  void write_names(size_t index);
  void write_names_in_document();
  Source sole_feature(Span span, const std::string &context);
  void sort_layers();
  /// What could not be sorted lies on a cycle or behind one. Walking backwards among it ends on a cycle.
  void report_cycles(std::vector<bool> done);
  static bool on(const std::vector<size_t> &path, size_t layer);
  /// False after a message.
  bool fits_memory(const Shape &shape, Span span, const std::string &context);
  void infer_shapes();
  bool infer_shape(size_t index);
  void declare_state(size_t index, const LayerShapes &shapes);
  /// Puts the layers into the document.
  void complete_layers();
  /// Losses and metrics compute on floats.
  void check_judged();
  void link_shares();
  void link_share(size_t index, const JsonValue &name);
  /// The layer has the weights of another as its block has.
  void link_block_share(size_t index, const SharedLayer &);
  /// False after a message that the layer cannot have the weights of `owner`.
  bool can_share(size_t index, size_t owner, Span span, const std::string &context);
  /// The numbers of the parameters whose names match; a message where a pattern matches none.
  std::vector<size_t> matching(const JsonValue &patterns, const std::string &context);
  void link_groups(const JsonValue &optimizer);
  /// A layer; kNowhere after a message when it is an input.
  Source find_prediction(const JsonValue &name, const std::string &context);
  Source find_target(const JsonValue &name, const std::string &context);
  /// The inputs that the expression of a loss names are no features by themselves. False where a name leads nowhere.
  bool link_targets_in(const std::string &text);
  /// A mistake in a string that holds an expression.
  void error_in(const JsonValue &text, const ExpressionError &, const std::string &context);
  /// What the names of an expression are, in their order; kNowhere among them after a message.
  std::vector<Source> find_operands(const JsonValue &text, const std::string &context,
                                    const std::function<bool(Source)> &suitable, const std::string &scope = "");
  /// The same for a loss or a metric, with the shapes checked; empty after a message.
  std::vector<Source> link_expression(const JsonValue &text, const std::string &context);
  /// An input, a layer, or either; kNowhere after a message when it is the other.
  Source find_operand(const LossOperand &, const JsonValue &name, const std::string &context);
  void link_losses();
  void link_expression_loss(ModelLoss, const JsonValue &text, const std::string &context);
  /// False after a message.
  bool link_operands(JsonValue &attrs, ModelLoss &, const std::string &context);
  bool one_of_two(const LossOperand &, const JsonValue &attrs, const std::string &context);
  void link_weights(ModelLoss &, const std::string &context);
  void list_class_weights(ModelLoss &, const std::string &context);
  void check_lists(const ModelLoss &, const std::string &context);
  std::string fresh_loss_name(const std::string &what) const;
  void check_operands(ModelLoss &, const std::string &context);
  /// False after a message.
  bool check_pair(const LossDef &def, const LossOperand &, const Shape &wanted, Source prediction, Source source, Span span,
                  const std::string &context);
  void restrict_input(ModelInput &input, const LossOperand &, const Shape &wanted, std::optional<int64_t> ignored);
  /// Losses from logits apply the squashing function themselves.
  void check_logits(const LossDef &def, Source prediction, Span span, const std::string &context);
  void link_metrics();
  void link_metric(JsonValue &attrs, const std::string &name, const std::string &context);
  void link_expression_metric(const JsonValue &attrs, const JsonValue &text, const std::string &name,
                              const std::string &context);
  void link_outputs();
  /// False when it is one already.
  bool add_output(Source s);
  /// The input or layer of that name, seen from a layer of that scope; kNowhere when there is none, after a message that a
  /// `what` is missing, which proposes one that is `suitable`.
  Source find(const JsonValue &name, const std::string &context, std::string_view what,
              const std::function<bool(Source)> &suitable, const std::string &scope = "");
  /// The losses' targets, before the layers: they tell features from labels.
  void link_targets();
  const std::vector<JsonValue> &list(std::string_view key) const;
  static JsonValue *mutable_member(JsonValue &object, std::string_view key);
  /// Everything `roots` are computed from, themselves included; or, of that, what gradients of the roots reach, which flow
  /// through no integers and truth values.
  std::set<Source> reach(std::vector<Source> roots, bool by_gradients = false) const;
  bool has_trained_weights(size_t layer) const;
  void check_use();
  /// What stands in the place of a run-time argument: a number or a schedule.
  ModelHyper hyper(std::string name, const JsonValue &value, std::string location, const Attr &attr, const std::string &context);
  void collect_hypers();
  void error(Span span, std::string message) { diagnostics_.error(span, std::move(message)); }

  Model &model_;
  const JsonValue &raw_;
  const ExpandedLayers &expanded_;
  Diagnostics &diagnostics_;
  std::map<std::string, Reference> names_;           // the first of each
  bool names_complete_ = true;                       // false when an input or a layer is so wrong that its name is unknown
  std::vector<bool> known_;                          // per Source: is its shape known?
  std::set<Source> targets_;                         // of losses
  bool targets_known_ = true;                        // false when a loss is wrong
  std::map<size_t, std::vector<ModelParam>> params_; // by layer
  std::map<size_t, std::vector<ModelBuffer>> buffers_;
  std::map<size_t, std::vector<ModelHyper>> hypers_;
};

} // namespace gradc
