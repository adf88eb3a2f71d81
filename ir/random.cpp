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

/// Index arithmetic on i64 in a lowering.
struct Integers {
  NodeLowering &l;

  ExprId apply(ScalarOp op, ExprId x, int64_t y) { return l.apply(op, {x, l.integer(y)}, DType::i64); }
  /// The row-major position of the element.
  ExprId position(const Index &at) {
    IndexExpr flat;
    for (size_t d = 0; d < at.size(); ++d)
      flat = flat * l.node.type.shape[d] + at[d];
    return l.index_value(flat);
  }
  ExprId philox(ExprId block, ExprId word) {
    ExprId stream = l.integer(int_attr(l.node.attrs, "stream"));
    return l.apply(ScalarOp::philox, {l.operand(0, {}), l.operand(1, {}), block, stream, word}, DType::i32);
  }
};

} // namespace

ExprId random_word(NodeLowering &l, const Index &at) {
  Integers i{l};
  ExprId e = i.position(at);
  return i.philox(i.apply(ScalarOp::floordiv, e, 4), i.apply(ScalarOp::floormod, e, 4));
}

std::pair<ExprId, ExprId> random_word_pair(NodeLowering &l, const Index &at) {
  Integers i{l};
  ExprId e = i.position(at);
  ExprId block = i.apply(ScalarOp::floordiv, e, 2);
  ExprId first = i.apply(ScalarOp::mul, i.apply(ScalarOp::floormod, e, 2), 2);
  return {i.philox(block, first), i.philox(block, i.apply(ScalarOp::add, first, 1))};
}

// There are no shifts: for w < 0, whose complement -1 - w is not negative, the high bits are the complement
// of those of the complement. All of it fits 32-bit lanes.
ExprId high_bits(NodeLowering &l, ExprId word, int count) {
  auto number = [&](int64_t x) { return l.integer(x, DType::i32); };
  auto apply = [&](ScalarOp op, std::vector<ExprId> args) {
    return l.apply(op, std::move(args), DType::i32);
  };
  ExprId negative = l.apply(ScalarOp::lt, {word, number(0)}, DType::boolean);
  ExprId folded = apply(ScalarOp::select, {negative, apply(ScalarOp::sub, {number(-1), word}), word});
  ExprId high = apply(ScalarOp::div, {folded, number(int64_t{1} << (32 - count))});
  ExprId complement = apply(ScalarOp::sub, {number((int64_t{1} << count) - 1), high});
  return apply(ScalarOp::select, {negative, complement, high});
}

static int32_t word(const Node &node, std::span<const Tensor *const> inputs, int64_t block, int64_t n) {
  return philox_word(inputs[0]->integers[0], inputs[1]->integers[0], block, int_attr(node.attrs, "stream"),
                     n);
}

int32_t random_word(const Node &node, std::span<const Tensor *const> inputs, int64_t e) {
  return word(node, inputs, e / 4, e % 4);
}

std::pair<int32_t, int32_t> random_word_pair(const Node &node, std::span<const Tensor *const> inputs,
                                             int64_t e) {
  return {word(node, inputs, e / 2, e % 2 * 2), word(node, inputs, e / 2, e % 2 * 2 + 1)};
}

} // namespace gradc
