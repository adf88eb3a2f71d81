// From a region of graph nodes to one kernel, by substitution of bodies.
//
// An op's lowering answers "what is your element at this index?" in terms of its operands at other indices. Where an
// operand is made inside the region, its own lowering is asked in turn (inlined), or, if it reduces, it becomes a stage
// of the kernel. So fusion needs no rule per pair of ops.
#pragma once

#include "ir/graph.h"
#include "ir/kernel.h"

#include <functional>
#include <stdexcept>

namespace gradc {

/// The region cannot be one kernel; what() is the reason, for people.
struct Unfusable : std::runtime_error {
  using std::runtime_error::runtime_error;
};

class Lowering; // one kernel in the making

/// What an op's `lower` rule works with: one node, asked for its element at an index.
class NodeLowering {
public:
  const Node &node;

  const Type &operand_type(int n) const;
  /// Operand `n` at `index` (one entry a dim of the operand).
  ExprId operand(int n, const Index &index);
  /// Operand `n` at an index of the *result*, by NumPy broadcasting.
  ExprId operand_broadcast(int n, const Index &result_index);
  /// Operand `n` at `index`, or `pad` where the index is out of bounds.
  ExprId operand_padded(int n, const Index &index, Number pad);

  ExprId literal(Number value, DType dtype);
  ExprId integer(int64_t value, DType dtype = DType::i64);
  ExprId index_value(const IndexExpr &); // as i64
  ExprId apply(ScalarOp op, std::vector<ExprId> args, DType result);
  /// Sum, maximum or argmax over axes of the given extents. `body(out, red)` is the term; `out` stands for `at`.
  ExprId reduce(Combiner combiner, const Index &at, const Shape &extents,
                const std::function<ExprId(const Index &out, const Index &red)> &body);
  /// For ops lowered by stores (OpDef::lower_store): a stage over axes of the given extents that stores `value(axes)` to
  /// the result at `where(axes)`, adding to what is there if `accumulate`.
  void store(const Shape &extents, const std::function<ExprId(const Index &)> &value,
             const std::function<Index(const Index &)> &where, bool accumulate);

private:
  friend class Lowering;
  NodeLowering(Lowering &l, Value v, const Node &node) : node(node), lowering_(l), value_(v) {}
  Lowering &lowering_;
  Value value_;
};

/// A kernel and which graph value each of its parameters is.
struct LoweredKernel {
  Kernel kernel;
  std::vector<Value> values; // one a parameter
  size_t number = 0;         // among those of a graph: the first kernel that is equal, but for its name and values
};

/// Lowers the nodes of one region. `outputs` are those whose value is needed outside. Splat constants become literals;
/// everything else from outside becomes a parameter. Throws Unfusable with the reason.
LoweredKernel lower_region(const Graph &graph, const std::vector<Value> &nodes, const std::vector<Value> &outputs);
/// The kernels of a fused graph, in order. A node outside every kernel is a declaration, a constant or a view. Regions that
/// are alike are lowered once.
std::vector<LoweredKernel> lower_kernels(const Graph &graph);

} // namespace gradc
