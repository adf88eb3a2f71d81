// The limits of this machine as an arm of a comparison: gradc_probe fma|copy THREADS
//
// Says "ready WORK" (floating-point operations or bytes moved in one step, all threads together), then answers each
// "run N" with the nanoseconds that N steps took.
#include "tests/bench/fma.h"

#include <algorithm>
#include <barrier>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <iostream>
#include <sched.h>
#include <string>
#include <thread>
#include <vector>

namespace {

using Clock = std::chrono::steady_clock;
constexpr int64_t kFmaRounds = 1000;
constexpr size_t kBlock = size_t{128} << 20, kChunk = size_t{1} << 20; // a block is larger than any cache

// One step of one thread; returns the work it did.
using Step = std::function<double()>;

class Copy {
public:
  Copy() : from_(kBlock, 1), to_(kBlock, 2) {}
  double operator()() {
    std::memcpy(to_.data() + at_, from_.data() + at_, kChunk);
    at_ = (at_ + kChunk) % kBlock;
    return 2 * kChunk;
  }

private:
  std::vector<char> from_, to_;
  size_t at_ = 0;
};

// Thread `index` on the processor of that number among those this process may use.
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

// The threads start together; the answer is the time of the slowest.
int64_t timed(std::vector<Step> &steps, int64_t n) {
  std::barrier start(static_cast<std::ptrdiff_t>(steps.size()));
  std::vector<int64_t> times(steps.size());
  std::vector<std::thread> threads;
  for (size_t i = 0; i < steps.size(); ++i)
    threads.emplace_back([&, i] {
      pin(i);
      steps[i]();
      start.arrive_and_wait();
      const Clock::time_point begin = Clock::now();
      for (int64_t step = 0; step < n; ++step)
        steps[i]();
      times[i] = std::chrono::nanoseconds(Clock::now() - begin).count();
    });
  for (std::thread &thread : threads)
    thread.join();
  return *std::max_element(times.begin(), times.end());
}

} // namespace

int main(int argc, char **argv) {
  const std::string kind = argc == 3 ? argv[1] : "";
  const int count = argc == 3 ? std::atoi(argv[2]) : 0;
  if ((kind != "fma" && kind != "copy") || count < 1) {
    std::cerr << "usage: gradc_probe fma|copy THREADS\n";
    return 1;
  }
  std::vector<Step> steps;
  double work = 0;
  for (int i = 0; i < count; ++i) {
    steps.push_back(kind == "fma" ? Step([] { return gradc::bench::fma_rounds(kFmaRounds); }) : Step(Copy()));
    work += steps.back()();
  }
  std::cout << "ready " << static_cast<int64_t>(work) << std::endl;
  std::string command;
  for (int64_t n; std::cin >> command >> n;)
    std::cout << timed(steps, n) << std::endl;
}
