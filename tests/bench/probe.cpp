// The limits of this machine as an arm of a comparison: gradc_probe fma|copy THREADS
//
// Says "ready WORK" (floating-point operations or bytes moved in one step, all threads together), then answers each
// "run N" with the nanoseconds that N steps took.
#include "compiler/reports/machine_peak.h"

#include <cstdlib>
#include <iostream>
#include <string>

namespace {

constexpr int64_t kRounds = 1000;
constexpr size_t kBlock = size_t{128} << 20; // larger than any cache

} // namespace

int main(int argc, char **argv) {
  const std::string kind = argc == 3 ? argv[1] : "";
  const int count = argc == 3 ? std::atoi(argv[2]) : 0;
  if ((kind != "fma" && kind != "copy") || count < 1) {
    std::cerr << "usage: gradc_probe fma|copy THREADS\n";
    return 1;
  }
  std::vector<gradc::Work> steps;
  double work = 0;
  for (int i = 0; i < count; ++i) {
    steps.push_back(kind == "fma" ? gradc::multiply_adds(kRounds) : gradc::copying(kBlock));
    work += steps.back()();
  }
  std::cout << "ready " << static_cast<int64_t>(work) << std::endl;
  std::string command;
  for (int64_t n; std::cin >> command >> n;)
    std::cout << gradc::time_together(steps, n) << std::endl;
}
