// Spreads, one value at a time and in groups; and what r2 makes of them.
#include "runtime/train/data/spread.h"
#include "tests/support/runtime_workbench.h"

#include <catch2/catch.hpp>

using namespace gradc::runtime;

namespace {

Spread of(const std::vector<double> &values) {
  Spread spread;
  for (double value : values)
    spread.take(value);
  return spread;
}

} // namespace

TEST_CASE("spread: a large mean takes nothing from it") {
  const double mean = 1e9;
  std::vector<double> values;
  for (int i = 0; i < 1000; ++i)
    values.push_back(mean + i % 2);
  CHECK(of(values).deviation() == Approx(0.5).epsilon(1e-9));
  Spread joined; // of groups of 1, 2, 3, ... values
  for (size_t begin = 0, size = 1; begin < values.size(); begin += size++)
    joined.take(of({values.begin() + static_cast<std::ptrdiff_t>(begin),
                    values.begin() + static_cast<std::ptrdiff_t>(std::min(begin + size, values.size()))}));
  CHECK(joined.count == 1000);
  CHECK(joined.mean == Approx(mean + 0.5).epsilon(1e-15));
  CHECK(joined.deviation() == Approx(0.5).epsilon(1e-9));
}

TEST_CASE("spread: millions of values that are equal but for rounding are constant") {
  Spread equal, rounded, different;
  for (int i = 0; i < 2'000'000; ++i) {
    equal.take(0.1);
    rounded.take(i % 2 ? 0.3 : 0.1 + 0.2);
    different.take(i % 2 ? 0.3 : 0.3 + 1e-8);
  }
  CHECK(equal.is_constant());
  CHECK(rounded.is_constant());
  CHECK_FALSE(different.is_constant());
}

TEST_CASE("metrics: r2 is right for targets that are far from 0 and near each other") {
  Workbench bench;
  const double far = 8388608; // the squares of such targets differ by no more than the last bits of their sum
  std::string text = "a,b,c,target\n";
  for (int i = 0; i < 50; ++i)
    text += "0,0,0," + std::to_string(8388608 + i % 2) + "\n";
  write_text(bench.folder / "line.csv", text);
  bench.options.max_steps = 1;
  bench.options.learning_rate = 1e-9;
  for (const std::vector<int64_t> &batches : {std::vector<int64_t>{4, 10, 5}, {4, 1}}) {
    const double r2 = bench.run(batches).test[1].value;
    // Of 5 targets, 2 are one value and 3 the other, or 1 and 4: the sum of squares about the mean is 1.2 or 0.8.
    const double spread = 5 * far * far / (1 - r2);
    CHECK((spread == Approx(1.2).epsilon(1e-5) || spread == Approx(0.8).epsilon(1e-5)));
  }
}
