// Expressions: what their names are, and whether shapes fit in them.
#include "compiler/model/expressions/expression.h"
#include "compiler/model/json/characters.h"
#include "compiler/model/layers/layer.h"
#include "compiler/model/linking/linker_state.h"

#include <fmt/format.h>

namespace gradc {

void Linker::error_in(const JsonValue &text, const ExpressionError &problem, const std::string &context) {
  const std::string &source = diagnostics_.source(text.span.source).text;
  const auto [begin, end] = place_in_string(source, text.span.begin, problem.begin, problem.end);
  error(text.span.part(begin, end), context + ": " + problem.what());
}

std::vector<Source> Linker::find_operands(const JsonValue &text, const std::string &context,
                                          const std::function<bool(Source)> &suitable, const std::string &scope) {
  std::vector<Source> operands;
  try {
    const std::string &source = diagnostics_.source(text.span.source).text;
    for (const Expression::Name &name : parse_expression(text.text).names) {
      const auto [begin, end] = place_in_string(source, text.span.begin, name.begin, name.end);
      operands.push_back(
          find(JsonValue::of(name.text, text.span.part(begin, end)), context, "input or layer", suitable, scope));
    }
  } catch (const ExpressionError &problem) {
    error_in(text, problem, context);
    operands.push_back(kNowhere);
  }
  return operands;
}

bool Linker::link_targets_in(const std::string &text) {
  bool known = true;
  try {
    for (const Expression::Name &name : parse_expression(text).names) {
      const auto found = names_.find(name.text);
      known &= found != names_.end();
      if (found != names_.end() && model_.is_input(found->second.source))
        targets_.insert(found->second.source);
    }
  } catch (const ExpressionError &) { // which link_losses() reports
    known = false;
  }
  return known;
}

std::vector<Source> Linker::link_expression(const JsonValue &text, const std::string &context) {
  const std::vector<Source> operands = find_operands(text, context, [](Source) { return true; });
  std::vector<Type> types;
  for (Source s : operands) {
    if (s == kNowhere)
      return {};
    if (!known_[s])
      return operands;
    types.push_back({model_.dtype_of(s), model_.shape_of(s)});
  }
  try {
    shape_of(parse_expression(text.text), types);
  } catch (const ExpressionError &problem) {
    error_in(text, problem, context);
    return {};
  }
  return operands;
}

} // namespace gradc
