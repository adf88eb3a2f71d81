// Dims, shapes and lowering of reductions: see ir/reduction.h.
#include "ir/reduction.h"

#include "ir/axes.h"

namespace gradc {

std::vector<bool> reduced_dims(const std::vector<int64_t> &axes, size_t rank) {
  check_axes("axes", axes, rank);
  std::vector<bool> reduced(rank, false);
  for (int64_t axis : axes)
    reduced[static_cast<size_t>(axis)] = true;
  return reduced;
}

Shape reduced_shape(const Shape &operand, const std::vector<bool> &reduced, bool keep) {
  Shape shape;
  for (size_t d = 0; d < operand.size(); ++d)
    if (!reduced[d] || keep)
      shape.push_back(reduced[d] ? 1 : operand[d]);
  return shape;
}

Type infer_reduction(const Signature &s) {
  const Type &x = s.inputs[0];
  if (!is_float(x.dtype) && !is_integer(x.dtype))
    throw Error("the operand must be of floats or integers, got " + to_string(x));
  std::vector<bool> reduced = reduced_dims(ints_attr(s.attrs, "axes"), x.rank());
  return {x.dtype, reduced_shape(x.shape, reduced, bool_attr(s.attrs, "keep"))};
}

/// The operand's index: `out` at the dims that stay, `red` at those that are reduced.
static Index joined(const std::vector<bool> &reduced, bool keep, const Index &out, const Index &red) {
  Index index;
  size_t o = 0, r = 0;
  for (bool is_reduced : reduced) {
    index.push_back(is_reduced ? red[r++] : out[o]);
    if (!is_reduced || keep)
      ++o;
  }
  return index;
}

ExprId lower_reduction(NodeLowering &l, Combiner combiner, const std::vector<bool> &reduced, bool keep,
                       const Index &at) {
  const Shape &shape = l.operand_type(0).shape;
  Shape extents;
  for (size_t d = 0; d < shape.size(); ++d)
    if (reduced[d])
      extents.push_back(shape[d]);
  auto term = [&](const Index &out, const Index &red) {
    return l.operand(0, joined(reduced, keep, out, red));
  };
  if (element_count(extents) == 0)
    return l.literal(0, l.node.type.dtype);
  if (element_count(extents) > 1)
    return l.reduce(combiner, at, extents, term);
  if (combiner == Combiner::argmax)
    return l.integer(0, l.node.type.dtype);
  return term(at, Index(extents.size(), IndexExpr::constant(0)));
}

Var with_reduced_dims(const Adjoint &g, Var v) {
  const Shape operand = g.input(0).shape();
  return reshape(v, reduced_shape(operand, reduced_dims(ints_attr(g.attrs, "axes"), operand.size()), true));
}

void for_each_reduced(const Shape &operand, const std::vector<bool> &reduced,
                      const std::function<void(int64_t, int64_t)> &visit) {
  Shape kept = reduced_shape(operand, reduced, true);
  int64_t from = 0;
  for_each_index(operand, [&](const std::vector<int64_t> &index) { visit(from++, flat_index(kept, index)); });
}

} // namespace gradc
