// The multiply-adds are written as instructions, loop and all, because compilers spill the accumulators of such loops, and
// then show a third of the peak; and so that what is built on one machine finds the peak of another.
#include "compiler/reports/machine_peak.h"

#include <algorithm>
#include <barrier>
#include <chrono>
#include <cstring>
#include <sched.h>
#include <thread>

namespace gradc {
namespace {

using Clock = std::chrono::steady_clock;
constexpr size_t kChunk = size_t{1} << 20;
constexpr size_t kBlocks = size_t{64} << 20; // of all threads together: with its copy, more than most caches

// Twelve independent chains: more than two units of four cycles can have under way.
#define TWELVE(OP, R) \
  OP(R, "0") OP(R, "1") OP(R, "2") OP(R, "3") OP(R, "4") OP(R, "5") OP(R, "6") OP(R, "7") OP(R, "8") OP(R, "9") \
  OP(R, "10") OP(R, "11")
#define MULTIPLY_ADD(R, N) "vfmadd231ps %%" R "12, %%" R "13, %%" R N "\n"
#define MULTIPLY(R, N) "mulps %%" R "12, %%" R N "\n"
#define ADD(R, N) "addps %%" R "13, %%" R N "\n"
#define CLEAR(R, N) "xorps %%" R N ", %%" R N "\n"
#define LOOP(BEFORE, BODY, AFTER) \
  asm volatile(BEFORE "1:\n" BODY "dec %0\njnz 1b\n" AFTER \
               : "+r"(rounds) \
               : \
               : "cc", "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10", "xmm11", \
                 "xmm12", "xmm13", "xmm14", "xmm15")

/// `rounds` is at least 1. Returns the operations of one round.
double run_rounds(int64_t rounds) {
  if (__builtin_cpu_supports("avx512f")) {
    LOOP("vzeroall\n", TWELVE(MULTIPLY_ADD, "zmm"), "vzeroall\n");
    return 12 * 16 * 2;
  }
  if (__builtin_cpu_supports("fma")) {
    LOOP("vzeroall\n", TWELVE(MULTIPLY_ADD, "ymm"), "vzeroall\n");
    return 12 * 8 * 2;
  }
  LOOP(TWELVE(CLEAR, "xmm") CLEAR("xmm", "12") CLEAR("xmm", "13"), TWELVE(MULTIPLY, "xmm") TWELVE(ADD, "xmm"), "");
  return 12 * 4 * 2;
}

class Copy {
public:
  explicit Copy(size_t bytes) : from_((bytes + kChunk - 1) / kChunk * kChunk, 1), to_(from_.size(), 2) {}
  double operator()() {
    std::memcpy(to_.data() + at_, from_.data() + at_, kChunk);
    at_ = (at_ + kChunk) % from_.size();
    return 2 * kChunk;
  }

private:
  std::vector<char> from_, to_;
  size_t at_ = 0;
};

// This thread on the processor of that number among those this process may use.
void pin(size_t index) {
  cpu_set_t allowed, one;
  sched_getaffinity(0, sizeof allowed, &allowed);
  for (size_t cpu = 0; cpu < CPU_SETSIZE; ++cpu)
    if (CPU_ISSET(cpu, &allowed) && index-- == 0) {
      CPU_ZERO(&one);
      CPU_SET(cpu, &one);
      sched_setaffinity(0, sizeof one, &one);
      return;
    }
}

} // namespace

Work multiply_adds(int64_t rounds) {
  return [rounds] { return run_rounds(rounds) * static_cast<double>(rounds); };
}

Work copying(size_t block_bytes) { return Copy(block_bytes); }

int64_t time_together(std::vector<Work> &work, int64_t steps) {
  std::barrier start(static_cast<std::ptrdiff_t>(work.size()));
  std::vector<int64_t> times(work.size());
  std::vector<std::jthread> threads;
  for (size_t i = 0; i < work.size(); ++i)
    threads.emplace_back([&, i] {
      pin(i);
      work[i]();
      start.arrive_and_wait();
      const Clock::time_point begin = Clock::now();
      for (int64_t step = 0; step < steps; ++step)
        work[i]();
      times[i] = std::chrono::nanoseconds(Clock::now() - begin).count();
    });
  threads.clear(); // joins
  return *std::max_element(times.begin(), times.end());
}

double multiply_add_peak() {
  const Work work = multiply_adds(100000);
  double best = 0;
  for (int attempt = 0; attempt < 10; ++attempt) {
    const Clock::time_point start = Clock::now();
    const double flop = work();
    best = std::max(best, flop / std::chrono::duration<double, std::nano>(Clock::now() - start).count());
  }
  return best;
}

MachinePeak measure_peak(int threads, int64_t float_bytes) {
  MachinePeak peak{threads, multiply_add_peak() * threads * 4 / static_cast<double>(float_bytes), 0};
  const size_t block = std::max(kBlocks / static_cast<size_t>(threads), kChunk);
  std::vector<Work> copies;
  for (int t = 0; t < threads; ++t)
    copies.push_back(copying(block));
  const auto steps = static_cast<int64_t>(block / kChunk);
  const double bytes = 2.0 * static_cast<double>(kChunk) * static_cast<double>(steps) * threads;
  for (int attempt = 0; attempt < 3; ++attempt)
    peak.gbytes = std::max(peak.gbytes, bytes / static_cast<double>(time_together(copies, steps)));
  return peak;
}

} // namespace gradc
