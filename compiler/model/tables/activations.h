// Activation functions.
#pragma once

#include "compiler/model/tables/attributes.h"
#include "ir/formula.h"

namespace gradc {

const Family &activations();

/// How a prediction becomes what people want to see: yes or no, or one class of each row.
enum class Link : uint8_t { none, sigmoid, softmax };

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

/// exp(x) / sum(exp(x)) over the last axis.
Var softmax(Var x);
/// Its logarithm.
Var log_softmax(Var x);

} // namespace gradc
