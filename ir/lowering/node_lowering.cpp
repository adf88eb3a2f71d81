// What the rules of ops may ask for, see ir/lowering/lower.h.
#include "ir/lowering/lowering.h"

namespace gradc {

const Type &NodeLowering::operand_type(int n) const {
  return lowering_.graph_.type(node.inputs[static_cast<size_t>(n)]);
}

ExprId NodeLowering::operand(int n, const Index &index) {
  return lowering_.element(node.inputs[static_cast<size_t>(n)], index, lowering_.guarded_);
}

ExprId NodeLowering::operand_broadcast(int n, const Index &result_index) {
  const Shape &shape = operand_type(n).shape;
  Index index(result_index.end() - static_cast<std::ptrdiff_t>(shape.size()), result_index.end());
  for (size_t d = 0; d < shape.size(); ++d)
    if (shape[d] == 1)
      index[d] = IndexExpr::constant(0);
  return operand(n, index);
}

ExprId NodeLowering::operand_padded(int n, const Index &index, Number pad) {
  return lowering_.element_padded(node.inputs[static_cast<size_t>(n)], index, pad, lowering_.guarded_);
}

ExprId NodeLowering::literal(Number value, DType dtype) {
  return lowering_.kernel().intern(Expr::literal(value, dtype));
}

ExprId NodeLowering::integer(int64_t value, DType dtype) { return literal(value, dtype); }

ExprId NodeLowering::index_value(const IndexExpr &index) {
  return lowering_.kernel().intern({.kind = Expr::Kind::index, .dtype = DType::i64, .index = {index}});
}

ExprId NodeLowering::apply(ScalarOp op, std::vector<ExprId> args, DType result) {
  return lowering_.kernel().intern(
      {.kind = Expr::Kind::op, .dtype = result, .op = op, .args = std::move(args)});
}

ExprId NodeLowering::reduce(Combiner combiner, const Index &at, const Shape &extents,
                            const std::function<ExprId(const Index &, const Index &)> &body) {
  return lowering_.reduce(value_, combiner, at, extents, body);
}

void NodeLowering::store(const Shape &extents, const std::function<ExprId(const Index &)> &value,
                         const std::function<Index(const Index &)> &where, bool accumulate) {
  lowering_.store(value_, extents, value, where, accumulate);
}

} // namespace gradc
