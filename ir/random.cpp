// Which random words belong to which element: see ir/random.h.
#include "ir/random.h"

#include "ir/philox.h"

#include <algorithm>

namespace gradc {

std::vector<AttrSpec> random_attrs() {
  return {{"stream", AttrKind::integer, "which of the independent sequences of random numbers"}};
}

Type infer_random(const Signature &s, std::initializer_list<DType> allowed) {
  const Type scalar{DType::i64, {}};
  for (size_t n = 0; n < s.inputs.size(); ++n)
    if (s.inputs[n] != scalar)
      throw Error(std::string(n == 0 ? "seed" : "step") + ": expected i64[], got " + to_string(s.inputs[n]));
  if (std::find(allowed.begin(), allowed.end(), s.declared->dtype) != allowed.end())
    return *s.declared;
  std::string expected;
  for (DType dtype : allowed)
    expected += (expected.empty() ? "" : " or ") + std::string(to_string(dtype));
  throw Error("expected a result of " + expected + ", got " + to_string(*s.declared));
}

namespace {

/// The row-major position of the element.
IndexExpr position(const NodeLowering &l, const Index &at) {
  IndexExpr flat;
  for (size_t d = 0; d < at.size(); ++d)
    flat = flat * l.node.type.shape[d] + at[d];
  return flat;
}

ExprId philox(NodeLowering &l, const IndexExpr &n) {
  ExprId stream = l.integer(int_attr(l.node.attrs, "stream"));
  return l.apply(ScalarOp::philox, {l.operand(0, {}), l.operand(1, {}), stream, l.index_value(n)}, DType::i32);
}

} // namespace

ExprId random_word(NodeLowering &l, const Index &at) { return philox(l, position(l, at)); }

std::pair<ExprId, ExprId> random_word_pair(NodeLowering &l, const Index &at) {
  const IndexExpr first = position(l, at) * 2;
  return {philox(l, first), philox(l, first + 1)};
}

// floor(word / 2^(32 - count)) modulo 2^count: what shifting the word to the right as an unsigned number gives.
ExprId high_bits(NodeLowering &l, ExprId word, int count) {
  auto apply = [&](ScalarOp op, ExprId x, int64_t y) {
    return l.apply(op, {x, l.integer(y, DType::i32)}, DType::i32);
  };
  return apply(ScalarOp::floormod, apply(ScalarOp::floordiv, word, int64_t{1} << (32 - count)),
               int64_t{1} << count);
}

int32_t random_word(const Node &node, std::span<const Tensor *const> inputs, int64_t n) {
  return philox_word(inputs[0]->integers[0], inputs[1]->integers[0], int_attr(node.attrs, "stream"), n);
}

std::pair<int32_t, int32_t> random_word_pair(const Node &node, std::span<const Tensor *const> inputs,
                                             int64_t e) {
  return {random_word(node, inputs, 2 * e), random_word(node, inputs, 2 * e + 1)};
}

} // namespace gradc
