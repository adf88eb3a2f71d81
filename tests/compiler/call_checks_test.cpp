// What an entry refuses because of its values: targets outside the domain of their loss, and hypers that the model cannot
// compute with. In compiled code and in the interpreter, which share the checks of one input but not the rest.
#include "compiler/engines/build_model.h"
#include "compiler/engines/interpreted_model.h"
#include "compiler/engines/jit.h"
#include "runtime/train/instance.h"
#include "tests/support/models.h"

#include <catch2/catch.hpp>
#include <cmath>
#include <limits>
#include <memory>

namespace gradc {
namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
constexpr double kInfinity = std::numeric_limits<double>::infinity();

/// One train step of a model with the inputs x : f32[2] and y, and the hypers that it has.
class Step {
public:
  explicit Step(const std::string &inputs_and_loss, const std::string &layers = "", DType dtype = DType::f32)
      : model_(tests::model_of(R"({"inputs": {"x": {"shape": [2]}, )" + inputs_and_loss + R"(, "layers": [)" + layers +
                               R"({"name": "out", "type": "dense", "units": 3, "input": "x"}],
                                "train": {"batch_size": 2}})")),
        spec_(build_model(model_, {{Entry::init, 0}, {Entry::train_step, 2}}, dtype, {})), interpreted_(spec_),
        jit_(spec_, host_codegen()) {}

  static CodegenOptions host_codegen() {
    CodegenOptions codegen;
    codegen.target = host_target();
    return codegen;
  }

  struct Outcome {
    int32_t status;
    gradc_problem problem;
  };

  /// The same on both engines.
  template <class T> Outcome run(const std::vector<T> &y, const double *hypers = nullptr) {
    const Outcome compiled = run_on(*jit_.table(), y.data(), hypers);
    const Outcome interpreted = run_on(*interpreted_.table(), y.data(), hypers);
    CHECK(compiled.status == interpreted.status);
    CHECK(compiled.problem.input == interpreted.problem.input);
    CHECK(compiled.problem.element == interpreted.problem.element);
    return compiled;
  }

  int32_t with_hyper(const std::string &name, double value) {
    std::vector<double> hypers;
    int32_t position = -1;
    for (const ModelHyper &hyper : model_.hypers) {
      if (hyper.name == name)
        position = static_cast<int32_t>(hypers.size());
      hypers.push_back(hyper.name == name ? value : hyper.value);
    }
    const Outcome outcome = run(std::vector<double>(6), hypers.data()); // zeros of any type
    if (outcome.status == GRADC_BAD_HYPER)
      CHECK(outcome.problem.input == position);
    return outcome.status;
  }

private:
  Outcome run_on(const gradc_model &table, const void *y, const double *hypers) {
    const gradc_entry &entry = *gradc_find_entry(&table, GRADC_TRAIN_STEP, 0, 2);
    const runtime::Outputs outputs(table, entry);
    std::vector<void *> arenas;
    std::vector<std::vector<double>> memory; // doubles for their alignment
    for (int32_t i = 0; i < table.arena_count; ++i) {
      memory.emplace_back(static_cast<size_t>(gradc_arena_bytes(gradc_arena_at(&table, i), 1)) / 8 + 8);
      void *at = memory.back().data();
      size_t room = memory.back().size() * 8;
      arenas.push_back(std::align(64, room - 64, at, room));
    }
    const double x[4] = {1, 2, 3, 4}; // as floats of any type
    const float x32[4] = {1, 2, 3, 4};
    const void *inputs[] = {gradc_input_at(&table, 0)->dtype == GRADC_F32 ? static_cast<const void *>(x32) : x, y};
    Outcome outcome{0, {-1, 0, -1}};
    gradc_call call{};
    call.struct_size = sizeof call;
    call.arenas = arenas.data();
    call.arena_count = table.arena_count;
    call.inputs = inputs;
    call.outputs = outputs.pointers();
    call.hypers = hypers;
    call.problem = &outcome.problem;
    outcome.status = entry.run(&entry, &call);
    return outcome;
  }

  Model model_;
  ModelSpec spec_;
  InterpretedModel interpreted_;
  JitModel jit_;
};

const std::string kBinary = R"("y": {"shape": [3]}}, "loss": {"type": "binary_cross_entropy", "labels": "y"})";
const std::string kBinaryIntegers =
    R"("y": {"shape": [3], "dtype": "i32"}}, "loss": {"type": "binary_cross_entropy", "labels": "y"})";
const std::string kDistribution = R"("y": {"shape": [3]}}, "loss": {"type": "softmax_cross_entropy", "labels": "y"})";
const std::string kPercent = R"("y": {"shape": [3]}}, "loss": {"type": "softmax_cross_entropy", "labels": "y"},
    "train": {"batch_size": 2, "data": {"path": "d.csv", "x": {"columns": [0, 1]}, "y": {"columns": [2, 4], "scale": 0.01}}})";

void check_refused(const Step::Outcome &outcome, int64_t element) {
  CHECK(outcome.status == GRADC_BAD_LABEL);
  CHECK(outcome.problem.input == 1);
  CHECK(outcome.problem.element == element);
}

} // namespace

