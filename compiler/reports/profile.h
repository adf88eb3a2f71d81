// Where the time of a run goes, kernel by kernel, for code compiled with CodegenOptions::profile.
#pragma once

#include "compiler/reports/call_sites.h"
#include "compiler/codegen/entries/call_record.h"
#include "compiler/reports/machine_peak.h"
#include "compiler/reports/trace.h"
#include "runtime/gradc.h"

namespace gradc {

/// The processor's cycle counter, and what its ticks are on the clock. The counter must run at one rate on all cores,
/// as that of every x86-64 processor since about 2010 does.
class TickClock {
public:
  TickClock() : start_(read()) {}
  static uint64_t ticks() { return __builtin_ia32_rdtsc(); }
  /// More exact the longer this lives; call once for all that is to be compared.
  double nanoseconds_per_tick() const;
  Trace::Clock::time_point time(uint64_t ticks, double nanoseconds_per_tick) const;

private:
  struct Reading {
    uint64_t ticks = 0;
    Trace::Clock::time_point time;
  };
  static Reading read();
  Reading start_;
};

class Profile {
public:
  /// Of the first steps, the kernels that a trace shows; no more calls are kept than that, whatever their entry.
  static constexpr int64_t kTracedSteps = 100;
  static constexpr size_t kTracedKernels = 50000;

  /// A table equal to `compiled`, whose entries run those of `compiled` and measure them. It is valid as long as this and
  /// the code; its entries are for one thread at a time (with any team).
  Profile(const ModelSpec &, const Model &, const gradc_model &compiled);
  Profile(const Profile &) = delete;
  Profile &operator=(const Profile &) = delete;
  const gradc_model &measured() const { return model_; }

  /// A line for each kernel that was called, by time, and one for the sum. Shares of peak may exceed 100%: what stays in a
  /// cache is read faster than memory.
  std::string table(const MachinePeak &) const;
  /// The calls of the first steps, with their kernels.
  void add_to(Trace &) const;

private:
  struct MeasuredEntry {
    Profile *profile = nullptr;
    std::string name; // "train_step 32"
    bool is_step = false;
    gradc_entry compiled{};
    std::vector<CallSite> sites;
    std::vector<CallRecord> records; // one a site
  };
  struct TracedCall {
    size_t entry;
    int64_t step;
    uint64_t begin, end;
    size_t first_kernel; // among traced_kernels_
  };
  struct Row {
    const MeasuredEntry *entry;
    const CallSite *site;
    const CallRecord *record;
  };
  static int32_t run(const gradc_entry *self, const gradc_call *call);
  void note(const MeasuredEntry &, int64_t step, uint64_t begin, uint64_t end);
  std::vector<Row> rows() const;

  TickClock clock_;
  std::vector<MeasuredEntry> entries_;
  std::vector<gradc_entry> table_; // what the caller sees
  gradc_model model_;
  uint64_t first_ = 0, last_ = 0; // from the begin of the first call to the end of the last
  int64_t traced_steps_ = 0;
  std::vector<TracedCall> traced_calls_;
  std::vector<std::pair<uint64_t, uint64_t>> traced_kernels_; // begin and end
};

} // namespace gradc
