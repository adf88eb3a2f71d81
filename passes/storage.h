// Which values share memory, and which order their sharing forces: facts that fuse, schedule and plan agree on.
#pragma once

#include "ir/graph.h"
#include "ir/kernel.h"

namespace gradc {

/// Whether a value will be a view, before kernels are known: a reshape that moves no element to another linear position costs nothing
/// as a view; one that only adds or drops unit dims composes with its neighbours instead.
bool becomes_view(const Graph &, Value);
using ViewTest = bool(const Graph &, Value);
/// The value whose bytes `v` names, where `view` says what is a view.
Value storage_root(const Graph &, Value v, ViewTest *view);

/// `before` reads a state's old value, which `after` overwrites in place.
struct Hazard {
  Value before, after;
};
/// All pairs a correct order must respect, for a graph in which every updated value is written by its own node.
std::vector<Hazard> state_hazards(const Graph &, ViewTest *view = is_view);

/// A value that needs bytes of the workspace: made by kernel `writer`, read by the kernels `readers` (ascending).
struct StoredValue {
  Value value;
  int64_t bytes; // rounded up to kAlignment
  int writer;
  std::vector<int> readers;
};
constexpr int64_t kAlignment = 64;
inline int64_t aligned(int64_t bytes) { return (bytes + kAlignment - 1) / kAlignment * kAlignment; }
/// All of them, by value: what kernels hand to other kernels and is neither returned nor written to a state.
std::vector<StoredValue> stored_values(const Graph &);

/// Whether parameters `read` and `write` of the kernel may be the same memory: everything of `read` is read before it
/// is overwritten. So where each read is of the very element, at the very points of the very loop nest, that is
/// written; or in a nest before the one that writes, and within what the shared iteration writes. Nests of one shared
/// iteration run in order, and all values of a row of a tile are computed before one is stored. Elements count by
/// position, so that a view may differ in shape.
bool reads_only_where_it_writes(const Kernel &, int read, int write);

/// A stored value that may take over the bytes of another in the kernel that writes it, where no later kernel reads
/// that other. Both are positions among the stored values; the donor is as large as the taker, or larger.
struct TakeOver {
  size_t donor, taker;
};
/// All of them, by taker.
std::vector<TakeOver> take_overs(const Graph &, const std::vector<StoredValue> &);

} // namespace gradc
