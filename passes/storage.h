// Which values share memory, and which order their sharing forces: facts that fuse, schedule and plan agree on.
#pragma once

#include "ir/graph.h"
#include "ir/kernel.h"

#include <functional>

namespace gradc {

/// A reshape outside every kernel: another name for the bytes of its operand.
bool is_view(const Graph &, Value);
/// The value whose bytes `v` names: `v` itself unless it is a view.
Value storage_root(const Graph &, Value v);

/// `before` reads a state's old value, which `after` overwrites in place.
struct Hazard {
  Value before, after;
};
/// All pairs a correct order must respect, for a graph in which every updated value is written by its own node. Before
/// kernels are known, `view` tells which reshapes will be views.
std::vector<Hazard> state_hazards(const Graph &, const std::function<bool(Value)> &view);
std::vector<Hazard> state_hazards(const Graph &);

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

/// Whether every read of parameter `read` in the kernel is at the very index, and in the very stage, at which parameter
/// `write` is stored, so that both may be the same memory.
bool reads_only_where_it_writes(const Kernel &, int read, int write);

} // namespace gradc
