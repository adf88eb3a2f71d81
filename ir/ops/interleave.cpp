// Tensors woven into each other, as the phases of a strided gradient are.
#include "ir/axes.h"
#include "ir/lowering/lower.h"
#include "ir/op.h"

namespace gradc {

/// The phase of operand `n` along every dim: the last dim runs fastest.
static std::vector<int64_t> phase_of(const std::vector<int64_t> &factors, int64_t n) {
  std::vector<int64_t> phase(factors.size());
  for (size_t d = factors.size(); d-- > 0; n /= factors[d])
    phase[d] = n % factors[d];
  return phase;
}

static Type infer(const Signature &s) {
  const std::vector<int64_t> &factors = ints_attr(s.attrs, "factors");
  const size_t rank = s.inputs[0].rank();
  check_one_per_dim("factors", factors, rank);
  check_at_least("factors", factors, 1);
  int64_t phases = 1;
  for (int64_t factor : factors)
    phases = checked_multiply(phases, factor);
  if (phases != static_cast<int64_t>(s.inputs.size()))
    throw Error("factors " + to_string(factors) + " take " + std::to_string(phases) + " operands, got " +
                std::to_string(s.inputs.size()));
  Type result{s.inputs[0].dtype, Shape(rank, 0)};
  int64_t stride = phases; // of the operands along a dim
  for (size_t d = 0; d < rank; ++d) {
    stride /= factors[d];
    for (int64_t f = 0; f < factors[d]; ++f) {
      const Type &x = s.inputs[static_cast<size_t>(f * stride)];
      if (x.rank() != rank)
        throw Error("operands must have one rank, got " + to_string(s.inputs[0]) + " and " + to_string(x));
      result.shape[d] = checked_add(result.shape[d], x.shape[d]);
    }
  }
  for (size_t n = 0; n < s.inputs.size(); ++n) {
    const std::vector<int64_t> phase = phase_of(factors, static_cast<int64_t>(n));
    Shape expected;
    for (size_t d = 0; d < rank; ++d)
      expected.push_back((result.shape[d] - phase[d] + factors[d] - 1) / factors[d]);
    if (s.inputs[n].shape != expected)
      throw Error("operand " + std::to_string(n) + " is " + to_string(s.inputs[n]) + ", expected the shape " + to_string(expected) +
                  " for a result of " + to_string(result.shape));
  }
  return result;
}

/// Each operand gets its phase back: a strided slice.
static Gradients gradient(const Adjoint &g) {
  const std::vector<int64_t> &factors = ints_attr(g.attrs, "factors");
  Gradients result;
  for (size_t n = 0; n < g.inputs.size(); ++n) {
    // A phase may lie behind the end of a dim; then it is empty, and so is the slice.
    std::vector<int64_t> starts = phase_of(factors, static_cast<int64_t>(n));
    const Shape limits = g.dy.shape();
    for (size_t d = 0; d < starts.size(); ++d)
      starts[d] = std::min(starts[d], limits[d]);
    result.push_back(apply("slice", {g.dy}, {{"starts", starts}, {"limits", limits}, {"strides", factors}}));
  }
  return result;
}

/// One loop for each operand, which stores it where it belongs.
static void lower_store(NodeLowering &l) {
  const std::vector<int64_t> &factors = ints_attr(l.node.attrs, "factors");
  for (size_t n = 0; n < l.node.inputs.size(); ++n) {
    const std::vector<int64_t> phase = phase_of(factors, static_cast<int64_t>(n));
    l.store(
        l.operand_type(static_cast<int>(n)).shape, [&](const Index &at) { return l.operand(static_cast<int>(n), at); },
        [&](const Index &at) {
          Index where;
          for (size_t d = 0; d < at.size(); ++d)
            where.push_back(at[d] * factors[d] + phase[d]);
          return where;
        },
        false);
  }
}

static void evaluate(const Node &node, std::span<const Tensor *const> in, Tensor &result) {
  const std::vector<int64_t> &factors = ints_attr(node.attrs, "factors");
  for (size_t n = 0; n < in.size(); ++n) {
    const std::vector<int64_t> phase = phase_of(factors, static_cast<int64_t>(n));
    int64_t from = 0;
    for_each_index(in[n]->type.shape, [&](std::vector<int64_t> index) {
      for (size_t d = 0; d < index.size(); ++d)
        index[d] = index[d] * factors[d] + phase[d];
      copy_element(*in[n], from++, result, flat_index(result.type.shape, index));
    });
  }
}

extern const OpDef op_interleave;
const OpDef op_interleave{
    .name = "interleave",
    .doc = "y[f * i + p, ...] = x_p[i, ...]: in each dim every factor-th element is of one operand",
    .arity = -1,
    .kind = OpKind::scatter,
    .attrs = {{"factors", AttrKind::integers, "how many operands take turns, in every dim; the last dim counts fastest"}},
    .infer = infer,
    .gradient = gradient,
    .lower_store = lower_store,
    .evaluate = evaluate,
};

} // namespace gradc
