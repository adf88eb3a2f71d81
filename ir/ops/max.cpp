// The maximum along axes; NaN if any element is NaN.
#include "ir/reduction.h"

#include <cmath>
#include <limits>

namespace gradc {

static Type infer(const Signature &s) {
  const Type &x = s.inputs[0];
  Type result = infer_reduction(s);
  for (int64_t axis : ints_attr(s.attrs, "axes"))
    if (x.shape[static_cast<size_t>(axis)] == 0)
      throw Error("axis " + std::to_string(axis) + " of " + to_string(x) + " is empty: there is no maximum");
  if (const std::string &ties = string_attr(s.attrs, "ties"); ties != "share" && ties != "first")
    throw Error("ties must be \"share\" or \"first\", got \"" + ties + "\"");
  return result;
}

/// The number of each element among those that are reduced, in row-major order; dims that stay have extent 1.
static Var numbers(const Scope &scope, const Shape &shape, const std::vector<bool> &reduced) {
  Type type{DType::i32, shape};
  for (size_t d = 0; d < shape.size(); ++d)
    if (!reduced[d])
      type.shape[d] = 1;
  std::optional<Var> total;
  int stride = 1;
  for (size_t d = shape.size(); d-- > 0; stride *= static_cast<int>(type.shape[d]))
    if (type.shape[d] > 1) {
      const Var index = source(scope, "iota", {{"dim", static_cast<int64_t>(d)}}, type);
      const Var part = stride == 1 ? index : index * stride;
      total = total ? part + *total : part;
    }
  return total ? *total : constant(scope, 0, type);
}

/// d max / d x_i = [i = argmax].
static Gradients gradient_of_first(const Adjoint &g) {
  const Shape shape = g.input(0).shape();
  const std::vector<int64_t> &axes = ints_attr(g.attrs, "axes");
  const Var first = apply("argmax", {g.input(0)}, {{"axes", axes}, {"keep", true}});
  const Var number = numbers(g.scope(), shape, reduced_dims(axes, shape.size()));
  return {select(equal(first, number), with_reduced_dims(g, g.dy), 0)};
}

/// d max / d x_i = [x_i = max] / #{j : x_j = max}: elements that tie share the adjoint evenly.
static Gradients gradient(const Adjoint &g) {
  if (string_attr(g.attrs, "ties") == "first")
    return gradient_of_first(g);
  const Var x = g.input(0);
  const Var ties = cast(equal(x, with_reduced_dims(g, g.output)), x.dtype());
  const Var count = apply("sum", {ties}, {{"axes", ints_attr(g.attrs, "axes")}, {"keep", true}});
  const Var share = with_reduced_dims(g, g.dy) / count;
  return {ties * share};
}

template <typename T, typename Exceeds>
static std::vector<T> maxima(const Tensor &x, const std::vector<T> &elements,
                             const std::vector<bool> &reduced, int64_t count, T least, Exceeds exceeds) {
  std::vector<T> result(static_cast<size_t>(count), least);
  for_each_reduced(x.type.shape, reduced, [&](int64_t from, int64_t to) {
    T element = elements[static_cast<size_t>(from)];
    T &largest = result[static_cast<size_t>(to)];
    if (exceeds(element, largest))
      largest = element;
  });
  return result;
}

static void evaluate(const Node &node, std::span<const Tensor *const> in, Tensor &result) {
  const Tensor &x = *in[0];
  std::vector<bool> reduced = reduced_dims(ints_attr(node.attrs, "axes"), x.type.rank());
  int64_t count = result.type.elements();
  if (is_float(x.type.dtype))
    result.floats = maxima(x, x.floats, reduced, count, -std::numeric_limits<double>::infinity(),
                           [](double a, double b) { return a > b || std::isnan(a); });
  else
    result.integers = maxima(x, x.integers, reduced, count, std::numeric_limits<int64_t>::min(),
                             [](int64_t a, int64_t b) { return a > b; });
}

extern const OpDef op_max;
const OpDef op_max{
    .name = "max",
    .doc = "the maximum of x along axes; NaN if any element is NaN",
    .arity = 1,
    .kind = OpKind::reduction,
    .attrs = {{"axes", AttrKind::integers, "dims to take the maximum along"},
              {"keep", AttrKind::boolean, "whether those dims stay, with extent 1", false},
              {"ties", AttrKind::string, "which of equal maxima the gradient goes to: all alike, \"share\", or the \"first\"",
               std::string("share")}},
    .infer = infer,
    .gradient = gradient,
    .lower = [](NodeLowering &l, const Index &at) -> ExprId {
      std::vector<bool> reduced = reduced_dims(ints_attr(l.node.attrs, "axes"), l.operand_type(0).rank());
      return lower_reduction(l, Combiner::max, reduced, bool_attr(l.node.attrs, "keep"), at);
    },
    .evaluate = evaluate,
};

} // namespace gradc
