// The position of the largest element along one axis.
#include "ir/axes.h"
#include "ir/reduction.h"

#include <cmath>

namespace gradc {

static std::vector<bool> reduced_axis(const Attrs &attrs, size_t rank) {
  std::vector<bool> reduced(rank, false);
  reduced[static_cast<size_t>(int_attr(attrs, "axis"))] = true;
  return reduced;
}

static Type infer(const Signature &s) {
  const Type &x = s.inputs[0];
  if (!is_float(x.dtype) && !is_integer(x.dtype))
    throw Error("the operand must be of floats or integers, got " + to_string(x));
  int64_t axis = int_attr(s.attrs, "axis");
  check_axis("axis", axis, x.rank());
  if (x.shape[static_cast<size_t>(axis)] == 0)
    throw Error("axis " + std::to_string(axis) + " of " + to_string(x) + " is empty: there is no maximum");
  return {DType::i32, reduced_shape(x.shape, reduced_axis(s.attrs, x.rank()), bool_attr(s.attrs, "keep"))};
}

static bool exceeds(double a, double b) { return a > b || (std::isnan(a) && !std::isnan(b)); }
static bool exceeds(int64_t a, int64_t b) { return a > b; }

template <typename T>
static void evaluate_on(const Node &node, const Tensor &x, const std::vector<T> &elements, Tensor &result) {
  constexpr int64_t none = -1;
  std::vector<int64_t> best(static_cast<size_t>(result.type.elements()), none); // flat positions in x
  std::vector<bool> reduced = reduced_axis(node.attrs, x.type.rank());
  for_each_reduced(x.type.shape, reduced, [&](int64_t from, int64_t to) {
    int64_t &b = best[static_cast<size_t>(to)];
    if (b == none || exceeds(elements[static_cast<size_t>(from)], elements[static_cast<size_t>(b)]))
      b = from;
  });
  size_t axis = static_cast<size_t>(int_attr(node.attrs, "axis"));
  int64_t stride = 1;
  for (size_t d = axis + 1; d < x.type.rank(); ++d)
    stride *= x.type.shape[d];
  for (size_t i = 0; i < best.size(); ++i)
    result.set_integer(static_cast<int64_t>(i), best[i] / stride % x.type.shape[axis]);
}

extern const OpDef op_argmax;
const OpDef op_argmax{
    .name = "argmax",
    .doc = "the index of the maximum of x along one axis: the first on ties; NaN is above all numbers",
    .arity = 1,
    .kind = OpKind::reduction,
    .attrs = {{"axis", AttrKind::integer, "the dim to look along"},
              {"keep", AttrKind::boolean, "whether that dim stays, with extent 1", false}},
    .infer = infer,
    .gradient = [](const Adjoint &) -> Gradients { return {kNoGradient}; },
    .lower = [](NodeLowering &l, const Index &at) -> ExprId {
      std::vector<bool> reduced = reduced_axis(l.node.attrs, l.operand_type(0).rank());
      return lower_reduction(l, Combiner::argmax, reduced, bool_attr(l.node.attrs, "keep"), at);
    },
    .evaluate =
        [](const Node &node, std::span<const Tensor *const> in, Tensor &result) {
          if (is_float(in[0]->type.dtype))
            evaluate_on(node, *in[0], in[0]->floats, result);
          else
            evaluate_on(node, *in[0], in[0]->integers, result);
        },
};

} // namespace gradc
