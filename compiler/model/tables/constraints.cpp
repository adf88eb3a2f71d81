#include "compiler/model/tables/constraints.h"

#include "ir/error.h"

#include <numeric>

namespace gradc {

Var unit_norm(Var w) {
  std::vector<int64_t> axes(static_cast<size_t>(w.rank() < 2 ? w.rank() : w.rank() - 1));
  std::iota(axes.begin(), axes.end(), 0);
  return sqrt(sum(square(w), axes, true));
}

namespace {

struct ConstraintDef {
  ObjectSpec spec;
  Var (*apply)(const JsonValue &, Var w);
};

/// torch.renorm: what is short enough stays as it is, to the bit.
Var max_norm(const JsonValue &attrs, Var w) {
  const Var norm = unit_norm(w);
  const double limit = attrs.number_at("limit");
  return w * select(greater(norm, limit), limit / (norm + 1e-7), 1);
}

/// torch.nn.functional.normalize
Var of_unit_norm(const JsonValue &, Var w) {
  const Var norm = unit_norm(w);
  return w / maximum(norm, number_like(norm, 1e-12));
}

Var non_negative(const JsonValue &, Var w) { return maximum(w, number_like(w, 0)); }

const std::vector<ConstraintDef> &table() {
  static const std::vector<ConstraintDef> defs = {
      {{"max_norm", "the weights of each unit that are longer are scaled to this length", {attr::number("limit", "the length").above(0).defaults_to("2")}}, max_norm},
      {{"unit_norm", "the weights of each unit are scaled to length 1", {}}, of_unit_norm},
      {{"non_negative", "negative weights become 0", {}}, non_negative},
  };
  return defs;
}

} // namespace

const Family &constraints() {
  static const Family family = [] {
    Family f{"constraint", "What weights are made to keep after every update. Those of one unit are a column of W."};
    f.by_name = true;
    for (const ConstraintDef &def : table())
      f.types.push_back(&def.spec);
    return f;
  }();
  return family;
}

Var constrained(const JsonValue &constraint, Var w) {
  for (const ConstraintDef &def : table())
    if (def.spec.name == constraint.string_at("type"))
      return def.apply(constraint, w);
  throw InternalFault("no such constraint");
}

} // namespace gradc
