// The functions of expressions.
#include "compiler/model/expressions/functions.h"

#include "compiler/model/tables/activations.h"
#include "ir/op.h"
#include "ir/ops/elementwise.h"

#include <algorithm>
#include <fmt/format.h>
#include <map>
#include <numeric>

namespace gradc {
namespace {

/// The axes of the operand, batch first, that the key "axis" means: those of one example, from 0, or from -1 backwards.
std::vector<int64_t> axes_of(const FunctionBuild &b) {
  const Shape shape = of_example(b.operands[0]);
  const auto rank = static_cast<int64_t>(shape.size());
  std::vector<int64_t> axes(shape.size());
  std::iota(axes.begin(), axes.end(), 1);
  const JsonValue *given = b.keys.find("axis");
  if (!given)
    return axes;
  axes.clear();
  for (const JsonValue &axis : given->is(JsonValue::Kind::array) ? given->items : std::vector<JsonValue>{*given}) {
    if (axis.integer < -rank || axis.integer >= rank)
      throw Error(fmt::format("there is no axis {} in the shape {}", axis.integer, to_string(shape)));
    axes.push_back(1 + axis.integer + (axis.integer < 0 ? rank : 0));
  }
  std::ranges::sort(axes);
  if (std::ranges::adjacent_find(axes) != axes.end())
    throw Error("an axis is named twice");
  return axes;
}

Var reduced(std::string_view op, const FunctionBuild &b, Var x, bool keep) {
  const std::vector<int64_t> axes = axes_of(b);
  return axes.empty() ? x : apply(op, {x}, {{"axes", axes}, {"keep", keep}});
}
Var reduced(std::string_view op, const FunctionBuild &b, Var x) { return reduced(op, b, x, b.keys.boolean_at("keep")); }

Var sum_of(const FunctionBuild &b) { return reduced("sum", b, b.operands[0]); }
Var max_of(const FunctionBuild &b) { return reduced("max", b, b.operands[0]); }
Var min_of(const FunctionBuild &b) { return -reduced("max", b, -b.operands[0]); }

Var mean_of(const FunctionBuild &b) {
  double count = 1;
  for (int64_t axis : axes_of(b))
    count *= static_cast<double>(b.operands[0].shape()[static_cast<size_t>(axis)]);
  return count == 1 ? sum_of(b) : sum_of(b) * (1 / count);
}

/// m + log(sum(exp(x - m))) with the maximum m, through which no gradient needs to flow.
Var log_sum_exp(const FunctionBuild &b) {
  const Var x = b.operands[0], m = stop_gradient(reduced("max", b, x, true));
  const Var s = log(reduced("sum", b, exp(x - m)));
  return s + reshape(m, s.shape());
}

Var argmax_of(const FunctionBuild &b) {
  const Var x = b.operands[0];
  return cast(apply("argmax", {x}, {{"axes", axes_of(b)}, {"keep", b.keys.boolean_at("keep")}}), x.dtype());
}

/// Sums over the last axis of both.
Var dot(const FunctionBuild &b) { return sum_last(b.operands[0] * b.operands[1]); }

Var matmul(const FunctionBuild &b) {
  const Shape x = of_example(b.operands[0]), y = of_example(b.operands[1]);
  if (x.size() != 2 || y.size() != 2 || x[1] != y[0])
    throw Error(fmt::format("there is no product of matrices of the shapes {} and {}", to_string(x), to_string(y)));
  return apply("contract", b.operands, {{"indices", "bij,bjk->bik"}});
}

Var primitive(const FunctionBuild &b) { return apply(b.function.spec.name, b.operands); }

/// As the table of activations has it: the keys, with the name as their "type".
JsonValue as_activation(JsonValue keys, std::string_view name) {
  keys.set("type", JsonValue::of(std::string(name), keys.span));
  return keys;
}

Var activation(const FunctionBuild &b) { return activate(as_activation(b.keys, b.function.spec.name), b.operands[0]); }

std::vector<Attr> along_axes() {
  using namespace attr;
  const std::vector<Attr> forms = {integer("", ""), list("", integer("", ""), "").items(1)};
  return {any_of("axis", forms, "of one example, from 0, or from -1 backwards").otherwise("all"),
          boolean("keep", "whether the axes stay, with extent 1").defaults_to("false")};
}

std::vector<ExpressionFunction> own_functions() {
  using namespace attr;
  const std::vector<Attr> one_axis = {integer("axis", "of one example, from 0, or from -1 backwards").defaults_to("-1"),
                                      boolean("keep", "whether the axis stays, with extent 1").defaults_to("false")};
  const auto reduction = [](std::string_view name, std::string_view doc, Var (*build)(const FunctionBuild &)) {
    return ExpressionFunction{{name, doc, along_axes()}, 1, false, 0, 0, build};
  };
  return {
      reduction("sum", "the sum of the elements along axes", sum_of),
      reduction("mean", "the mean of the elements along axes", mean_of),
      reduction("max", "the largest element along axes; maximum(x, y) is that of two values", max_of),
      reduction("min", "the smallest element along axes; minimum(x, y) is that of two values", min_of),
      reduction("log_sum_exp", "log(sum(exp(x))) along axes, without overflow", log_sum_exp),
      {{"argmax", "the position of the largest element along an axis; no gradient flows", one_axis}, 1, false, 0, 1, argmax_of},
      {{"dot", "the sum of x * y over the last axis"}, 2, true, 0, 1, dot},
      {{"matmul", "the product of two matrices"}, 2, false, 0, 2, matmul},
      {{"square", "x * x"}, 1, true, 0, 0, [](const FunctionBuild &b) { return square(b.operands[0]); }},
      {{"select", "y where the condition x holds, else z"}, 3, true, 1, 0, primitive},
      {{"clip", "x, but at least y and at most z"}, 3, true, 0, 0,
       [](const FunctionBuild &b) { return minimum(maximum(b.operands[0], b.operands[1]), b.operands[2]); }},
  };
}

bool has_name(const std::vector<ExpressionFunction> &functions, std::string_view name) {
  return std::ranges::any_of(functions, [&](const ExpressionFunction &f) { return f.spec.name == name; });
}

/// What the doc of an op says of floats, all that expressions compute on.
std::string_view of_floats(std::string_view doc) {
  const size_t rest = doc.find("; ");
  return rest != std::string_view::npos && doc.find("integers", rest) != std::string_view::npos ? doc.substr(0, rest) : doc;
}

std::vector<ExpressionFunction> all_functions() {
  std::vector<ExpressionFunction> all = own_functions();
  for (const OpDef *op : all_ops()) {
    const bool plain = op->kind == OpKind::elementwise && op->arity > 0 && op->type_rule == TypeRule::derived && op->attrs.empty();
    if (plain && !has_name(all, op->name)) {
      const auto count = static_cast<size_t>(op->arity);
      all.push_back({{op->name, of_floats(op->doc)}, count, true, op->infer == infer_logical ? count : 0, 0, primitive});
    }
  }
  for (const ObjectSpec *spec : activations().types)
    if (!has_name(all, spec->name) && std::ranges::none_of(spec->attrs, &Attr::required)) {
      const size_t axes = find_activation(as_activation(JsonValue::object({}), spec->name)).of_rows ? 1 : 0;
      all.push_back({*spec, 1, axes == 0, 0, axes, activation});
    }
  return all;
}

} // namespace

Shape of_example(Var x) {
  const Shape shape = x.shape();
  return shape.empty() ? shape : Shape(shape.begin() + 1, shape.end());
}

const std::vector<ExpressionFunction> &expression_functions() {
  static const std::vector<ExpressionFunction> all = all_functions();
  return all;
}

const ExpressionFunction *find_function(std::string_view name) {
  static const auto by_name = [] {
    std::map<std::string_view, const ExpressionFunction *> map;
    for (const ExpressionFunction &function : expression_functions())
      map.emplace(function.spec.name, &function);
    return map;
  }();
  const auto found = by_name.find(name);
  return found == by_name.end() ? nullptr : found->second;
}

} // namespace gradc
