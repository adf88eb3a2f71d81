// Which values share memory, and which order their sharing forces: facts that fuse, order and plan agree on.
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
/// Throws Overflow.
inline int64_t aligned(int64_t bytes) { return checked_add(bytes, kAlignment - 1) / kAlignment * kAlignment; }
/// All of them, by value: what kernels hand to other kernels and is neither returned nor written to a state.
std::vector<StoredValue> stored_values(const Graph &);

/// Whether parameters `read` and `write` of the kernel may be the same memory, because every element is read before it is
/// overwritten. That holds when each load of `read` is in one of two places:
///   * in the nest that writes, on the same axes, and of the very element that is written at that point. All values of a row
///     of a register tile are computed before the first is stored, so nothing is read too late;
///   * in an earlier nest, where the load and the store stay within the same iteration of the loops that all nests share:
///     nests of one iteration run in order, and other iterations touch other elements.
/// Elements are compared by their position in memory, so that one of the two may be a view of another shape.
bool reads_only_where_it_writes(const Kernel &, int read, int write);

/// The kernel that writes the taker may write it over the donor, which it reads, if no later kernel reads the donor. Both are
/// positions among the stored values; the donor is as large as the taker, or larger.
struct TakeOver {
  size_t donor, taker;
};
/// All of them, by taker.
std::vector<TakeOver> take_overs(const Graph &, const std::vector<StoredValue> &);

} // namespace gradc
