#include "compiler/reports/profile.h"

#include "ir/error.h"

#include <algorithm>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace gradc {

using Clock = Trace::Clock;

// The shortest of a few attempts, as one may be interrupted between counter and clock.
TickClock::Reading TickClock::read() {
  Reading best;
  uint64_t shortest = ~uint64_t{0};
  for (int attempt = 0; attempt < 5; ++attempt) {
    const uint64_t before = ticks();
    const Clock::time_point time = Clock::now();
    const uint64_t after = ticks();
    if (after - before < shortest) {
      shortest = after - before;
      best = {before + (after - before) / 2, time};
    }
  }
  return best;
}

double TickClock::nanoseconds_per_tick() const {
  const Reading now = read();
  const double nanoseconds = std::chrono::duration<double, std::nano>(now.time - start_.time).count();
  return nanoseconds / static_cast<double>(std::max<uint64_t>(now.ticks - start_.ticks, 1));
}

Clock::time_point TickClock::time(uint64_t ticks, double nanoseconds_per_tick) const {
  const double since = static_cast<double>(static_cast<int64_t>(ticks - start_.ticks)) * nanoseconds_per_tick;
  return start_.time + std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double, std::nano>(since));
}

Profile::Profile(const ModelSpec &spec, const Model &model, const gradc_model &compiled)
    : entries_(spec.entries.size()), model_(compiled) {
  for (int32_t i = 0; i < compiled.entry_count; ++i)
    table_.push_back(*gradc_entry_at(&compiled, i));
  internal_check(table_.size() == entries_.size(), "the code is of another model");
  for (size_t i = 0; i < entries_.size(); ++i) {
    const EntrySpec &source = spec.entries[i];
    MeasuredEntry &entry = entries_[i];
    entry.profile = this;
    entry.name = source.batch > 0 ? fmt::format("{} {}", source.name, source.batch) : source.name;
    entry.is_step = source.kind == GRADC_TRAIN_STEP;
    entry.sites = call_sites(source, model);
    entry.records.resize(entry.sites.size());
    entry.compiled = table_[i];
    entry.compiled.context = entry.records.data();
    table_[i].run = &Profile::run;
    table_[i].context = &entry;
  }
  model_.entries = table_.data();
  model_.entry_size = sizeof(gradc_entry);
}

int32_t Profile::run(const gradc_entry *self, const gradc_call *call) {
  MeasuredEntry &entry = *static_cast<MeasuredEntry *>(self->context);
  const uint64_t begin = TickClock::ticks();
  const int32_t status = entry.compiled.run(&entry.compiled, call);
  const uint64_t end = TickClock::ticks();
  if (gradc_succeeded(status))
    entry.profile->note(entry, call->step, begin, end);
  return status;
}

void Profile::note(const MeasuredEntry &entry, int64_t step, uint64_t begin, uint64_t end) {
  if (first_ == 0)
    first_ = begin;
  last_ = end;
  if (traced_steps_ >= kTracedSteps || traced_kernels_.size() + entry.records.size() > kTracedKernels)
    return;
  traced_steps_ += entry.is_step;
  traced_calls_.push_back({static_cast<size_t>(&entry - entries_.data()), step, begin, end, traced_kernels_.size()});
  for (const CallRecord &record : entry.records)
    traced_kernels_.emplace_back(record.begin, record.end);
}

std::vector<Profile::Row> Profile::rows() const {
  std::vector<Row> rows;
  for (const MeasuredEntry &entry : entries_)
    for (size_t i = 0; i < entry.sites.size(); ++i)
      if (entry.records[i].calls > 0)
        rows.push_back({&entry, &entry.sites[i], &entry.records[i]});
  std::stable_sort(rows.begin(), rows.end(),
                   [](const Row &a, const Row &b) { return a.record->ticks > b.record->ticks; });
  return rows;
}

std::string Profile::table(const MachinePeak &peak) const {
  const double per_tick = clock_.nanoseconds_per_tick();
  const double wall = std::max(static_cast<double>(last_ - first_) * per_tick, 1.0); // nanoseconds, as all below
  const std::vector<Row> rows = this->rows();
  size_t entry_width = 5, phase_width = 5, layers_width = 6;
  for (const Row &row : rows) {
    entry_width = std::max(entry_width, row.entry->name.size());
    phase_width = std::max(phase_width, row.site->phase.size());
    layers_width = std::max(layers_width, layers_text(*row.site).size());
  }
  std::string text = fmt::format("peak of {} thread{}: {:.1f} GFLOP/s, {:.1f} GB/s\n", peak.threads,
                                 peak.threads == 1 ? "" : "s", peak.gflops, peak.gbytes);
  text += fmt::format("{:<6}  {:<{}}  {:<{}}  {:<{}}  {:>7}  {:>9}  {:>6}  {:>7} {:>5}  {:>6} {:>5}\n", "kernel", "entry",
                      entry_width, "phase", phase_width, "layers", layers_width, "calls", "ms", "share", "GFLOP/s",
                      "peak", "GB/s", "peak");
  double sum = 0;
  for (const Row &row : rows) {
    const double time = static_cast<double>(row.record->ticks) * per_tick, calls = static_cast<double>(row.record->calls);
    const double gflops = row.site->cost.flop * calls / std::max(time, 1.0);
    const double gbytes = row.site->cost.bytes * calls / std::max(time, 1.0);
    sum += time;
    text += fmt::format("{:<6}  {:<{}}  {:<{}}  {:<{}}  {:>7}  {:>9.3f}  {:>5.1f}%  {:>7.1f} {:>4.0f}%  {:>6.1f} {:>4.0f}%\n",
                        row.site->kernel, row.entry->name, entry_width, row.site->phase, phase_width,
                        layers_text(*row.site), layers_width, row.record->calls, time / 1e6, 100 * time / wall, gflops,
                        100 * gflops / peak.gflops, gbytes, 100 * gbytes / peak.gbytes);
  }
  return text + fmt::format("kernels {:.3f} ms ({:.1f}%) + outside kernels {:.3f} ms ({:.1f}%) = {:.3f} ms from the first "
                            "call to the last\n",
                            sum / 1e6, 100 * sum / wall, (wall - sum) / 1e6, 100 * (wall - sum) / wall, wall / 1e6);
}

void Profile::add_to(Trace &trace) const {
  const double per_tick = clock_.nanoseconds_per_tick();
  auto time = [&](uint64_t ticks) { return clock_.time(ticks, per_tick); };
  for (const TracedCall &call : traced_calls_) {
    const MeasuredEntry &entry = entries_[call.entry];
    trace.add("entry", entry.name, time(call.begin), time(call.end), {{"step", call.step}});
    for (size_t i = 0; i < entry.sites.size(); ++i) {
      const auto [begin, end] = traced_kernels_[call.first_kernel + i];
      const CallSite &site = entry.sites[i];
      nlohmann::ordered_json args = {{"entry", entry.name}, {"layers", fmt::format("{}", fmt::join(site.layers, ", "))},
                                     {"flop", site.cost.flop}, {"bytes", site.cost.bytes}};
      if (!site.phase.empty())
        args["phase"] = site.phase;
      trace.add("kernel", fmt::format("{} {}", site.kernel, layers_text(site)), time(begin), time(end), args);
    }
  }
}

} // namespace gradc
