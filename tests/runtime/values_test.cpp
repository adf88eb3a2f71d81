// Values from outside that cannot be what they are taken for: labels, targets, weights; and the texts of the statuses.
#include "tests/support/runtime_fake_model.h"

#include <catch2/catch.hpp>
#include <limits>
#include <map>

using namespace gradc::runtime;

TEST_CASE("labels: the first that is no class is found, wherever it stands") {
  constexpr int64_t kClasses = 10;
  auto check = [](auto zero, int32_t dtype) {
    using Label = decltype(zero);
    for (size_t count = 0; count < 40; ++count) {
      std::vector<Label> labels(count);
      for (size_t i = 0; i < count; ++i)
        labels[i] = static_cast<Label>(i % kClasses);
      const auto total = static_cast<int64_t>(count);
      CHECK(gradc_core_first_outside(labels.data(), dtype, total, kClasses) == total);
      for (size_t i = 0; i < count; ++i)
        for (const Label wrong : {Label{-1}, Label{kClasses}, std::numeric_limits<Label>::max(), std::numeric_limits<Label>::min()}) {
          std::vector<Label> bad = labels;
          bad[i] = wrong;
          CHECK(gradc_core_first_outside(bad.data(), dtype, total, kClasses) == static_cast<int64_t>(i));
          CHECK(gradc_core_first_outside_but(bad.data(), dtype, total, kClasses, wrong) == total);
          CHECK(gradc_core_first_outside_but(bad.data(), dtype, total, kClasses, 77) == static_cast<int64_t>(i));
        }
    }
  };
  check(int32_t{0}, GRADC_I32);
  check(int64_t{0}, GRADC_I64);
  const std::vector<int32_t> any = {0, std::numeric_limits<int32_t>::max()};
  CHECK(gradc_core_first_outside(any.data(), GRADC_I32, 2, int64_t{1} << 40) == 2);
}

TEST_CASE("domains: the first float outside is found, then the first row whose sum is") {
  constexpr double kLimit = std::numeric_limits<double>::infinity();
  const gradc_core_domain chance{0, 1, 0, -kLimit, kLimit}, classes{0, 1, 3, 0.999, 1.001};
  auto check = [&](auto zero, int32_t dtype) {
    using Float = decltype(zero);
    const std::vector<Float> good = {0, 1, 0, Float(0.25), Float(0.25), Float(0.5)};
    CHECK(gradc_core_first_outside_domain(good.data(), dtype, 6, &chance) == 6);
    CHECK(gradc_core_first_outside_domain(good.data(), dtype, 6, &classes) == 6);
    CHECK(gradc_core_first_outside_domain(good.data(), dtype, 0, &classes) == 0);
    for (size_t i = 0; i < 6; ++i) {
      std::vector<Float> bad = good;
      bad[i] = std::numeric_limits<Float>::quiet_NaN();
      CHECK(gradc_core_first_outside_domain(bad.data(), dtype, 6, &chance) == static_cast<int64_t>(i));
      bad[i] = good[i] / 2 + Float(0.1);
      const int64_t row = static_cast<int64_t>(i) / 3 * 3;
      CHECK(gradc_core_first_outside_domain(bad.data(), dtype, 6, &chance) == 6);
      CHECK(gradc_core_first_outside_domain(bad.data(), dtype, 6, &classes) == row);
    }
  };
  check(float{}, GRADC_F32);
  check(double{}, GRADC_F64);
}

TEST_CASE("weights: numbers that are not finite, or deviations that are not above 0, are neither saved nor loaded") {
  const TemporaryFolder folder;
  const std::string path = folder / "w.safetensors";
  const FakeModel model({});
  gradc_tensor deviation{"deviation", GRADC_F64, 0, 0, GRADC_POSITIVE, {}, 0, 8};
  gradc_model table = model.table;
  table.tensors = &deviation;
  table.tensor_count = 1;
  double value = 1;
  void *const arenas[] = {&value};
  char message[256] = "";
  for (const double wrong : {0.0, -0.0, -1.0, std::nan(""), HUGE_VAL}) {
    value = wrong;
    CHECK(table.save(&table, arenas, 1, path.c_str(), nullptr) == GRADC_BAD_VALUE);
    CHECK(folder.files() == 0);
    deviation.range = GRADC_ANY;
    if (std::isfinite(wrong)) {
      REQUIRE(table.save(&table, arenas, 1, path.c_str(), nullptr) == GRADC_OK);
      deviation.range = GRADC_POSITIVE;
      value = 7;
      CHECK(table.load(&table, arenas, 1, path.c_str(), message, sizeof message) == GRADC_BAD_VALUE);
      CHECK(std::string(message).ends_with("expected a finite number above 0"));
      CHECK(value == 7);
      std::filesystem::remove(path);
    }
    deviation.range = GRADC_POSITIVE;
  }
}

TEST_CASE("every status has a text of its own") {
  std::map<std::string, std::vector<int32_t>> texts;
  for (int32_t status = -1; status < 256; ++status)
    texts[gradc_core_status_message(status)].push_back(status);
  for (const auto &[text, statuses] : texts)
    CHECK((statuses.size() == 1 || text == "unknown status"));
  for (int32_t status : {GRADC_OK, GRADC_BAD_CALL, GRADC_NULL_POINTER, GRADC_MISSING_ARENA, GRADC_NOT_COMPILED, GRADC_BAD_LABEL,
                         GRADC_BAD_HYPER, GRADC_OUT_OF_MEMORY, GRADC_IO_ERROR, GRADC_BAD_FILE, GRADC_MISMATCH, GRADC_BAD_VALUE,
                         GRADC_NOT_FINITE})
    CHECK(gradc_core_status_message(status) != std::string("unknown status"));
}
