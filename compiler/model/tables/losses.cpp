// The losses as a family, how operands fit, and how terms become one number. The rows stand in losses/.
#include "compiler/model/tables/losses.h"

#include "compiler/model/tables/losses/rows.h"
#include "ir/error.h"

#include <algorithm>

namespace gradc {

static const std::vector<LossDef> &table() {
  static const std::vector<LossDef> defs = [] {
    std::vector<LossDef> all;
    for (auto rows : {regression_losses, density_losses, yes_no_losses, class_losses, distribution_losses, embedding_losses,
                      formula_losses})
      std::ranges::move(rows(), std::back_inserter(all));
    return all;
  }();
  return defs;
}

const Family &losses() {
  static const Family family = [] {
    Family f{"loss", "What training makes small. Several losses are added. Each is a mean over the batch."};
    f.common = {attr::number("weight", "factor of this loss in the sum").at_least(0).defaults_to("1"),
                attr::name("example_weights", "an input of one number, at least 0, for each example: it counts as often as that "
                                              "says, and the loss is divided by the sum of the weights")
                    .otherwise("every example counts once")};
    for (const LossDef &def : table())
      f.types.push_back(&def.spec);
    return f;
  }();
  return family;
}

const LossDef &find_loss(std::string_view type) {
  for (const LossDef &def : table())
    if (def.spec.name == type)
      return def;
  throw InternalFault("no such loss");
}

const LossOperand *LossDef::target() const {
  const auto found = std::ranges::find_if(operands, [](const LossOperand &o) { return o.reads != LossOperand::Reads::layer; });
  return found == operands.end() ? nullptr : &*found;
}

bool LossBuild::has(std::string_view key) const {
  return std::ranges::any_of(operands, [&](const auto &operand) { return operand.first == key; });
}

Var LossBuild::operator[](std::string_view key) const {
  for (const auto &[name, value] : operands)
    if (name == key)
      return value;
  throw InternalFault("the loss has no operand " + std::string(key));
}

Var mean_of(const LossTerms &terms) { return mean(terms.losses); }

LossFraction fraction_of(const LossTerms &terms, std::optional<Var> example_weights) {
  const Shape shape = terms.losses.shape();
  const int64_t count = element_count(shape);
  if (!example_weights)
    return {sum(terms.losses), terms.weights ? sum(*terms.weights) : number_like(terms.losses, static_cast<double>(count))};
  Shape column(shape.size(), 1);
  column[0] = shape[0];
  const Var each = reshape(cast(*example_weights, terms.losses.dtype()), column);
  const double of_example = static_cast<double>(count) / static_cast<double>(std::max<int64_t>(shape[0], 1));
  return {sum(each * terms.losses), terms.weights ? sum(each * *terms.weights) : of_example * sum(each)};
}

Var value_of(const LossFraction &fraction) {
  return fraction.sum / select(greater(fraction.weight, 0), fraction.weight, number_like(fraction.weight, 1));
}

static Shape without_ones(const Shape &shape) {
  Shape result;
  std::copy_if(shape.begin(), shape.end(), std::back_inserter(result), [](int64_t dim) { return dim != 1; });
  return result;
}

Shape operand_shape(const LossOperand &operand, const JsonValue &attrs, const Shape &prediction) {
  return operand.shape ? operand.shape(attrs, prediction) : prediction;
}

bool is_class_labels(const LossOperand &operand, const Type &type, const Shape &wanted) {
  if (!operand.classes || !is_integer(type.dtype) || wanted.empty())
    return false;
  return without_ones(type.shape) == without_ones(Shape(wanted.begin(), wanted.end() - 1));
}

bool operand_fits(const LossOperand &operand, const Type &type, const Shape &wanted) {
  if (operand.classes && wanted.empty())
    return false;
  if (operand.classes && is_integer(type.dtype))
    return is_class_labels(operand, type, wanted);
  return without_ones(type.shape) == without_ones(wanted);
}

std::optional<Domain> operand_domain(const LossOperand &operand, const Shape &prediction) {
  constexpr double kRounding = 1e-3; // of probabilities with few digits: 0.333 + 0.333 + 0.333
  switch (operand.values) {
  case LossOperand::Values::any:
    return std::nullopt;
  case LossOperand::Values::chance:
    return Domain{0, 1};
  case LossOperand::Values::count:
    return Domain{0};
  case LossOperand::Values::distribution:
    if (!prediction.empty())
      return Domain{0, 1 + kRounding, prediction.back(), 1 - kRounding, 1 + kRounding};
  }
  return std::nullopt;
}

static Var fitted(const LossOperand &operand, Var value, Shape shape, DType dtype) {
  if (operand.classes && is_integer(value.dtype())) {
    shape.pop_back();
    return reshape(value, std::move(shape));
  }
  return reshape(cast(value, dtype), std::move(shape));
}

Var fit_operand(const LossOperand &operand, const JsonValue &attrs, Var value, Var prediction) {
  const Shape with_batch = prediction.shape();
  Shape shape = operand_shape(operand, attrs, Shape(with_batch.begin() + 1, with_batch.end()));
  shape.insert(shape.begin(), with_batch[0]);
  return fitted(operand, value, std::move(shape), prediction.dtype());
}

Var fit_target(const LossOperand &operand, Var target, Var prediction) {
  return fitted(operand, target, prediction.shape(), prediction.dtype());
}

Var one_hot(Var labels, int64_t classes) {
  const Var index = source(*labels.scope, "iota", {{"dim", int64_t{0}}}, Type{labels.dtype(), {classes}});
  Shape column = labels.shape();
  column.push_back(1);
  return equal(index, reshape(labels, std::move(column)));
}

} // namespace gradc
