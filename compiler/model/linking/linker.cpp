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

void link(Model &model, const JsonValue &raw, const ExpandedLayers &expanded, Diagnostics &diagnostics) {
  Linker(model, raw, expanded, diagnostics).run();
}

void Linker::run() {
  declare_inputs();
  declare_layers();
  declare_aliases();
  link_targets(); // before the layers: they tell features from labels
  link_aliases();
  link_layers();
  sort_layers();
  infer_shapes();
  link_shares();
  complete_layers();
  link_losses();
  link_metrics();
  check_judged();
  link_outputs();
  check_use();
  collect_hypers();
  if (!diagnostics_.has_errors())
    write_names_in_document();
  check_data(model_, known_, diagnostics_);
}

Reference *Linker::lookup(const std::string &name, const std::string &scope) {
  auto found = names_.find(scope + name);
  if (found == names_.end() && !scope.empty())
    found = names_.find(name);
  return found == names_.end() ? nullptr : &found->second;
}

Source Linker::find(const JsonValue &name, const std::string &context, std::string_view what,
                    const std::function<bool(Source)> &suitable, const std::string &scope) {
  if (const Reference *found = lookup(name.text, scope))
    return found->source;
  if (!names_complete_ || expanded_.may_have(name.text) || expanded_.may_have(scope + name.text))
    return kNowhere; // it may be the one whose declaration is wrong
  std::vector<std::string_view> candidates;
  for (const auto &[candidate, reference] : names_)
    if (reference.source != kNowhere && suitable(reference.source))
      candidates.push_back(candidate.starts_with(scope) ? std::string_view(candidate).substr(scope.size()) : candidate);
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
    const LossDef &def = find_loss(loss.string_at("type"));
    if (const Attr *key = expression_key(def.spec))
      targets_known_ &= link_targets_in(loss.string_at(key->name));
    for (const LossOperand &operand : def.operands) {
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

std::set<Source> Linker::reach(std::vector<Source> roots, bool by_gradients) const {
  std::set<Source> reached;
  while (!roots.empty()) {
    const Source s = roots.back();
    roots.pop_back();
    if (s == kNowhere || !reached.insert(s).second || model_.is_input(s) || (by_gradients && !is_float(model_.dtype_of(s))))
      continue;
    const auto &sources = model_.layers[s - model_.inputs.size()].sources;
    roots.insert(roots.end(), sources.begin(), sources.end());
  }
  return reached;
}

void Linker::check_judged() {
  const auto check = [&](Source s, Span span, const std::string &context) {
    if (s == kNowhere || model_.is_input(s) || !known_[s] || is_float(model_.dtype_of(s)))
      return;
    error(span,
          fmt::format("{}: layer '{}' holds {}; read it through {{\"type\": \"op\", \"op\": \"cast\", \"dtype\": \"f32\"}}",
                      context, model_.name_of(s), to_string(model_.dtype_of(s))));
  };
  for (const ModelLoss &loss : model_.losses) {
    const std::string context = fmt::format("loss {}", loss.def->spec.name);
    for (const std::optional<Source> &operand : loss.operands)
      if (operand)
        check(*operand, anchor(loss.attrs), context);
    for (Source s : loss.named)
      check(s, anchor(loss.attrs), context);
  }
  for (const ModelMetric &metric : model_.metrics) {
    check(metric.prediction, anchor(metric.attrs), fmt::format("metric '{}'", metric.name));
    for (Source s : metric.named)
      check(s, anchor(metric.attrs), fmt::format("metric '{}'", metric.name));
  }
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
    judged.insert(judged.end(), loss.named.begin(), loss.named.end());
    for (const std::optional<Source> &operand : loss.operands)
      if (operand)
        (model_.is_input(*operand) ? used : judged).push_back(*operand);
    if (loss.example_weights)
      used.push_back(*loss.example_weights);
  }
  for (const ModelMetric &metric : model_.metrics) {
    used.insert(used.end(), {metric.prediction, metric.target});
    used.insert(used.end(), metric.named.begin(), metric.named.end());
  }
  used.insert(used.end(), judged.begin(), judged.end());
  const std::set<Source> reached = reach(used), trained = reach(judged, true);
  for (const auto &[name, reference] : names_) {
    if (reference.alias)
      continue;
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

ModelHyper Linker::hyper(std::string name, const JsonValue &value, std::string location, const Attr &attr,
                         const std::string &context) {
  const Attr &limits = initial_limits(attr);
  ModelHyper hyper{std::move(name), initial_of(value), std::move(location), &limits};
  if (!value.is(JsonValue::Kind::object))
    return hyper;
  const std::string inside = fmt::format("{}: {}", context, attr.name);
  if (!within(limits, hyper.value))
    error(value.at("initial").span, fmt::format("{}: 'initial' must be {}, got {}", inside,
                                                violated_limit(limits, hyper.value), hyper.value));
  if (const std::optional<Mistake> mistake = mistake_in(value))
    error(value.at(mistake->key).span, fmt::format("{}: {}", inside, mistake->message));
  if (!is_constant(value))
    hyper.schedule = value;
  return hyper;
}

void Linker::collect_hypers() {
  const JsonValue *optimizer = model_.document.find("optimizer");
  if (!optimizer || !optimizer->valid)
    return;
  model_.optimizer = &find_optimizer(optimizer->string_at("type"));
  if (model_.optimizer->check)
    if (const std::optional<Mistake> mistake = model_.optimizer->check(*optimizer))
      error(optimizer->at(mistake->key).span, "optimizer: " + mistake->message);
  const auto add = [&](std::string_view name) {
    model_.hypers.push_back(hyper(std::string(name), optimizer->at(name), fmt::format("/optimizer/{}", name),
                                  find_attr(model_.optimizer->spec.attrs, name), "optimizer"));
  };
  add("learning_rate");
  for (std::string_view name : optional_hypers())
    if (initial_of(optimizer->at(name)) > 0)
      add(name);
  if (optimizer->integer_at("accumulate") > 1)
    model_.hypers.push_back({std::string(gradient_weight().name), 1, "/optimizer/accumulate", &gradient_weight()});
  for (auto &[layer, hypers] : hypers_)
    model_.hypers.insert(model_.hypers.end(), hypers.begin(), hypers.end());
  for (auto &[layer, params] : params_)
    model_.params.insert(model_.params.end(), params.begin(), params.end());
  for (auto &[layer, buffers] : buffers_)
    model_.buffers.insert(model_.buffers.end(), buffers.begin(), buffers.end());
  link_groups(*optimizer);
  if (std::ranges::none_of(model_.params, &ModelParam::trainable) && !diagnostics_.has_errors())
    error(anchor(model_.document.at("layers")), fmt::format("no layer has weights{}, so there is nothing to train",
                                                            model_.params.empty() ? "" : " that are 'trainable' and not 'frozen'"));
}

} // namespace gradc
