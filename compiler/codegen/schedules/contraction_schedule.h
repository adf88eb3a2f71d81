// How a contraction runs: the order of its loops, its register tile, what is packed. Chosen by counting cycles.
#pragma once

#include "compiler/codegen/schedules/loop_schedule.h"

#include <optional>
#include <set>

namespace gradc {

/// A nest whose one reduction is a sum of products.
struct Contraction {
  const Kernel *kernel = nullptr;
  std::vector<int> parallel, reduce; // its axes. Those of loops around the nest are not among them, except shared_rows
  std::set<int> in_order;            // parallel axes along which points must run one by one
  std::set<int> beside;              // axes of stages beside the product, which use its column tiles but none of its rows
  int element_bytes = 4;
  int operations = 1; // scalar operations for each term, the product not counted
  struct Operand {
    ExprId load;
    FlatAccess flat;
    bool packable = false; // a plain load of the element size of the nest, at an affine index: it can be copied
  };
  std::vector<Operand> operands;  // what a term reads
  std::vector<FlatAccess> others; // what is read or written once an element of the result: by the epilogue and the stores
  std::optional<FixedSum> fixed;  // the order of its terms, where that is fixed
  int shared_rows = -1; // a parallel axis whose loop surrounds other nests too. It must be the axis of the rows, and outermost

  int64_t extent(int axis) const { return kernel->axes[static_cast<size_t>(axis)].extent; }
};

/// Fills in tile, lanes, order and packing with the cheapest of all candidates, and lists the cheapest of each kind.
void schedule_contraction(NestSchedule &, const Contraction &, const Target &);

} // namespace gradc
