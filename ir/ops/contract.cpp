// Sums of products: matrix products in all transpositions, batched or not, outer and inner products, convolutions.
#include "ir/affine_adjoint.h"
#include "ir/einsum.h"
#include "ir/lowering/affine_index.h"
#include "ir/lowering/lower.h"
#include "ir/op.h"

namespace gradc {

static Einsum notation(const Attrs &attrs) { return parse_einsum(string_attr(attrs, "indices")); }

static Type infer(const Signature &s) {
  const Type &a = s.inputs[0], &b = s.inputs[1];
  if (a.dtype != b.dtype || a.dtype == DType::boolean)
    throw Error("operands must be of floats or integers of one dtype, got " + to_string(a) + " and " +
                to_string(b));
  Einsum e = notation(s.attrs);
  const LetterExtents extents = einsum_extents(e, a.shape, b.shape, s.declared ? &s.declared->shape : nullptr);
  element_count(extents.of(e.out + e.contracted())); // the products must be countable
  return {a.dtype, extents.of(e.out)};
}

/// A contraction of dy with the other operand, or where the operand is read in strides one for each phase.
static Var adjoint(const Adjoint &g, bool first) {
  return contract_adjoint(notation(g.attrs), first, g.input(first ? 0 : 1).type(), g.dy, g.input(first ? 1 : 0));
}

static ExprId lower(NodeLowering &l, const Index &at) {
  const Einsum e = notation(l.node.attrs);
  const DType dtype = l.node.type.dtype;
  const bool plain = e.is_plain();
  const std::string contracted = e.contracted(), letters = e.out + contracted;
  const Shape extents = einsum_extents(e, l.operand_type(0).shape, l.operand_type(1).shape, &l.node.type.shape).of(contracted);
  auto factor = [&](int n, const Index &point) {
    const Index index = affine_index(n == 0 ? e.a : e.b, letters, point);
    // Outside, a factor of 0 takes the place of an absent term.
    return plain ? l.operand(n, index) : l.operand_padded(n, index, 0);
  };
  auto product = [&](const Index &out, const Index &red) {
    Index point = out;
    point.insert(point.end(), red.begin(), red.end());
    const ExprId a = factor(0, point);
    return l.apply(ScalarOp::mul, {a, factor(1, point)}, dtype);
  };
  if (element_count(extents) == 0)
    return l.literal(0, dtype);
  if (element_count(extents) == 1)
    return product(at, Index(extents.size(), IndexExpr::constant(0)));
  return l.reduce(Combiner::sum, at, extents, product);
}

/// `T` is double or uint64_t, which wraps.
template <typename T, typename Element>
static std::vector<T> sums_of_products(const Einsum &e, const Tensor &a, const std::vector<Element> &a_elements, const Tensor &b,
                                       const std::vector<Element> &b_elements, const Shape &out) {
  std::vector<T> sums(static_cast<size_t>(element_count(out)), 0);
  const std::string letters = e.out + e.contracted();
  const LetterExtents extents = einsum_extents(e, a.type.shape, b.type.shape, &out);
  const Positions of_a(e.a, a.type.shape, letters), of_b(e.b, b.type.shape, letters), of_out(subscripts_of(e.out), out, letters);
  for_each_index(extents.of(letters), [&](const std::vector<int64_t> &at) {
    const int64_t i = of_a.of(at), j = of_b.of(at);
    if (i >= 0 && j >= 0)
      sums[static_cast<size_t>(of_out.of(at))] +=
          static_cast<T>(a_elements[static_cast<size_t>(i)]) * static_cast<T>(b_elements[static_cast<size_t>(j)]);
  });
  return sums;
}

static void evaluate(const Node &node, std::span<const Tensor *const> in, Tensor &result) {
  Einsum e = notation(node.attrs);
  const Tensor &a = *in[0], &b = *in[1];
  const Shape &out = node.type.shape;
  if (is_float(result.type.dtype)) {
    std::vector<double> sums = sums_of_products<double>(e, a, a.floats, b, b.floats, out);
    for (size_t i = 0; i < sums.size(); ++i)
      result.set(static_cast<int64_t>(i), sums[i]);
    return;
  }
  std::vector<uint64_t> sums = sums_of_products<uint64_t>(e, a, a.integers, b, b.integers, out);
  for (size_t i = 0; i < sums.size(); ++i)
    result.set_integer(static_cast<int64_t>(i), static_cast<int64_t>(sums[i]));
}

extern const OpDef op_contract;
const OpDef op_contract{
    .name = "contract",
    .doc = "the general contraction: a(...) * b(...) summed over the letters the result does not name; outside an operand a term is absent",
    .arity = 2,
    .kind = OpKind::contraction,
    .attrs = {{"indices", AttrKind::string,
               "a letter for every axis, as in \"bi,io->bo\", or of an operand a sum of letters, as in \"n(2p+r-1)c,rco->npo\""}},
    .type_rule = TypeRule::either,
    .infer = infer,
    .gradient = [](const Adjoint &g) -> Gradients {
      const Var da = adjoint(g, true);
      return {da, adjoint(g, false)};
    },
    .lower = lower,
    .evaluate = evaluate,
};

} // namespace gradc
