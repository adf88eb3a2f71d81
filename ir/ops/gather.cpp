// Rows of a table, one for every index.
#include "ir/axes.h"
#include "ir/rows.h"

namespace gradc {

extern const OpDef op_gather;
const OpDef op_gather{
    .name = "gather",
    .doc = "result(s..., k...) = table(indices(s...), k...); indices are clamped to the rows there are",
    .arity = 2,
    .kind = OpKind::movement,
    .infer = [](const Signature &s) -> Type {
      check_rows(s.inputs[0], s.inputs[1]);
      return {s.inputs[0].dtype, rows_shape(s.inputs[0], s.inputs[1])};
    },
    .gradient = [](const Adjoint &g) -> Gradients {
      const Var zeros = constant(g.scope(), 0, g.input(0).type());
      return {apply("scatter_add", {zeros, g.input(1), g.dy}), kNoGradient};
    },
    .lower = [](NodeLowering &l, const Index &at) -> ExprId {
      return l.operand(0, row_index(l, l.operand_type(0), 1, at));
    },
    .evaluate =
        [](const Node &, std::span<const Tensor *const> in, Tensor &result) {
          for_each_row_element(*in[0], *in[1], [&](int64_t in_rows, int64_t in_table) {
            copy_element(*in[0], in_table, result, in_rows);
          });
        },
};

} // namespace gradc
