// Parameters that layers share, and those that the optimizer treats otherwise than the rest.
#include "compiler/model/layers/weighted/weight.h"
#include "compiler/model/linking/linker_state.h"
#include "compiler/model/linking/resolve.h"
#include "compiler/model/tables/schedules.h"

#include <algorithm>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <fnmatch.h>

namespace gradc {

void Linker::link_shares() {
  for (size_t i = 0; i < model_.layers.size(); ++i)
    if (const ModelLayer &layer = model_.layers[i]; layer.def)
      if (const JsonValue *name = layer.attrs.find("share"))
        link_share(i, *name);
  for (size_t i = 0; i < model_.layers.size(); ++i)
    if (const ModelLayer &layer = model_.layers[i]; layer.def && expanded_.shared[i] && !layer.attrs.find("share"))
      link_block_share(i, *expanded_.shared[i]);
  for (ModelLayer &layer : model_.layers)
    if (layer.weights_of) {
      // A layer that a layer of a block shares with may itself share as its block does.
      while (const std::optional<size_t> further = model_.layers[*layer.weights_of].weights_of)
        layer.weights_of = further;
      layer.attrs.set("share", JsonValue::of(model_.layers[*layer.weights_of].name, layer.attrs.span));
    }
}

void Linker::link_share(size_t index, const JsonValue &name) {
  ModelLayer &layer = model_.layers[index];
  const std::string context = fmt::format("layer '{}': 'share'", layer.name);
  const auto fitting = [&](Source s) {
    return !model_.is_input(s) && s != model_.inputs.size() + index && model_.layers[s - model_.inputs.size()].def == layer.def;
  };
  const Source source = find(name, context, "layer", fitting, expanded_.scopes[index]);
  if (source == kNowhere)
    return;
  if (model_.is_input(source))
    return error(name.span, fmt::format("{}: '{}' is an input and has no weights", context, name.text));
  const size_t owner = source - model_.inputs.size();
  const ModelLayer &of = model_.layers[owner];
  if (!of.def || !known_[source] || !known_[model_.inputs.size() + index])
    return; // what is wrong with one of them is reported
  if (const JsonValue *further = raw_.at("layers").items[owner].find("share"); further && !further->is(JsonValue::Kind::null))
    return error(name.span, owner == index ? fmt::format("{}: a layer cannot share its own weights", context)
                                           : fmt::format("{}: '{}' itself uses the weights of '{}'; name that", context, name.text, further->text));
  if (can_share(index, owner, name.span, context)) {
    layer.weights_of = owner;
    params_.erase(index);
    buffers_.erase(index);
  }
}

void Linker::link_block_share(size_t index, const SharedLayer &shared) {
  if (!known_[model_.inputs.size() + index] || (params_[index].empty() && buffers_[index].empty()))
    return;
  ModelLayer &layer = model_.layers[index];
  const std::string context = fmt::format("layer '{}': 'share'", layer.name);
  if (!shared.owner)
    return error(shared.span, context + ": the other repetition of the block has no such layer, whose weights it could use");
  size_t owner = *shared.owner; // the last in a chain of blocks
  size_t first = owner;
  for (size_t steps = 0; owner != index && !model_.layers[owner].weights_of && expanded_.shared[owner]; ++steps) {
    if (!expanded_.shared[owner]->owner || steps > model_.layers.size())
      return; // reported for that layer
    owner = *expanded_.shared[owner]->owner;
    first = std::min(first, owner);
  }
  owner = model_.layers[owner].weights_of.value_or(owner);
  if (owner == index) {
    if (first == index) // else it is reported for that layer
      error(shared.span, context + ": blocks use each other's weights in a circle");
    return;
  }
  if (!known_[model_.inputs.size() + owner] || !can_share(index, owner, shared.span, context))
    return;
  layer.weights_of = owner;
  params_.erase(index);
  buffers_.erase(index);
  std::erase_if(hypers_[index],
                [&](const ModelHyper &h) { return is_weight_key(std::string_view(h.name).substr(layer.name.size() + 1)); });
}

bool Linker::can_share(size_t index, size_t owner, Span span, const std::string &context) {
  const ModelLayer &layer = model_.layers[index], &of = model_.layers[owner];
  const auto wrong = [&](const std::string &message) {
    error(span, fmt::format("{}: {}", context, message));
    return false;
  };
  if (of.def != layer.def)
    return wrong(fmt::format("'{}' is of type {}, this layer of type {}", of.name, of.def->spec.name, layer.def->spec.name));
  if (params_[index].empty() && buffers_[index].empty())
    return wrong(fmt::format("layers of type {} have no weights", layer.def->spec.name));
  const auto described = [&](size_t of_layer) {
    std::vector<std::string> each;
    const auto add = [&](const auto &states) {
      for (const auto &state : states)
        each.push_back(state.name.substr(model_.layers[of_layer].name.size() + 1) + " " + to_string(state.shape));
    };
    add(params_[of_layer]);
    add(buffers_[of_layer]);
    return fmt::format("{}", fmt::join(each, " and "));
  };
  if (const std::string mine = described(index), theirs = described(owner); mine != theirs)
    return wrong(fmt::format("it needs {}, but '{}' has {}", mine, of.name, theirs));
  bool good = true;
  for (const JsonMember &given : raw_.at("layers").items[index].members) {
    const JsonValue *mine = layer.attrs.find(given.key), *theirs = of.attrs.find(given.key);
    if (!is_weight_key(given.key) || !mine || (theirs && to_text(*mine) == to_text(*theirs)))
      continue;
    error(given.key_span,
          fmt::format("layer '{}': '{}' is said in '{}', whose weights it uses", layer.name, given.key, of.name));
    good = false;
  }
  return good;
}

std::vector<size_t> Linker::matching(const JsonValue &patterns, const std::string &context) {
  std::vector<size_t> numbers;
  for (const JsonValue &pattern : patterns.items) {
    const size_t before = numbers.size();
    for (size_t p = 0; p < model_.params.size(); ++p)
      if (fnmatch(pattern.text.c_str(), model_.params[p].name.c_str(), 0) == 0)
        numbers.push_back(p);
    if (numbers.size() > before || diagnostics_.has_errors())
      continue;
    std::vector<std::string_view> names;
    for (const ModelParam &param : model_.params)
      names.push_back(param.name);
    error(pattern.span, fmt::format("{}: no parameter matches '{}'; there are {}", context, pattern.text, fmt::join(names, ", ")));
  }
  return numbers;
}

void Linker::link_groups(const JsonValue &optimizer) {
  std::vector<bool> grouped(model_.params.size());
  const std::vector<JsonValue> &groups = optimizer.at("groups").items;
  for (size_t g = 0; g < groups.size(); ++g)
    for (size_t p : matching(groups[g].at("match"), fmt::format("optimizer: groups[{}]", g))) {
      if (grouped[p])
        continue;
      grouped[p] = true;
      ModelParam &param = model_.params[p];
      param.rate_factor = groups[g].number_at("rate_factor");
      param.decay_factor = groups[g].number_at("decay_factor");
      param.trainable = param.trainable && !groups[g].boolean_at("frozen");
    }
  const JsonValue &except = optimizer.at("decay_except");
  if (!except.items.empty() && initial_of(optimizer.at("weight_decay")) == 0)
    error(except.span, "optimizer: 'decay_except' has no effect without 'weight_decay'");
  for (size_t p : matching(except, "optimizer: decay_except"))
    model_.params[p].decay_factor = 0;
}

} // namespace gradc
