// Elements at affine indices: windows that slide over a tensor, diagonals, any strided view.
#include "ir/affine_adjoint.h"
#include "ir/axes.h"
#include "ir/lowering/lower.h"
#include "ir/op.h"

#include <algorithm>

namespace gradc {

namespace {

struct Notation {
  Subscripts operand;
  std::string out;
};

Notation notation(const Attrs &attrs) {
  const std::string &text = string_attr(attrs, "indices");
  const size_t arrow = text.find("->");
  if (arrow == std::string::npos)
    throw Error("indices '" + text + "': expected an operand and a result such as \"n(2p+r)c->npcr\"");
  Notation n{parse_subscripts(text, std::string_view(text).substr(0, arrow)),
             parse_letters(text, std::string_view(text).substr(arrow + 2))};
  for (char c : letters_of(n.operand))
    if (n.out.find(c) == std::string::npos)
      throw Error("indices '" + text + "': '" + std::string(1, c) + "' of the operand is not in the result");
  for (char c : n.out)
    if (!mentions(n.operand, c))
      throw Error("indices '" + text + "': '" + std::string(1, c) + "' of the result is not in the operand");
  return n;
}

LetterExtents extents_of(const Notation &n, const Type &operand, const Type &result) {
  LetterExtents extents;
  extents.bind(n.operand, operand.shape, "the operand");
  extents.bind(n.out, result.shape, "the result");
  return extents;
}

} // namespace

static Type infer(const Signature &s) {
  const Notation n = notation(s.attrs);
  number_of(s.inputs[0].dtype, number_attr(s.attrs, "value"));
  const LetterExtents extents = extents_of(n, s.inputs[0], *s.declared);
  return {s.inputs[0].dtype, extents.of(n.out)};
}

/// dx(h) = the sum of dy at all places that read x(h).
static Gradients gradient(const Adjoint &g) {
  const Notation n = notation(g.attrs);
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
    Attrs attrs{{"indices", to_string(read) + "->" + letters}};
    return sum(apply("window", {dy}, attrs, Type{x.dtype, shape}), summed, false);
  })};
}

static ExprId lower(NodeLowering &l, const Index &at) {
  const Notation n = notation(l.node.attrs);
  Index index;
  for (const Subscript &s : n.operand) {
    IndexExpr e = IndexExpr::constant(s.offset);
    for (auto [letter, c] : s.terms)
      e = e + at[n.out.find(letter)] * c;
    index.push_back(e);
  }
  return l.operand_padded(0, index, number_attr(l.node.attrs, "value"));
}

static void evaluate(const Node &node, std::span<const Tensor *const> in, Tensor &result) {
  const Notation n = notation(node.attrs);
  const Shape &shape = in[0]->type.shape;
  int64_t to = 0;
  for_each_index(result.type.shape, [&](const std::vector<int64_t> &at) {
    std::vector<int64_t> from;
    bool inside = true;
    for (size_t d = 0; d < shape.size(); ++d) {
      int64_t i = n.operand[d].offset;
      for (auto [letter, c] : n.operand[d].terms)
        i += c * at[n.out.find(letter)];
      inside &= i >= 0 && i < shape[d];
      from.push_back(i);
    }
    if (inside)
      copy_element(*in[0], flat_index(shape, from), result, to);
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
