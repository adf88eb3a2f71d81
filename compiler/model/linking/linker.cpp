// The stages of linking in their order; references by name, and what is never used.
#include "compiler/model/linking/linker.h"

#include "compiler/model/layers/layer.h"
#include "compiler/model/linking/linker_state.h"
#include "compiler/model/tables/losses.h"
#include "compiler/model/tables/optimizers.h"
#include "compiler/model/tables/schedules.h"
#include "compiler/model/linking/resolve.h"
#include "ir/suggest.h"

#include <algorithm>
#include <fmt/format.h>

namespace gradc {

void link(Model &model, const JsonValue &raw, Diagnostics &diagnostics) {
  Linker(model, raw, diagnostics).run();
}

void Linker::run() {
  declare_inputs();
  declare_layers();
  link_targets(); // before the layers: they tell features from labels
  link_layers();
  sort_layers();
  infer_shapes();
  link_losses();
  link_metrics();
  link_outputs();
  check_use();
  collect_hypers();
  check_data(model_, known_, diagnostics_);
}

Source Linker::find(const JsonValue &name, const std::string &context, std::string_view what,
                    const std::function<bool(Source)> &suitable) {
  auto found = names_.find(name.text);
  if (found != names_.end())
    return found->second.source;
  if (!names_complete_)
    return kNowhere; // it may be the one whose declaration is wrong
  std::vector<std::string_view> candidates;
  for (const auto &[candidate, reference] : names_)
    if (suitable(reference.source))
      candidates.push_back(candidate);
  error(name.span, fmt::format("{}: there is no {} '{}'{}", context, what, name.text,
                               did_you_mean(name.text, candidates)));
  return kNowhere;
}

void Linker::link_targets() {
  targets_known_ = !list("loss").empty();
  for (const JsonValue &loss : list("loss")) {
    targets_known_ &= loss.valid;
    if (!loss.valid)
      continue;
    for (const LossOperand &operand : find_loss(loss.string_at("type")).operands) {
      const JsonValue *name = operand.reads == LossOperand::Reads::layer ? nullptr : loss.find(operand.key);
      const auto found = name ? names_.find(name->text) : names_.end();
      if (found != names_.end() && model_.is_input(found->second.source))
        targets_.insert(found->second.source);
      else if (name && (found == names_.end() || operand.reads == LossOperand::Reads::input))
        targets_known_ = false;
    }
  }
}

const std::vector<JsonValue> &Linker::list(std::string_view key) const {
  static const std::vector<JsonValue> none;
  const JsonValue *value = model_.document.find(key);
  return value ? value->items : none;
}

JsonValue *Linker::mutable_member(JsonValue &object, std::string_view key) {
  for (JsonMember &member : object.members)
    if (member.key == key)
      return &member.value;
  return nullptr;
}

std::set<Source> Linker::reach(std::vector<Source> roots) const {
  std::set<Source> reached;
  while (!roots.empty()) {
    const Source s = roots.back();
    roots.pop_back();
    if (s == kNowhere || !reached.insert(s).second || model_.is_input(s))
      continue;
    const auto &sources = model_.layers[s - model_.inputs.size()].sources;
    roots.insert(roots.end(), sources.begin(), sources.end());
  }
  return reached;
}

bool Linker::has_trained_weights(size_t layer) const {
  const auto found = params_.find(layer);
  return found != params_.end() && std::ranges::any_of(found->second, &ModelParam::trainable);
}

void Linker::check_use() {
  if (diagnostics_.has_errors())
    return; // where a reference is wrong, what it should have named looks unused
  std::vector<Source> judged, used = model_.outputs;
  for (const ModelLoss &loss : model_.losses) {
    for (const std::optional<Source> &operand : loss.operands)
      if (operand)
        (model_.is_input(*operand) ? used : judged).push_back(*operand);
    if (loss.example_weights)
      used.push_back(*loss.example_weights);
  }
  for (const ModelMetric &metric : model_.metrics)
    used.insert(used.end(), {metric.prediction, metric.target});
  used.insert(used.end(), judged.begin(), judged.end());
  const std::set<Source> reached = reach(used), trained = reach(judged);
  for (const auto &[name, reference] : names_) {
    const bool input = model_.is_input(reference.source);
    const std::string what = fmt::format("{} '{}'", input ? "input" : "layer", name);
    const bool untrained = !input && has_trained_weights(reference.source - model_.inputs.size()) &&
                           !trained.contains(reference.source);
    if (!reached.contains(reference.source))
      error(reference.span, what + ": never used; remove it" + (input || untrained ? "" : " or name it in 'outputs'"));
    else if (untrained)
      error(reference.span, what + ": no loss depends on its weights, so they cannot be trained");
  }
}

void Linker::collect_hypers() {
  const JsonValue *optimizer = model_.document.find("optimizer");
  if (!optimizer || !optimizer->valid)
    return;
  model_.optimizer = &find_optimizer(optimizer->string_at("type"));
  model_.hypers.push_back({"learning_rate", optimizer->at("learning_rate").number_at("initial"), "/optimizer/learning_rate",
                           &find_attr(schedules().common, "initial")});
  for (std::string_view name : optional_hypers())
    if (const double value = optimizer->number_at(name); value > 0)
      model_.hypers.push_back(
          {std::string(name), value, fmt::format("/optimizer/{}", name), &find_attr(model_.optimizer->spec.attrs, name)});
  for (auto &[layer, hypers] : hypers_)
    model_.hypers.insert(model_.hypers.end(), hypers.begin(), hypers.end());
  for (auto &[layer, params] : params_)
    model_.params.insert(model_.params.end(), params.begin(), params.end());
  if (std::ranges::none_of(model_.params, &ModelParam::trainable) && !diagnostics_.has_errors())
    error(anchor(model_.document.at("layers")), fmt::format("no layer has weights{}, so there is nothing to train",
                                                            model_.params.empty() ? "" : " that are 'trainable'"));
}

} // namespace gradc
