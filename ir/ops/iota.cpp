// The index of an element.
#include "ir/axes.h"
#include "ir/ops/elementwise.h"

namespace gradc {

static size_t dim(const Attrs &attrs) { return static_cast<size_t>(int_attr(attrs, "dim")); }

extern const OpDef op_iota;
const OpDef op_iota{
    .name = "iota",
    .doc = "every element is its own index along one dim",
    .arity = 0,
    .kind = OpKind::source,
    .attrs = {{"dim", AttrKind::integer, "the dim that is counted"}},
    .type_rule = TypeRule::written,
    .infer = [](const Signature &s) -> Type {
      check_axis("dim", int_attr(s.attrs, "dim"), s.declared->rank());
      if (s.declared->dtype == DType::boolean)
        throw Error("expected a result of f32, f64, i32 or i64, got bool");
      return *s.declared;
    },
    .gradient = no_gradient,
    .lower = [](NodeLowering &l, const Index &at) -> ExprId {
      ExprId index = l.index_value(at[dim(l.node.attrs)]);
      DType dtype = l.node.type.dtype;
      return dtype == DType::i64 ? index : l.apply(ScalarOp::cast, {index}, dtype);
    },
    .evaluate =
        [](const Node &node, std::span<const Tensor *const>, Tensor &result) {
          int64_t flat = 0;
          for_each_index(result.type.shape, [&](const std::vector<int64_t> &index) {
            result.set_integer(flat++, index[dim(node.attrs)]);
          });
        },
};

} // namespace gradc
