#include "compiler/codegen/schedules/sum_order.h"

#include "ir/flat_access.h"

#include <algorithm>

namespace gradc {

// A read of an expression that a stage evaluates, as if the value of another stage lay dense in memory.
static FlatAccess read_of(const Kernel &k, const Expr &e) {
  if (e.kind == Expr::Kind::load)
    return flatten(k, e);
  Shape shape;
  for (int axis : k.stages[static_cast<size_t>(e.target)].axes)
    shape.push_back(k.axes[static_cast<size_t>(axis)].extent);
  return flatten(k, shape, e.index);
}

FixedSum fixed_sum(const Kernel &k, const Stage &stage) {
  if (stage.combiner != Combiner::sum || !is_float(k.expr(stage.body).dtype))
    return {0, stage.reduce.back()};
  FixedSum sum{kPartialSums, stage.reduce.back()};
  size_t last = 0; // one behind the position of the innermost axis found so far
  for (ExprId id : expressions_of(k, stage)) {
    const Expr &e = k.expr(id);
    if (e.kind != Expr::Kind::load && e.kind != Expr::Kind::stage)
      continue;
    const FlatAccess read = read_of(k, e);
    auto step = [&](int axis) { return read.coefficients[static_cast<size_t>(axis)]; };
    if (std::none_of(stage.reduce.begin(), stage.reduce.end(), [&](int axis) { return step(axis) != 0; }))
      continue;
    if (std::any_of(stage.axes.begin(), stage.axes.end(), [&](int axis) { return step(axis) == 1; }))
      return {1, stage.reduce.back()};
    for (size_t i = last; i < stage.reduce.size(); ++i)
      if (step(stage.reduce[i]) == 1)
        sum.axis = stage.reduce[i], last = i + 1;
  }
  return sum;
}

} // namespace gradc
