// Written as instructions, because compilers spill the accumulators of such loops.
#include "tests/bench/fma.h"

#include <algorithm>
#include <chrono>

namespace gradc::bench {

#if defined(__AVX512F__)
using Vector = float __attribute__((vector_size(64)));
#elif defined(__FMA__)
using Vector = float __attribute__((vector_size(32)));
#endif

double fma_rounds([[maybe_unused]] int64_t rounds) {
#if defined(__FMA__)
  Vector x = {}, y = {}, a = {}, b = {}, c = {}, d = {}, e = {}, f = {}, g = {}, h = {}, i = {}, j = {}, k = {}, l = {};
  for (int64_t round = 0; round < rounds; ++round)
    asm volatile("vfmadd231ps %12, %13, %0\n vfmadd231ps %12, %13, %1\n vfmadd231ps %12, %13, %2\n"
                 "vfmadd231ps %12, %13, %3\n vfmadd231ps %12, %13, %4\n vfmadd231ps %12, %13, %5\n"
                 "vfmadd231ps %12, %13, %6\n vfmadd231ps %12, %13, %7\n vfmadd231ps %12, %13, %8\n"
                 "vfmadd231ps %12, %13, %9\n vfmadd231ps %12, %13, %10\n vfmadd231ps %12, %13, %11\n"
                 : "+v"(a), "+v"(b), "+v"(c), "+v"(d), "+v"(e), "+v"(f), "+v"(g), "+v"(h), "+v"(i), "+v"(j), "+v"(k),
                   "+v"(l)
                 : "v"(x), "v"(y));
  return static_cast<double>(rounds) * 12 * 2 * static_cast<double>(sizeof(Vector) / sizeof(float));
#else
  return 0;
#endif
}

double fma_peak() {
  using Clock = std::chrono::steady_clock;
  double best = 0;
  for (int attempt = 0; attempt < 10; ++attempt) {
    const Clock::time_point start = Clock::now();
    const double flop = fma_rounds(100000);
    best = std::max(best, flop / std::chrono::duration<double, std::nano>(Clock::now() - start).count());
  }
  return best;
}

} // namespace gradc::bench
