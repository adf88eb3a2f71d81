// The position of the largest element along axes.
#include "ir/reduction.h"

#include <cmath>

namespace gradc {

static Type infer(const Signature &s) {
  const Type &x = s.inputs[0];
  Type result = infer_reduction(s);
  const std::vector<int64_t> &axes = ints_attr(s.attrs, "axes");
  int64_t positions = 1;
  for (int64_t axis : axes) {
    const int64_t extent = x.shape[static_cast<size_t>(axis)];
    if (extent == 0)
      throw Error("axis " + std::to_string(axis) + " of " + to_string(x) + " is empty: there is no maximum");
    positions = checked_multiply(positions, extent);
  }
  if (positions > kMaxDim)
    throw Error("the positions along the axes " + to_string(axes) + " of " + to_string(x) + " do not fit i32");
  result.dtype = DType::i32;
  return result;
}

static bool exceeds(double a, double b) { return a > b || (std::isnan(a) && !std::isnan(b)); }
static bool exceeds(int64_t a, int64_t b) { return a > b; }

template <typename T>
static void evaluate_on(const Node &node, const Tensor &x, const std::vector<T> &elements, Tensor &result) {
  const auto count = static_cast<size_t>(result.type.elements());
  std::vector<T> largest(count);
  std::vector<int64_t> seen(count, 0), best(count, 0); // how many elements so far, and the number of the largest
  for_each_reduced(x.type.shape, reduced_dims(ints_attr(node.attrs, "axes"), x.type.rank()), [&](int64_t from, int64_t to) {
    const auto i = static_cast<size_t>(to);
    const T element = elements[static_cast<size_t>(from)];
    if (seen[i] == 0 || exceeds(element, largest[i])) {
      largest[i] = element;
      best[i] = seen[i];
    }
    ++seen[i];
  });
  for (size_t i = 0; i < count; ++i)
    result.set_integer(static_cast<int64_t>(i), best[i]);
}

extern const OpDef op_argmax;
const OpDef op_argmax{
    .name = "argmax",
    .doc = "the row-major position of the maximum of x along axes: the first on ties; NaN is above all numbers",
    .arity = 1,
    .kind = OpKind::reduction,
    .attrs = {{"axes", AttrKind::integers, "dims to look along"},
              {"keep", AttrKind::boolean, "whether those dims stay, with extent 1", false}},
    .infer = infer,
    .gradient = [](const Adjoint &) -> Gradients { return {kNoGradient}; },
    .lower = [](NodeLowering &l, const Index &at) -> ExprId {
      std::vector<bool> reduced = reduced_dims(ints_attr(l.node.attrs, "axes"), l.operand_type(0).rank());
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
