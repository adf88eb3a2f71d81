#include "compiler/codegen/schedules/parallel_runs.h"

#include "passes/storage.h"

#include <algorithm>
#include <set>

namespace gradc {
namespace {

constexpr size_t kMostKernels = 64; // of a run: a fork costs little beside so many, and each is compared with all before it

bool overlap(const Placement &a, const Placement &b) {
  return a.space == b.space && a.index == b.index && a.offset < b.offset + b.bytes && b.offset < a.offset + a.bytes;
}

// The load that every thread packs for all columns though it works on some of them only; -1 where there is none.
ExprId packed_by_all(const LoopSchedule &schedule) {
  if (schedule.nests.size() != 1)
    return -1;
  const NestSchedule &n = schedule.nests[0];
  const bool lone_block = n.block > 0 && schedule.partition.axis == n.col_axis && schedule.partition.tiles.step == n.col_points();
  return lone_block ? n.packed_cols : -1;
}

// The dim whose index is the partitioned axis itself in every access of a parameter; -1 where there is none.
int walked_dim(const Kernel &k, const LoopSchedule &schedule, size_t param) {
  std::set<std::ptrdiff_t> dims;
  auto add = [&](const Index &index) {
    auto dim = std::find_if(index.begin(), index.end(),
                            [&](const IndexExpr &i) { return i.plain_axis() == schedule.partition.axis; });
    dims.insert(dim == index.end() ? -1 : dim - index.begin());
  };
  const ExprId packed = packed_by_all(schedule);
  for (ExprId id = 0; id < static_cast<ExprId>(k.exprs.size()); ++id)
    if (const Expr &e = k.expr(id); e.kind == Expr::Kind::load && e.target == static_cast<int>(param))
      add(e.padded || id == packed ? Index{} : e.index);
  for (const Stage &s : k.stages)
    if (s.store == static_cast<int>(param))
      add(s.store_index);
  return dims.size() == 1 ? static_cast<int>(*dims.begin()) : -1;
}

class RunBuilder {
public:
  RunBuilder(const Graph &graph, const std::vector<LoweredKernel> &kernels, const std::vector<LoopSchedule> &schedules)
      : graph_(graph), kernels_(kernels), schedules_(schedules) {}

  bool joins(size_t b, const ParallelRun &run) const {
    if (run.count == kMostKernels || !shared_out(b) || !shared_out(run.first))
      return false;
    for (size_t a = run.first; a < run.first + run.count; ++a)
      if (!keeps_to_share(a, b))
        return false;
    return true;
  }
  bool shared_out(size_t k) const {
    return schedules_[k].iterations() >= 2 && !schedules_[k].serial;
  }

private:
  bool keeps_to_share(size_t a, size_t b) const {
    for (size_t p = 0; p < kernels_[a].values.size(); ++p)
      for (size_t q = 0; q < kernels_[b].values.size(); ++q)
        if (conflict(a, p, b, q) && !(same_cuts(a, b) && walks_alike(a, p, b, q)))
          return false;
    return true;
  }
  bool conflict(size_t a, size_t p, size_t b, size_t q) const {
    return (param(a, p).written || param(b, q).written) && overlap(place(a, p), place(b, q));
  }
  bool same_cuts(size_t a, size_t b) const {
    return schedules_[a].partition.tiles == schedules_[b].partition.tiles;
  }
  bool walks_alike(size_t a, size_t p, size_t b, size_t q) const {
    if (root(a, p) != root(b, q) || param(a, p).type != param(b, q).type)
      return false;
    const int dim = walked_dim(kernels_[a].kernel, schedules_[a], p);
    return dim >= 0 && dim == walked_dim(kernels_[b].kernel, schedules_[b], q);
  }

  const Param &param(size_t k, size_t p) const { return kernels_[k].kernel.params[p]; }
  Value root(size_t k, size_t p) const { return storage_root(graph_, kernels_[k].values[p]); }
  const Placement &place(size_t k, size_t p) const { return graph_.plan->places[root(k, p)]; }
  const Graph &graph_;
  const std::vector<LoweredKernel> &kernels_;
  const std::vector<LoopSchedule> &schedules_;
};

} // namespace

std::vector<ParallelRun> parallel_runs(const Graph &graph, const std::vector<LoweredKernel> &kernels,
                                       const std::vector<LoopSchedule> &schedules, const Target &target, bool apart) {
  const RunBuilder builder(graph, kernels, schedules);
  std::vector<ParallelRun> runs;
  for (size_t k = 0; k < kernels.size(); ++k) {
    if (runs.empty() || apart || !builder.joins(k, runs.back()))
      runs.push_back({.first = k});
    runs.back().iterations = std::max(runs.back().iterations, schedules[k].iterations());
    ++runs.back().count;
  }
  for (ParallelRun &run : runs) {
    double cycles = 0;
    for (size_t k = run.first; k < run.first + run.count; ++k)
      cycles += static_cast<double>(schedules[k].cycles);
    run.forks = builder.shared_out(run.first) && worth_threads(cycles, target);
  }
  return runs;
}

} // namespace gradc
