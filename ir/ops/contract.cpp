// Sums of products: matrix products in all transpositions, batched or not, outer and inner products.
#include "ir/einsum.h"
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
  element_count(einsum_extents(e, a.shape, b.shape, e.out + e.contracted())); // the products must be countable
  return {a.dtype, einsum_extents(e, a.shape, b.shape, e.out)};
}

/// da(...) = sum over the letters that are not in a of dy(...) * b(...): again a contraction, as every letter
/// of an operand is in the other operand or in the result. db likewise.
static Gradients gradient(const Adjoint &g) {
  Einsum e = notation(g.attrs);
  Var da = apply("contract", {g.dy, g.input(1)}, {{"indices", Einsum{e.out, e.b, e.a}.text()}});
  Var db = apply("contract", {g.input(0), g.dy}, {{"indices", Einsum{e.a, e.out, e.b}.text()}});
  return {da, db};
}

/// `at[i]` belongs to letters[i]; the entries of the letters of `term`, in its order.
template <typename T>
static std::vector<T> pick(const std::string &term, const std::string &letters, const std::vector<T> &at) {
  std::vector<T> result;
  for (char letter : term)
    result.push_back(at[letters.find(letter)]);
  return result;
}

static ExprId lower(NodeLowering &l, const Index &at) {
  Einsum e = notation(l.node.attrs);
  DType dtype = l.node.type.dtype;
  std::string contracted = e.contracted();
  Shape extents = einsum_extents(e, l.operand_type(0).shape, l.operand_type(1).shape, contracted);
  auto product = [&](const Index &out, const Index &red) {
    Index all = out;
    all.insert(all.end(), red.begin(), red.end());
    ExprId a = l.operand(0, pick(e.a, e.out + contracted, all));
    ExprId b = l.operand(1, pick(e.b, e.out + contracted, all));
    return l.apply(ScalarOp::mul, {a, b}, dtype);
  };
  if (element_count(extents) == 0)
    return l.literal(0, dtype);
  if (element_count(extents) == 1)
    return product(at, Index(extents.size(), IndexExpr::constant(0)));
  return l.reduce(Combiner::sum, at, extents, product);
}

/// `T` is double or uint64_t, which wraps.
template <typename T, typename Element>
static std::vector<T> sums_of_products(const Einsum &e, const Tensor &a,
                                       const std::vector<Element> &a_elements, const Tensor &b,
                                       const std::vector<Element> &b_elements, int64_t count) {
  std::vector<T> sums(static_cast<size_t>(count), 0);
  std::string letters = e.out + e.contracted();
  Shape out = einsum_extents(e, a.type.shape, b.type.shape, e.out);
  for_each_index(einsum_extents(e, a.type.shape, b.type.shape, letters), [&](const std::vector<int64_t> &at) {
    auto i = static_cast<size_t>(flat_index(a.type.shape, pick(e.a, letters, at)));
    auto j = static_cast<size_t>(flat_index(b.type.shape, pick(e.b, letters, at)));
    auto k = static_cast<size_t>(flat_index(out, pick(e.out, letters, at)));
    sums[k] += static_cast<T>(a_elements[i]) * static_cast<T>(b_elements[j]);
  });
  return sums;
}

static void evaluate(const Node &node, std::span<const Tensor *const> in, Tensor &result) {
  Einsum e = notation(node.attrs);
  const Tensor &a = *in[0], &b = *in[1];
  int64_t count = result.type.elements();
  if (is_float(result.type.dtype)) {
    std::vector<double> sums = sums_of_products<double>(e, a, a.floats, b, b.floats, count);
    for (int64_t i = 0; i < count; ++i)
      result.set(i, sums[static_cast<size_t>(i)]);
    return;
  }
  std::vector<uint64_t> sums = sums_of_products<uint64_t>(e, a, a.integers, b, b.integers, count);
  for (int64_t i = 0; i < count; ++i)
    result.set_integer(i, static_cast<int64_t>(sums[static_cast<size_t>(i)]));
}

extern const OpDef op_contract;
const OpDef op_contract{
    .name = "contract",
    .doc = "the general contraction: a(...) * b(...) summed over the letters the result does not name",
    .arity = 2,
    .kind = OpKind::contraction,
    .attrs = {{"indices", AttrKind::string, "a letter for every axis, as in \"bi,io->bo\""}},
    .infer = infer,
    .gradient = gradient,
    .lower = lower,
    .evaluate = evaluate,
};

} // namespace gradc
