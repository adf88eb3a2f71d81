// How a contraction runs: the order of its loops, its register tile, what is packed. Chosen by counting cycles.
#pragma once

#include "compiler/codegen/schedules/loop_schedule.h"

#include <set>

namespace gradc {

/// A nest whose one reduction is a sum of products.
struct Contraction {
  const Kernel *kernel = nullptr;
  std::vector<int> parallel, reduce; // axes; parallel ones without those of loops around the nest, but for shared_rows
  std::set<int> in_order;            // parallel axes along which points must run one by one
  std::set<int> beside;              // axes of stages beside the product: they take its columns, and none of its rows
  int element_bytes = 4;
  int operations = 1; // scalar operations for each term, the product not counted
  struct Operand {
    ExprId load;
    FlatAccess flat;
    bool packable = false; // nothing is known of its elements but where they are
  };
  std::vector<Operand> operands; // loads of the term
  std::vector<FlatAccess> others; // accesses that happen once an element: epilogue and stores
  int shared_rows = -1; // a parallel axis that other nests share: it must be that of the rows, and the outermost loop

  int64_t extent(int axis) const { return kernel->axes[static_cast<size_t>(axis)].extent; }
};

/// Fills in tile, lanes, order and packing with the cheapest of all candidates, and lists the cheapest of each kind.
void schedule_contraction(NestSchedule &, const Contraction &, const Target &);

} // namespace gradc
