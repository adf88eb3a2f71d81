// Sums of many terms in f32: however they run, no running sum is so long that its rounding errors show.
#include "compiler/codegen/emission/cut_sums.h"
#include "ir/text/text.h"
#include "tests/support/compiled_engine.h"

#include <catch2/catch.hpp>

#include <cmath>
#include <numeric>
#include <random>

using namespace gradc;
using namespace gradc::tests;

namespace {

// How many terms a running sum or total of each level takes at most, and how many terms reach the highest total. Runs the
// loops as ReductionEmitter emits them, but counts instead of adding.
struct Counter {
  const std::vector<SumLoop> &loops;
  std::vector<int64_t> now, most, inside; // inside: terms of the body that each one stands for

  Counter(const std::vector<SumLoop> &all, int levels)
      : loops(all), now(static_cast<size_t>(levels) + 1, 0), most(now), inside(now) {
    run(0);
    for (size_t level = 1; level < now.size(); ++level)
      add_to_total(level);
  }

  void take(size_t level, int64_t terms) {
    most[level] = std::max(most[level], ++now[level]);
    inside[level] += terms;
  }
  void add_to_total(size_t level) {
    take(level, inside[level - 1]);
    now[level - 1] = inside[level - 1] = 0;
  }
  void run(size_t number) {
    if (number == loops.size())
      return take(0, 1);
    cut(number, 0, 0, loops[number].points);
    for (int64_t i = 0; i < loops[number].rest; ++i)
      take(0, 1);
  }
  void cut(size_t number, size_t at, int64_t begin, int64_t end) {
    const SumLoop &l = loops[number];
    const bool whole = at == l.chunks.size();
    for (int64_t i = begin, step = whole ? l.step : l.chunks[at]; i < end; i += step) {
      if (whole) {
        run(number + 1);
        continue;
      }
      cut(number, at + 1, i, std::min(i + step, end));
      add_to_total(static_cast<size_t>(l.level) + l.chunks.size() - 1 - at);
    }
  }
};

/// Cut into so many levels, no running sum has more than `longest` terms.
void check_cut(std::vector<SumLoop> loops, int levels, int64_t longest = kChunk) {
  int64_t terms = 1;
  for (auto l = loops.rbegin(); l != loops.rend(); ++l)
    terms = terms * (l->points / l->step) + l->rest;
  CHECK(cut_sums(loops) == levels);
  const Counter counted(loops, levels);
  CHECK(counted.inside.back() == terms);
  for (int64_t most : counted.most)
    CHECK(most <= (levels == 0 ? kLongestUncut : longest) + 1);
}

constexpr int64_t kRows = 1'000'003;

/// An f32 tensor, and the sums of its columns. Its elements are no sums of few powers of two, and all positive: errors add up.
struct Data {
  Tensor tensor;
  std::vector<double> sums;

  explicit Data(const Shape &shape) : tensor(Type{DType::f32, shape}), sums(static_cast<size_t>(shape[1]), 0) {
    for (int64_t i = 0; i < tensor.type.elements(); ++i) {
      const int64_t column = i % shape[1];
      tensor.set(i, 0.1 * static_cast<double>(column + 1));
      sums[static_cast<size_t>(column)] += tensor.number(i);
    }
  }
};

double worst_error(const Tensor &got, const std::vector<double> &want) {
  REQUIRE(got.type.elements() == static_cast<int64_t>(want.size()));
  double worst = 0;
  for (size_t i = 0; i < want.size(); ++i)
    worst = std::max(worst, std::abs(got.number(static_cast<int64_t>(i)) / want[i] - 1));
  return worst;
}

/// Runs the graph in every way, and returns the result, which is always the same bits for any number of threads.
void check_sums(const std::string &text, Bindings inputs, const std::vector<double> &want) {
  INFO(text);
  for (const char *target : {"native", "x86-64"}) {
    const CompiledGraphs compiled = CompiledGraphs::jit({parse_graph(text)}, target, "fork=1");
    const Tensor one = compiled.run(0, inputs, 1).at(0);
    CHECK(worst_error(one, want) < 2e-6);
    CHECK(compiled.run(0, inputs, 3).at(0).floats == one.floats);
  }
}

} // namespace

