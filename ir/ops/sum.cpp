// Sums along axes.
#include "ir/reduction.h"

namespace gradc {

static void evaluate(const Node &node, std::span<const Tensor *const> in, Tensor &result) {
  const Tensor &x = *in[0];
  std::vector<bool> reduced = reduced_dims(ints_attr(node.attrs, "axes"), x.type.rank());
  size_t count = static_cast<size_t>(result.type.elements());
  if (is_float(x.type.dtype)) {
    std::vector<double> sums(count, 0);
    for_each_reduced(x.type.shape, reduced, [&](int64_t from, int64_t to) {
      sums[static_cast<size_t>(to)] += x.floats[static_cast<size_t>(from)];
    });
    for (size_t i = 0; i < count; ++i)
      result.set(static_cast<int64_t>(i), sums[i]);
    return;
  }
  std::vector<uint64_t> sums(count, 0); // wraps
  for_each_reduced(x.type.shape, reduced, [&](int64_t from, int64_t to) {
    sums[static_cast<size_t>(to)] += static_cast<uint64_t>(x.integers[static_cast<size_t>(from)]);
  });
  for (size_t i = 0; i < count; ++i)
    result.set_integer(static_cast<int64_t>(i), static_cast<int64_t>(sums[i]));
}

extern const OpDef op_sum;
const OpDef op_sum{
    .name = "sum",
    .doc = "the sum of x along axes",
    .arity = 1,
    .kind = OpKind::reduction,
    .attrs = {{"axes", AttrKind::integers, "dims to sum along"},
              {"keep", AttrKind::boolean, "whether those dims stay, with extent 1", false}},
    .infer = infer_reduction,
    .gradient = [](const Adjoint &g) -> Gradients {
      return {apply("broadcast", {with_reduced_dims(g, g.dy)}, {}, g.input(0).type())};
    },
    .lower = [](NodeLowering &l, const Index &at) -> ExprId {
      std::vector<bool> reduced = reduced_dims(ints_attr(l.node.attrs, "axes"), l.operand_type(0).rank());
      return lower_reduction(l, Combiner::sum, reduced, bool_attr(l.node.attrs, "keep"), at);
    },
    .evaluate = evaluate,
};

} // namespace gradc
