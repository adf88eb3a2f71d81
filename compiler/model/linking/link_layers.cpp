// Inputs and layers: their names, what they read, an order of computation, and shapes.
#include "compiler/model/expressions/expression.h"
#include "compiler/model/tables/initializers.h"
#include "compiler/model/layers/layer.h"
#include "compiler/model/linking/linker_state.h"
#include "compiler/model/linking/resolve.h"
#include "compiler/model/tables/optimizers.h"
#include "compiler/model/tables/schedules.h"

#include <algorithm>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <utility>

namespace gradc {

using Json = JsonValue::Kind;

/// Names the graph gives to scalars, and keys beside the inputs in train.data.
static constexpr std::string_view kReserved[] = {
    "seed", "step", "total_steps", "learning_rate", "gradient_weight", "path", "header", "delimiter", "loss"};

void Linker::declare_inputs() {
  model_.batch_size = model_.document.at("train").integer_at("batch_size");
  const JsonValue *inputs = model_.document.find("inputs");
  names_complete_ = expanded_.complete && inputs && !inputs->members.empty();
  if (!inputs)
    return;
  if (inputs->members.empty())
    error(anchor(*inputs), "a model has at least one input");
  for (const JsonMember &member : inputs->members) {
    ModelInput input{member.key, {}, DType::f32};
    if (!is_name(member.key))
      error(member.key_span,
            fmt::format("input '{}': names are letters, digits and _, at most 64", member.key));
    declare(member.key, member.key_span, model_.inputs.size(), "input");
    const JsonValue *written = raw_.at("inputs").at(member.key).find("dtype");
    const bool valid =
        member.value.valid && member.value.is(Json::object) &&
        (!written || written->is(Json::null) || written->text == member.value.string_at("dtype"));
    if (valid) {
      for (const JsonValue &dim : member.value.at("shape").items)
        input.shape.push_back(dim.integer);
      input.dtype = *parse_dtype(member.value.string_at("dtype"));
      known_.push_back(fits_memory(input.shape, member.value.at("shape").span, "input '" + member.key + "'"));
    } else {
      known_.push_back(false);
    }
    model_.inputs.push_back(std::move(input));
  }
}

void Linker::declare_layers() {
  const JsonValue *layers = raw_.find("layers");
  JsonValue *resolved =
      model_.document.is(Json::object) ? mutable_member(model_.document, "layers") : nullptr;
  if (!layers || !layers->is(Json::array) || !resolved || resolved->items.size() != layers->items.size()) {
    names_complete_ = false;
    return;
  }
  for (size_t i = 0; i < layers->items.size(); ++i) {
    const JsonValue &written = layers->items[i];
    ModelLayer layer;
    const JsonValue *type = written.find("type"), *name = written.find("name");
    if (resolved->items[i].valid)
      layer.def = find_layer(resolved->items[i].string_at("type"));
    const bool named = name && name->is(Json::string);
    names_complete_ &= named || (resolved->items[i].valid && !(name && !name->is(Json::null)));
    layer.name =
        named ? name->text : fmt::format("{}_{}", type && type->is(Json::string) ? type->text : "layer", i);
    declare(layer.name, named ? name->span : anchor(written), model_.inputs.size() + i, "layer");
    layer.attrs = resolved->items[i];
    if (layer.def)
      layer.attrs.set("name", JsonValue::of(layer.name, named ? name->span : written.span));
    model_.layers.push_back(std::move(layer));
    known_.push_back(false);
  }
}

Reference &Linker::declare(const std::string &name, Span span, Source source, std::string_view what) {
  if (std::ranges::count(kReserved, name) > 0 || std::ranges::count(optional_hypers(), name) > 0)
    error(span, fmt::format("{} '{}': the name is taken by gradc itself", what, name));
  auto [at, fresh] = names_.emplace(name, Reference{source, span});
  if (!fresh) {
    error(span, fmt::format("{} '{}': the name is already taken", what, name));
    diagnostics_.note(at->second.span, "by this one");
  }
  return at->second;
}

/// Of a layer that may be wrong in other keys.
static const Attr *expression_key_of(const JsonValue &layer) {
  const JsonValue *type = layer.find("type");
  const LayerDef *def = type && type->is(Json::string) ? find_layer(type->text) : nullptr;
  return def ? expression_key(def->spec) : nullptr;
}

void Linker::link_layers() {
  for (size_t i = 0; i < model_.layers.size(); ++i)
    link_inputs(i);
}

void Linker::link_inputs(size_t index) {
  ModelLayer &layer = model_.layers[index];
  const std::string context = "layer '" + layer.name + "'", &scope = expanded_.scopes[index];
  auto another = [self = model_.inputs.size() + index](Source candidate) { return candidate != self; };
  const JsonValue &written = raw_.find("layers")->items[index], *input = written.find("input");
  if (const Attr *key = expression_key_of(written)) {
    const JsonValue *text = written.find(key->name);
    layer.sources = text && text->is(Json::string) ? find_operands(*text, context, another, scope) : std::vector{kNowhere};
    if (input && !input->is(Json::null))
      error(input->span, fmt::format("{}: the names in '{}' are what it reads; remove 'input'", context, key->name));
  } else if (input && !input->is(Json::null)) {
    for (const JsonValue &name : input->is(Json::array) ? input->items : std::vector<JsonValue>{*input})
      layer.sources.push_back(name.is(Json::string) ? find(name, context, "input or layer", another, scope) : kNowhere);
  } else if (!layer.def || !reads_nothing(*layer.def, layer.attrs)) {
    const Span span = anchor(layer.attrs.is(Json::object) ? layer.attrs : written);
    layer.sources.push_back(source_of(expanded_.previous[index], span, context));
  }
}

Source Linker::sole_feature(Span span, const std::string &context) {
  std::vector<std::string_view> features;
  Source sole = kNowhere;
  for (Source s = 0; s < model_.inputs.size(); ++s)
    if (!targets_.contains(s) || model_.inputs.size() == 1) {
      features.push_back(model_.inputs[s].name);
      sole = s;
    }
  if (features.size() == 1)
    return sole;
  if (!model_.inputs.empty() && targets_known_ && names_complete_)
    error(span, features.empty()
                    ? context + ": missing 'input': every input is the target of a loss"
                    : fmt::format("{}: missing 'input': it could be any of {}", context, fmt::join(features, ", ")));
  return kNowhere;
}

void Linker::sort_layers() {
  const size_t count = model_.layers.size(), inputs = model_.inputs.size();
  std::vector<bool> done(count, false);
  auto ready = [&](size_t i) {
    const auto &sources = model_.layers[i].sources;
    return std::all_of(sources.begin(), sources.end(),
                       [&](Source s) { return s == kNowhere || s < inputs || done[s - inputs]; });
  };
  for (bool progress = true; progress;) {
    progress = false;
    for (size_t i = 0; i < count; ++i)
      if (!done[i] && ready(i)) {
        model_.order.push_back(i);
        done[i] = progress = true;
      }
  }
  report_cycles(std::move(done));
}

void Linker::report_cycles(std::vector<bool> done) {
  const size_t inputs = model_.inputs.size();
  for (size_t start = 0; start < done.size(); ++start) {
    std::vector<size_t> path;
    size_t at = start;
    while (at != kNowhere && !done[at]) {
      done[at] = true;
      path.push_back(at);
      const size_t reader = std::exchange(at, kNowhere);
      for (Source s : model_.layers[reader].sources)
        if (s != kNowhere && s >= inputs && (!done[s - inputs] || on(path, s - inputs)))
          at = s - inputs;
    }
    auto begin = std::find(path.begin(), path.end(), at);
    if (begin == path.end())
      continue;
    std::string loop;
    for (auto layer = begin; layer != path.end(); ++layer)
      loop += "'" + model_.layers[*layer].name + "' reads ";
    const JsonValue &written = raw_.at("layers").items[*begin];
    const JsonValue *input = written.find("input");
    error(input ? input->span : anchor(written),
          fmt::format("layer '{0}': a cycle: {1}'{0}'", model_.layers[*begin].name, loop));
  }
}

bool Linker::on(const std::vector<size_t> &path, size_t layer) {
  return std::find(path.begin(), path.end(), layer) != path.end();
}

bool Linker::fits_memory(const Shape &shape, Span span, const std::string &context) {
  Shape batched = {model_.batch_size};
  batched.insert(batched.end(), shape.begin(), shape.end());
  try {
    check_shape(batched);
    return true;
  } catch (const Error &problem) {
    error(span, fmt::format("{}: in batches of {}, {}", context, model_.batch_size, problem.what()));
    return false;
  }
}

void Linker::infer_shapes() {
  for (size_t i : model_.order) {
    ModelLayer &layer = model_.layers[i];
    const bool ready = layer.def && std::all_of(layer.sources.begin(), layer.sources.end(),
                                                [&](Source s) { return s != kNowhere && known_[s]; });
    if (ready)
      known_[model_.inputs.size() + i] = infer_shape(i);
  }
}

void Linker::complete_layers() {
  JsonValue *document = mutable_member(model_.document, "layers");
  for (size_t i = 0; document && i < model_.layers.size(); ++i)
    document->items[i] = model_.layers[i].attrs;
}

bool Linker::infer_shape(size_t index) {
  ModelLayer &layer = model_.layers[index];
  const std::string context = "layer '" + layer.name + "'";
  const JsonValue *input = raw_.at("layers").items[index].find("input");
  const Span inputs_span = input ? input->span : anchor(layer.attrs);
  const size_t count = layer.sources.size();
  if (count < layer.def->min_inputs || count > layer.def->max_inputs) {
    error(inputs_span, fmt::format("{}: {} takes {}{} input{}, got {}", context, layer.def->spec.name,
                                   layer.def->max_inputs == kAnyNumber ? "at least " : "",
                                   layer.def->min_inputs, layer.def->min_inputs == 1 ? "" : "s", count));
    return false;
  }
  LayerShapes shapes{layer.attrs, {}};
  for (Source s : layer.sources) {
    const DType dtype = model_.dtype_of(s);
    const bool taken =
        is_float(dtype) || layer.def->reads_values_as_they_are || (layer.def->reads_integers && is_integer(dtype));
    if (!taken) {
      error(inputs_span,
            fmt::format("{}: {} '{}' holds {}; {} computes on f32", context, model_.is_input(s) ? "input" : "layer",
                        model_.name_of(s), to_string(dtype), layer.def->spec.name));
      return false;
    }
    shapes.inputs.push_back({model_.name_of(s), model_.shape_of(s), dtype, model_.is_per_example(s)});
  }
  shapes.per_example = std::ranges::any_of(shapes.inputs, &LayerInput::per_example);
  try {
    layer.output = layer.def->shapes(shapes);
    for (const LayerParam &param : shapes.params)
      check_shape(param.shape);
    for (const LayerBuffer &buffer : shapes.buffers)
      check_shape(buffer.shape);
  } catch (const ExpressionError &problem) {
    error_in(layer.attrs.at(expression_key(layer.def->spec)->name), problem, context);
    return false;
  } catch (const LayerError &problem) {
    const JsonValue *key = layer.attrs.find(problem.key);
    error(key ? key->span : inputs_span, context + ": " + problem.what());
    return false;
  } catch (const Error &problem) {
    error(anchor(layer.attrs), context + ": " + problem.what());
    return false;
  }
  layer.per_example = shapes.per_example;
  layer.dtype = shapes.dtype;
  declare_state(index, shapes);
  write_names(index);
  return fits_memory(layer.output, anchor(layer.attrs), context);
}

void Linker::declare_state(size_t index, const LayerShapes &shapes) {
  const std::string prefix = model_.layers[index].name + ".";
  auto full = [&](const std::string &name) { return name.empty() ? name : prefix + name; };
  for (const LayerParam &p : shapes.params) {
    std::string problem = problem_of(p.initializer, p.shape);
    if (problem.empty() && is_calibrated(p.initializer) && !p.linear)
      problem = "it is for weights in which the output is linear, as those of dense and of convolutions";
    if (problem.empty() && is_calibrated(p.initializer) && p.spectral_norm)
      problem = "'spectral_norm' undoes its scale; use 'orthogonal'";
    if (!problem.empty())
      error(anchor(p.initializer),
            fmt::format("layer '{}': initializer of {}: {}", model_.layers[index].name, p.name, problem));
    params_[index].push_back({prefix + p.name, p.shape, p.initializer, index, full(p.l1), full(p.l2), full(p.proximal_l1),
                              full(p.noise), p.constraint, p.spectral_norm,
                              model_.layers[index].attrs.boolean_at("trainable")});
  }
  for (const LayerBuffer &b : shapes.buffers)
    buffers_[index].push_back({prefix + b.name, b.shape, index, b.initial, b.least, model_.layers[index].attrs.boolean_at("trainable")});
  model_.layers[index].least_batch = shapes.least_batch;
  model_.layers[index].least_batch_reason = shapes.least_batch_reason;
  const auto add = [&](const std::vector<Attr> &keys, const std::string &name) {
    hypers_[index].push_back(hyper(prefix + name, model_.layers[index].attrs.at(name), fmt::format("/layers/{}/{}", index, name),
                                   find_attr(keys, name), fmt::format("layer '{}'", model_.layers[index].name)));
  };
  for (const LayerHyper &h : shapes.hypers)
    add(model_.layers[index].def->spec.attrs, h.name);
  for (const char *key : {"activity_l1", "activity_l2"})
    if (initial_of(model_.layers[index].attrs.at(key)) > 0)
      add(layers().common, key);
}

} // namespace gradc
