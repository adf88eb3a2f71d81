// Elements at affine indices: windows that slide over a tensor, diagonals, any strided view.
#include "ir/affine_adjoint.h"
#include "ir/axes.h"
#include "ir/lowering/affine_index.h"
#include "ir/lowering/lower.h"
#include "ir/op.h"

namespace gradc {

namespace {

View notation(const Attrs &attrs) { return parse_view(string_attr(attrs, "indices")); }

LetterExtents extents_of(const View &n, const Type &operand, const Type &result) {
  LetterExtents extents;
  extents.bind(n.operand, operand.shape, "the operand");
  extents.bind(n.out, result.shape, "the result");
  return extents;
}

} // namespace

static Type infer(const Signature &s) {
  const View n = notation(s.attrs);
  number_of(s.inputs[0].dtype, number_attr(s.attrs, "value"));
  const LetterExtents extents = extents_of(n, s.inputs[0], *s.declared);
  return {s.inputs[0].dtype, extents.of(n.out)};
}

/// dx(h) = the sum of dy at all places that read x(h).
static Gradients gradient(const Adjoint &g) {
  const View n = notation(g.attrs);
  const Type x = g.input(0).type();
  const LetterExtents extents = extents_of(n, x, g.dy.type());
  const AffineAdjoint adjoint = affine_adjoint(n.operand, x.shape, n.out, extents);
  return {join_phases(adjoint, x, g.scope(), [&](const AdjointPhase &phase) {
    const Var dy = sliced(phase, g.dy, subscripts_of(n.out));
    const Subscripts read = phase.in(subscripts_of(n.out));
    LetterExtents left;
    left.bind(read, dy.shape(), "the adjoint");
    // What is summed over comes before the last axis, along which elements are neighbours.
    std::string letters = phase.letters;
    Shape shape = phase.shape;
    std::vector<int64_t> summed;
    for (char letter : letters_of(read))
      if (letters.find(letter) == std::string::npos) {
        const size_t at = letters.size() - 1;
        summed.push_back(static_cast<int64_t>(at));
        letters.insert(at, 1, letter);
        shape.insert(shape.end() - 1, left.of(letter));
      }
    Attrs attrs{{"indices", View{read, letters}.text()}};
    return sum(apply("window", {dy}, attrs, Type{x.dtype, shape}), summed, false);
  })};
}

static ExprId lower(NodeLowering &l, const Index &at) {
  const View n = notation(l.node.attrs);
  return l.operand_padded(0, affine_index(n.operand, n.out, at), number_attr(l.node.attrs, "value"));
}

static void evaluate(const Node &node, std::span<const Tensor *const> in, Tensor &result) {
  const View n = notation(node.attrs);
  const Positions positions(n.operand, in[0]->type.shape, n.out);
  int64_t to = 0;
  for_each_index(result.type.shape, [&](const std::vector<int64_t> &at) {
    if (const int64_t from = positions.of(at); from >= 0)
      copy_element(*in[0], from, result, to);
    else
      result.set_exact(to, number_attr(node.attrs, "value"));
    ++to;
  });
}

extern const OpDef op_window;
const OpDef op_window{
    .name = "window",
    .doc = "y(letters) = x at sums of letters, as in \"n(2p+r)c->npcr\"; `value` outside of x",
    .arity = 1,
    .kind = OpKind::movement,
    .attrs = {{"indices", AttrKind::string, "at which x is read, for the letters of the result"},
              {"value", AttrKind::number, "what is outside", 0.0}},
    .type_rule = TypeRule::written,
    .infer = infer,
    .gradient = gradient,
    .lower = lower,
    .evaluate = evaluate,
};

} // namespace gradc
