// Names that stand for something else, and the names that the completed document has instead of them.
#include "compiler/model/expressions/expression.h"
#include "compiler/model/layers/layer.h"
#include "compiler/model/linking/linker_state.h"
#include "compiler/model/tables/losses.h"
#include "compiler/model/tables/metrics.h"

#include <algorithm>
#include <fmt/format.h>

namespace gradc {

using Json = JsonValue::Kind;

void Linker::declare_aliases() {
  for (size_t i = 0; i < expanded_.aliases.size(); ++i)
    if (Reference &reference = declare(expanded_.aliases[i].name, expanded_.aliases[i].span, kNowhere, "layer");
        reference.source == kNowhere && !reference.alias)
      reference.alias = i;
}

void Linker::link_aliases() {
  enum class State : uint8_t { unknown, waiting, known };
  std::vector<State> states(expanded_.aliases.size(), State::unknown);
  for (size_t start = 0; start < states.size(); ++start)
    for (std::vector<size_t> chain = {start}; !chain.empty();) { // each waits for the next
      const size_t at = chain.back();
      const ExpandedLayers::Alias &alias = expanded_.aliases[at];
      const Reference *other =
          alias.operand.kind == Operand::Kind::name ? lookup(alias.operand.name.text, alias.operand.scope) : nullptr;
      if (states[at] != State::known && other && other->alias && states[*other->alias] != State::known) {
        if (states[at] == State::unknown) {
          states[at] = State::waiting;
          chain.push_back(*other->alias);
          continue;
        }
        error(alias.span, fmt::format("layer '{}': layers that are left out read each other in a circle", alias.name));
      }
      Reference &reference = names_.at(alias.name);
      if (states[at] != State::known && reference.alias == at)
        reference.source = source_of(alias.operand, alias.span, "layer '" + alias.name + "'");
      states[at] = State::known;
      chain.pop_back();
    }
}

Source Linker::source_of(const Operand &operand, Span span, const std::string &context) {
  switch (operand.kind) {
  case Operand::Kind::layer:
    return model_.inputs.size() + operand.layer;
  case Operand::Kind::feature:
    return sole_feature(span, context);
  case Operand::Kind::name:
    return find(operand.name, operand.context, "input or layer", [](Source) { return true; }, operand.scope);
  case Operand::Kind::nothing:
    error(span, context + ": missing 'input': its block has no inputs");
  }
  return kNowhere;
}

std::string Linker::in_full(const std::string &name, const std::string &scope) {
  const Reference *reference = lookup(name, scope);
  return reference && reference->source != kNowhere ? model_.name_of(reference->source) : name;
}

std::string Linker::expression_in_full(std::string text, const std::string &scope) {
  const Expression expression = parse_expression(text);
  std::vector<const Expression::Node *> names;
  for (const Expression::Node &node : expression.nodes)
    if (node.name)
      names.push_back(&node);
  std::ranges::sort(names, std::greater(), &Expression::Node::begin);
  for (const Expression::Node *node : names)
    text.replace(node->begin, node->end - node->begin, in_full(expression.names[*node->name].text, scope));
  return text;
}

void Linker::write_names(size_t index) {
  ModelLayer &layer = model_.layers[index];
  const std::string &scope = expanded_.scopes[index];
  if (const Attr *key = expression_key(layer.def->spec)) {
    JsonValue text = layer.attrs.at(key->name);
    text.text = expression_in_full(text.text, scope);
    layer.attrs.set(key->name, std::move(text));
    std::vector<Source> each; // two names of one layer are one now
    for (Source s : layer.sources)
      if (std::ranges::find(each, s) == each.end())
        each.push_back(s);
    layer.sources = std::move(each);
    return;
  }
  const JsonValue *written = layer.attrs.find("input");
  JsonValue names = JsonValue::array(written ? written->span : layer.attrs.span);
  for (size_t i = 0; i < layer.sources.size(); ++i)
    names.items.push_back(JsonValue::of(model_.name_of(layer.sources[i]), written ? written->items[i].span : names.span));
  if (!names.items.empty())
    layer.attrs.set("input", std::move(names));
}

void Linker::write_names_in_document() {
  const auto rewrite = [&](JsonValue &object, std::string_view key) {
    if (JsonValue *name = mutable_member(object, key); name && name->is(Json::string))
      name->text = in_full(name->text, "");
  };
  const auto rewrite_expression = [&](JsonValue &object, const ObjectSpec &spec) {
    if (const Attr *key = expression_key(spec))
      if (JsonValue *text = mutable_member(object, key->name))
        text->text = expression_in_full(text->text, "");
  };
  for (JsonValue &loss : mutable_member(model_.document, "loss")->items) {
    const LossDef &def = find_loss(loss.string_at("type"));
    for (const LossOperand &operand : def.operands)
      rewrite(loss, operand.key);
    rewrite_expression(loss, def.spec);
  }
  for (JsonValue &metric : mutable_member(model_.document, "metrics")->items) {
    rewrite(metric, "prediction");
    rewrite_expression(metric, find_metric(metric.string_at("type")).spec);
  }
  for (JsonValue &output : mutable_member(model_.document, "outputs")->items)
    output.text = in_full(output.text, "");
}

} // namespace gradc