TEST_CASE("chances outside 0 to 1 are refused with their place") {
  Step step(kBinary);
  CHECK(step.run<float>({0, 1, 0.5f, 1, -0.0f, 1}).status == GRADC_OK);
  for (const float wrong : {-0.001f, 1.001f, 2.0f, -1.0f, 255.0f, std::numeric_limits<float>::quiet_NaN(),
                            std::numeric_limits<float>::infinity()})
    for (size_t i = 0; i < 6; ++i) {
      std::vector<float> y = {0, 1, 0.5f, 1, 0, 1};
      y[i] = wrong;
      check_refused(step.run(y), static_cast<int64_t>(i));
    }
}

TEST_CASE("chances that are integers are 0 or 1") {
  Step step(kBinaryIntegers);
  CHECK(step.run<int32_t>({0, 1, 0, 1, 0, 1}).status == GRADC_OK);
  check_refused(step.run<int32_t>({0, 1, 0, 1, 2, 1}), 4);
  check_refused(step.run<int32_t>({0, -1, 0, 1, 0, 1}), 1);
}

TEST_CASE("a label that is ignored is no class and is taken") {
  const std::string loss = R"(, "dtype": "i32"}}, "loss": {"type": "softmax_cross_entropy", "labels": "y",
      "ignore": -100, "logits": )";
  Step few(R"("y": {"shape": [])" + loss + R"("out"})");
  CHECK(few.run<int32_t>({-100, 2}).status == GRADC_OK);
  check_refused(few.run<int32_t>({-100, 3}), 1);
  check_refused(few.run<int32_t>({-99, -100}), 0);
  Step many(R"("y": {"shape": [3])" + loss + R"("z"})", R"({"name": "rows", "type": "dense", "units": 9, "input": "out"},
            {"name": "z", "type": "reshape", "shape": [3, 3]},)");
  CHECK(many.run<int32_t>({0, 1, 2, -100, -100, -100}).status == GRADC_OK);
  check_refused(many.run<int32_t>({-100, 1, 2, -100, 3, -1}), 4);
}

TEST_CASE("probabilities of classes that do not sum to 1 in each example are refused at its first element") {
  Step step(kDistribution);
  CHECK(step.run<float>({0.2f, 0.3f, 0.5f, 0, 1, 0}).status == GRADC_OK);
  CHECK(step.run<float>({0.333f, 0.333f, 0.333f, 0, 1, 0}).status == GRADC_OK);
  check_refused(step.run<float>({0.2f, 0.3f, 0.5f, 0, 1, 1}), 3);
  check_refused(step.run<float>({0.2f, 0.3f, 0.1f, 0, 1, 0}), 0);
  check_refused(step.run<float>({0.2f, 0.3f, 0.5f, 1.5f, -0.5f, 0}), 3);
  check_refused(step.run<float>({0.2f, 0.3f, 0.5f, 0.5f, -0.5f, 1}), 4);
}

TEST_CASE("targets are judged as the loss sees them: 100 is a probability in percent") {
  const Model model = tests::model_of(
      R"({"inputs": {"x": {"shape": [2]}, )" + kPercent +
      R"(, "layers": [{"name": "out", "type": "dense", "units": 3, "input": "x"}]})");
  const std::optional<Domain> domain = model.inputs[1].raw_domain();
  REQUIRE(domain);
  CHECK(domain->least == Approx(-0.1).margin(1e-3));
  CHECK(domain->most == Approx(100.2).margin(1e-3));
  CHECK(domain->row == 3);
  CHECK(domain->sum_least == Approx(99.9));
  CHECK(domain->sum_most == Approx(100.1));
}

TEST_CASE("hypers outside what the model computes with are refused by their number") {
  Step step(R"("y": {"shape": [3]}}, "loss": {"type": "mse", "target": "y"})");
  CHECK(step.with_hyper("learning_rate", 0) == GRADC_OK);
  CHECK(step.with_hyper("learning_rate", 1e30) == GRADC_OK);
  for (const double wrong : {-1e-3, 1e39, kInfinity, -kInfinity, kNaN})
    CHECK(step.with_hyper("learning_rate", wrong) == GRADC_BAD_HYPER);
}

TEST_CASE("a dropout rate is below 1 in the type of the model") {
  const auto step = [](DType dtype) {
    const std::string drop = R"({"name": "drop", "type": "dropout", "input": "x"}, {"name": "sum", "type": "dense", "units": 3},)";
    return Step(R"("y": {"shape": [3]}}, "loss": [{"type": "mse", "prediction": "out", "target": "y"},
                   {"type": "mse", "prediction": "sum", "target": "y"}])", drop, dtype);
  };
  Step f32 = step(DType::f32), f64 = step(DType::f64);
  for (const double rate : {0.0, 0.5, 0.9999999})
    CHECK(f32.with_hyper("drop.rate", rate) == GRADC_OK);
  for (const double rate : {1.0, 0.99999999, 1.5, -1e-9, kNaN})
    CHECK(f32.with_hyper("drop.rate", rate) == GRADC_BAD_HYPER);
  CHECK(f64.with_hyper("drop.rate", 0.99999999) == GRADC_OK);
  CHECK(f64.with_hyper("drop.rate", 1) == GRADC_BAD_HYPER);
}

} // namespace gradc
