// Activation functions.
#pragma once

#include "compiler/model/tables/attributes.h"
#include "ir/formula.h"

namespace gradc {

const Family &activations();

/// How a prediction becomes what people want to see: yes or no, or one class of each row. `sign` and `largest` are that without
/// probabilities that follow from it: the sign of a score, the largest of a row that holds probabilities already.
enum class Link : uint8_t { none, sigmoid, softmax, sign, largest };
/// Is each element a yes or a no, which is a yes where it is positive?
constexpr bool answers_yes_or_no(Link link) { return link == Link::sigmoid || link == Link::sign; }
/// Is each row a choice of one class, that of the largest element?
constexpr bool chooses_class(Link link) { return link == Link::softmax || link == Link::largest; }

struct ActivationDef {
  ObjectSpec spec;
  bool rectifier; // passes only (or mostly) positive values, so that he_uniform keeps the variance of what flows through
  Link link;      // the link that it is
  /// Of the shape of x, in a form that neither overflows nor cancels.
  Var (*apply)(const JsonValue &attrs, Var x);
  bool of_rows = false; // it is one of the last axis, which must be there; else of every element
  double (*gain)(const JsonValue &attrs) = nullptr; // torch.nn.init.calculate_gain; null where that knows none
};
/// That of a resolved activation.
const ActivationDef &find_activation(const JsonValue &activation);
/// The activation applied to x.
Var activate(const JsonValue &activation, Var x);
/// The names of the rectifiers: "relu, leaky_relu and gelu".
std::string rectifier_names();

/// x less the largest along the last axis, through which no gradient flows.
Var less_largest(Var x);
/// exp(x) / sum(exp(x)) over the last axis.
Var softmax(Var x);
/// Its logarithm.
Var log_softmax(Var x);
/// log(sum(exp(x))) along the last axis, for x whose largest is 0.
Var log_sum_exp(Var x);

} // namespace gradc