TEST_CASE("a sum is cut where it gets long, and only there", "[sums]") {
  check_cut({{.axis = 0, .points = 1}}, 0);
  check_cut({{.axis = 0, .points = 4096}}, 0);
  check_cut({{.axis = 0, .points = 4097}}, 2);
  check_cut({{.axis = 0, .points = 4096 * 64, .step = 64, .rest = 1}}, 0);
  check_cut({{.axis = 0, .points = 4097 * 64, .step = 64, .rest = 1}}, 2);
  check_cut({{.axis = 0, .points = 64}, {.axis = 1, .points = 64}}, 0);
  check_cut({{.axis = 0, .points = 65}, {.axis = 1, .points = 64}}, 2);
  check_cut({{.axis = 0, .points = 100'000}, {.axis = 1, .points = 0, .step = 4, .rest = 3}}, 3);
  check_cut({{.axis = 0, .points = 3000}, {.axis = 1, .points = 5000}}, 4);
  check_cut({{.axis = 0, .points = 1 << 24}}, 3);
  check_cut({{.axis = 0, .points = (1 << 24) + 1}}, 4);
  check_cut({{.axis = 0, .points = 40'000}, {.axis = 1, .points = 7}, {.axis = 2, .points = 300}}, 3, 7 * 300);
}

TEST_CASE("sums over a million rows are right in f32", "[sums]") {
  for (int64_t columns : {1, 3, 17}) {
    const Data x({kRows, columns});
    const std::string type = "f32[" + std::to_string(kRows) + "," + std::to_string(columns) + "]";
    check_sums("graph { input %x : " + type + "\n %0 = sum %x {axes=[0]}\n return %0 as s }", {{"x", x.tensor}}, x.sums);
    check_sums("graph { input %x : " + type + "\n %0 = sum %x {axes=[0,1]}\n return %0 as s }", {{"x", x.tensor}},
               {std::accumulate(x.sums.begin(), x.sums.end(), 0.0)});
  }
}

TEST_CASE("sums along long rows are right in f32", "[sums]") {
  const int64_t length = 300'007;
  Tensor x(Type{DType::f32, {3, length}});
  std::vector<double> sums(3, 0);
  for (int64_t i = 0; i < x.type.elements(); ++i) {
    x.set(i, 0.1 * static_cast<double>(i / length + 1));
    sums[static_cast<size_t>(i / length)] += x.number(i);
  }
  const std::string type = "f32[3," + std::to_string(length) + "]";
  check_sums("graph { input %x : " + type + "\n %0 = sum %x {axes=[1]}\n return %0 as s }", {{"x", x}}, sums);
  // Functions in the terms: one chain of additions.
  std::vector<double> logs(3, 0);
  for (int64_t i = 0; i < x.type.elements(); ++i)
    logs[static_cast<size_t>(i / length)] += std::exp(x.number(i));
  check_sums("graph { input %x : " + type + "\n %0 = exp %x\n %1 = sum %0 {axes=[1]}\n return %1 as s }", {{"x", x}}, logs);
}

TEST_CASE("contractions over a million rows are right in f32", "[sums]") {
  const int64_t rows = kRows / 4;
  const Data x({rows, 5}), y({rows, 9});
  std::vector<double> products;
  for (int64_t i = 0; i < 5; ++i)
    for (int64_t j = 0; j < 9; ++j)
      products.push_back(x.tensor.number(i) * y.tensor.number(j) * static_cast<double>(rows));
  const std::string n = std::to_string(rows);
  check_sums("graph { input %x : f32[" + n + ",5]\n input %y : f32[" + n +
                 ",9]\n %0 = contract %x, %y {indices=\"bi,bo->io\"}\n return %0 as w }",
             {{"x", x.tensor}, {"y", y.tensor}}, products);
}

TEST_CASE("errors of both signs cancel no worse in a cut sum", "[sums]") {
  Tensor x(Type{DType::f32, {kRows, 1}});
  std::mt19937_64 random(1);
  double sum = 0;
  for (int64_t i = 0; i < kRows; ++i) {
    x.set(i, std::uniform_real_distribution<double>(0, 2)(random));
    sum += x.number(i);
  }
  check_sums("graph { input %x : f32[" + std::to_string(kRows) + ",1]\n %0 = sum %x {axes=[0,1]}\n return %0 as s }",
             {{"x", x}}, {sum});
}
