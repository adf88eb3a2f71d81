// The reference page of the model format, from the tables.
#include "compiler/model/expressions/functions.h"
#include "compiler/model/tables/activations.h"
#include "compiler/model/tables/blocks.h"
#include "compiler/model/tables/initializers.h"
#include "compiler/model/layers/layer.h"
#include "compiler/model/tables/losses.h"
#include "compiler/model/tables/metrics.h"
#include "compiler/model/model.h"
#include "compiler/model/tables/optimizers.h"
#include "compiler/model/tables/schedules.h"
#include "compiler/model/tables/sections.h"

#include <fmt/format.h>

namespace gradc {
namespace {

std::string escaped(std::string_view text) { // for a cell of a table
  std::string result;
  for (char c : text)
    result += c == '|' ? std::string("\\|") : std::string(1, c);
  return result;
}

std::string default_of(const Attr &a) {
  if (!a.default_json.empty())
    return fmt::format("`{}`", a.default_json);
  return a.required() ? "required" : escaped(a.default_doc);
}

std::string value_of(const Attr &a) {
  std::string text = expected(a);
  const Attr &first = a.kind == Attr::Kind::any_of ? a.of[0] : a;
  if (const std::string range = limits(first); !range.empty())
    text += ", " + range;
  else if (first.kind == Attr::Kind::list && !limits(first.of[0]).empty())
    text += ", each " + limits(first.of[0]);
  return escaped(text);
}

std::string keys(const std::vector<Attr> &attrs) {
  std::string text = "| key | value | default | |\n|---|---|---|---|\n";
  for (const Attr &a : attrs)
    text += fmt::format("| `{}` | {} | {} | {} |\n", a.name, value_of(a), default_of(a), escaped(a.doc));
  return text + '\n';
}

std::string section(std::string_view title, const ObjectSpec &spec) {
  std::string text = fmt::format("### {}\n\n", title);
  if (!spec.doc.empty())
    text += std::string(spec.doc) + "\n\n";
  return spec.attrs.empty() ? text : text + keys(spec.attrs);
}

std::string section(std::string_view title, const Family &family) {
  std::string text = fmt::format("### {}\n\n{}", title, family.doc);
  if (family.by_name)
    text += " A bare name stands for an object with that `type`.";
  if (!family.number_type.empty())
    text += fmt::format(" A number stands for `{}` with that `{}`.", family.number_type, family.number_key);
  if (!family.default_type.empty())
    text += fmt::format(" Without a `type` it is `{}`.", family.default_type);
  text += "\n\n";
  if (!family.common.empty())
    text += "Keys of all of them:\n\n" + keys(family.common);
  for (const ObjectSpec *spec : family.types) {
    text += fmt::format("**`{}`**: {}\n\n", spec->name, spec->doc);
    if (!spec->attrs.empty())
      text += keys(spec->attrs);
  }
  return text;
}

/// "x", "x, y".
std::string operands(size_t count) {
  std::string text = "x";
  for (size_t i = 1; i < count; ++i)
    text += fmt::format(", {}", "xyz"[i]);
  return text;
}

std::string expressions() {
  std::string text =
      "### Expressions\n\n"
      "The text of a layer, loss or metric of type `expression`: a formula over the inputs and layers that it names, such as "
      "`mean(square(out - y)) + 0.1 * mean(abs(hidden))`.\n\n"
      "* It speaks of one example; the batch is implicit. Values broadcast as NumPy's do, and reductions work within one "
      "example, along all its axes unless `axis` says which: `sum(x)`, `mean(x, axis=0)`, `max(x, axis=[0, -1], "
      "keep=true)`.\n"
      "* Operators, from loose to tight: `<` `<=` `>` `>=` `==` `!=`, which do not chain; `+` `-`; `*` `/`; the sign `-`; `^`"
      " or `**`, which groups from the right. Parentheses group.\n"
      "* A comparison is a condition, for `select` and the logical functions; as a number it is 1 where it holds, else 0. "
      "Integers of an input count as floats.\n"
      "* As a loss or a metric its value is averaged over the examples, and over the elements of an example where it has "
      "several. So `mean(square(out - y))`, `square(out - y)` and the loss `mse` are the same.\n\n"
      "| function | keys, with defaults | |\n|---|---|---|\n";
  for (const ExpressionFunction &function : expression_functions()) {
    std::string keys;
    for (const Attr &a : function.spec.attrs)
      keys += fmt::format("{}`{}`: {}", keys.empty() ? "" : ", ", a.name, default_of(a));
    text += fmt::format("| `{}({})` | {} | {} |\n", function.spec.name, operands(function.operands), keys,
                        escaped(function.spec.doc));
  }
  return text + '\n';
}

} // namespace

std::string reference_markdown() {
  std::string text = section("The model file", model_spec()) + section("Inputs", input_spec()) + section("Layers", layers()) +
                     section("Blocks", block_spec()) + section("Activations", activations()) +
                     section("Initializers", initializers()) + section("Losses", losses()) + section("Metrics", metrics()) +
                     section("Optimizers", optimizers()) + section("Schedules", schedules()) +
                     section("Training", train_spec()) + section("Rows of their own", part_spec()) +
                     section("Early stopping", early_stopping_spec()) + section("Data", data_spec()) +
                     section("Data of an input", input_data_spec()) + expressions();
  text.pop_back(); // one newline at the end
  return text;
}

} // namespace gradc
