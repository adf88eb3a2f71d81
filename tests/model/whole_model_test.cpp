// Whole models, trained by every engine on the same examples: same bits from JIT and shared object, from one thread and
// several, from the first run and the second, from an interrupted run and one that was not.
#include "compiler/engines/aot.h"
#include "compiler/engines/build_model.h"
#include "compiler/engines/interpreted_model.h"
#include "compiler/engines/jit.h"
#include "compiler/engines/shared_model.h"
#include "runtime/train/checkpoint.h"
#include "runtime/train/instance.h"
#include "runtime/train/signature.h"
#include "tests/support/op_samples.h"
#include "tests/support/runtime_fake_model.h"
#include "tests/support/whole_models.h"

#include <catch2/catch.hpp>

#include <algorithm>
#include <cmath>
#include <cstring>

using namespace gradc;
using namespace gradc::tests;

namespace {

using runtime::Instance;
using runtime::Outputs;
using runtime::TemporaryFolder;

Model load(const WholeModel &source) {
  static Diagnostics diagnostics; // the sources must outlive the models
  std::optional<Model> model = load_model_text(source.json, std::string(source.name) + ".json", {}, diagnostics);
  INFO(diagnostics.render());
  REQUIRE(model);
  return std::move(*model);
}

ModelSpec build(const Model &model, const std::vector<int64_t> &batches, DType dtype = DType::f32,
                const std::vector<Entry> &entries = {Entry::init, Entry::train_step}) {
  std::vector<EntryRequest> requests;
  for (Entry entry : entries)
    if (!has_entry(model, entry))
      continue;
    else if (takes_examples(entry))
      for (int64_t batch : batches)
        requests.push_back({entry, batch});
    else
      requests.push_back({entry, 0});
  return build_model(model, requests, dtype, {.verify_each = true});
}

CodegenOptions native() {
  CodegenOptions options;
  options.target = host_target();
  return options;
}

/// Examples that can be learned: every input is a noisy function of a hidden class.
class Examples {
public:
  Examples(const gradc_model &model, int64_t count) {
    const runtime::Signature signature = runtime::parse_signature(model.signature);
    Rng rng(20240607);
    constexpr int64_t kHidden = 3;
    std::vector<int64_t> hidden;
    for (int64_t i = 0; i < count; ++i)
      hidden.push_back(between(rng, 0, kHidden - 1));
    for (int32_t i = 0; i < model.input_count; ++i) {
      const runtime::InputInfo &input = *std::find_if(
          signature.inputs.begin(), signature.inputs.end(),
          [&](const runtime::InputInfo &info) { return info.name == gradc_input_at(&model, i)->name; });
      std::vector<double> centres;
      for (int64_t i = 0; i < kHidden * input.elements(); ++i)
        centres.push_back(static_cast<double>(between(rng, -1000, 1000)) / 1000);
      Tensor tensor(Type{static_cast<DType>(input.dtype), {count * input.elements()}});
      for (int64_t i = 0; i < tensor.type.elements(); ++i) {
        const int64_t h = hidden[static_cast<size_t>(i / input.elements())];
        const double centre = centres[static_cast<size_t>(h * input.elements() + i % input.elements())];
        if (input.classes)
          tensor.set_integer(i, h % *input.classes);
        else
          tensor.set(i, std::clamp(centre + static_cast<double>(between(rng, -100, 100)) / 1000,
                                   input.domain ? input.domain->least : -INFINITY, input.domain ? input.domain->most : INFINITY));
      }
      row_bytes_.push_back(static_cast<size_t>(tensor.type.bytes() / count));
      bytes_.push_back(tensor.to_bytes());
    }
  }

  /// As gradc_call.inputs wants them; valid until the next call.
  const void *const *from(int64_t row) {
    pointers_.clear();
    for (size_t i = 0; i < bytes_.size(); ++i)
      pointers_.push_back(bytes_[i].data() + static_cast<size_t>(row) * row_bytes_[i]);
    return pointers_.data();
  }

private:
  std::vector<std::vector<std::byte>> bytes_;
  std::vector<size_t> row_bytes_;
  std::vector<const void *> pointers_;
};

constexpr int64_t kSeed = 11, kTotalSteps = 100, kRows = 192;

/// What training leaves behind.
struct Run {
  std::vector<double> losses;
  std::string weights; // the bytes of the checkpoint: parameters and optimizer state
};

std::string weights_of(const Instance &instance) {
  TemporaryFolder folder;
  instance.save(folder / "w.safetensors", {});
  return runtime::read_text(folder / "w.safetensors");
}

/// Steps [from, to) with batches one after the other around the rows.
std::vector<double> train(Instance &instance, int64_t batch, int64_t from, int64_t to) {
  Examples examples(instance.model(), kRows);
  const gradc_entry &step = instance.require(GRADC_TRAIN_STEP, batch);
  Outputs outputs(instance.model(), step);
  std::vector<double> losses;
  for (int64_t s = from; s < to; ++s) {
    instance.run(step, examples.from(s * batch % (kRows - batch + 1)), outputs, {kSeed, s, kTotalSteps});
    losses.push_back(outputs.scalar(0));
  }
  return losses;
}

Run train_from_start(const gradc_model &model, int64_t batch, int64_t steps, int threads = 1) {
  Instance instance(model, threads);
  instance.init(kSeed);
  Run run;
  run.losses = train(instance, batch, 0, steps);
  run.weights = weights_of(instance);
  return run;
}

void check_same(const Run &a, const Run &b) {
  CHECK(a.losses == b.losses);
  const bool same_weights = a.weights == b.weights; // not shown: they are bytes
  CHECK(same_weights);
}

/// -log softmax(row)[label], summed over rows of logits.
double cross_entropy(const std::vector<double> &logits, const int32_t *labels, size_t classes) {
  double total = 0;
  for (size_t row = 0; row * classes < logits.size(); ++row) {
    const double *of_row = &logits[row * classes], most = *std::max_element(of_row, of_row + classes);
    double sum = 0;
    for (size_t k = 0; k < classes; ++k)
      sum += std::exp(of_row[k] - most);
    total += std::log(sum) + most - of_row[labels[row]];
  }
  return total;
}

/// The losses of some steps, and then all numbers that the other entries put out.
std::vector<double> everything_shown(const gradc_model &model, int64_t batch, int64_t steps) {
  Instance instance(model, 1);
  instance.init(kSeed);
  Examples examples(model, kRows);
  if (const gradc_entry *calibrate = gradc_find_entry(&model, GRADC_CALIBRATE, 0, batch))
    instance.run(*calibrate, examples.from(0), Outputs(model, *calibrate), {kSeed, 0, kTotalSteps});
  std::vector<double> numbers = train(instance, batch, 0, steps);
  for (int32_t kind : {GRADC_EVALUATE, GRADC_PREDICT, GRADC_SCHEDULE}) {
    const gradc_entry *found = gradc_find_entry(&model, kind, 0, kind == GRADC_SCHEDULE ? 0 : batch);
    if (!found)
      continue; // a model whose rate is constant
    const gradc_entry &entry = *found;
    Outputs outputs(model, entry);
    instance.run(entry, examples.from(0), outputs, {kSeed, steps, kTotalSteps});
    for (int32_t o = 0; o < outputs.count(); ++o) {
      const gradc_value &value = outputs.value(o);
      const Tensor tensor = Tensor::from_bytes(
          Type{static_cast<DType>(value.dtype), Shape(value.dims, value.dims + value.rank)}, outputs.data(o));
      for (int64_t i = 0; i < tensor.type.elements(); ++i)
        numbers.push_back(tensor.number(i));
    }
  }
  return numbers;
}

void check_close(const std::vector<double> &actual, const std::vector<double> &expected) {
  REQUIRE(actual.size() == expected.size());
  for (size_t i = 0; i < actual.size(); ++i)
    if (!(std::abs(actual[i] - expected[i]) <= 1e-10 * std::max(1.0, std::abs(expected[i]))))
      FAIL_CHECK("number " << i << ": " << actual[i] << " instead of " << expected[i]);
}

} // namespace

TEST_CASE("a model trains to the same bits in every run, on any number of threads, as JIT and as shared object") {
  for (const WholeModel &source : whole_models()) {
    INFO(source.name);
    const ModelSpec spec = build(load(source), {source.batch});
    const JitModel jit(spec, native());
    const Run first = train_from_start(*jit.table(), source.batch, source.steps);
    check_same(train_from_start(*jit.table(), source.batch, source.steps), first);
    CodegenOptions share_all = native();
    share_all.target.schedule = parse_schedule_override("fork=1"); // small kernels too
    const JitModel shared_out(spec, share_all);
    for (int threads : {2, 3})
      for (const JitModel *model : {&jit, &shared_out})
        check_same(train_from_start(*model->table(), source.batch, source.steps, threads), first);
    TemporaryFolder folder;
    write_shared_object(compile_model(spec, native()), folder / "model.so");
    const SharedModel shared(folder / "model.so");
    check_same(train_from_start(*shared.table(), source.batch, source.steps, 2), first);
    CHECK(first.losses.back() < 0.8 * first.losses.front());
  }
}

TEST_CASE("a model trains, is evaluated and predicts in f64 as the interpreter does it") {
  constexpr int64_t kSteps = 4;
  for (const WholeModel &source : whole_models()) {
    if (source.large)
      continue;
    INFO(source.name);
    const std::vector<Entry> entries = {Entry::init,     Entry::calibrate, Entry::train_step,
                                        Entry::evaluate, Entry::predict,   Entry::schedule};
    const ModelSpec spec = build(load(source), {source.batch}, DType::f64, entries);
    const JitModel jit(spec, native());
    const InterpretedModel interpreted(spec);
    check_close(everything_shown(*jit.table(), source.batch, kSteps),
                everything_shown(*interpreted.table(), source.batch, kSteps));
  }
}

TEST_CASE("the loss that evaluation reports is that of what prediction puts out") {
  for (const WholeModel &source : whole_models()) {
    if (source.name != "lenet" && source.name != "resnet20" && source.name != "segmentation")
      continue; // with a softmax, and classes as the second input
    INFO(source.name);
    const ModelSpec spec = build(load(source), {source.batch}, DType::f32,
                                 {Entry::init, Entry::train_step, Entry::evaluate, Entry::predict});
    const JitModel jit(spec, native());
    Instance instance(*jit.table(), 1);
    instance.init(kSeed);
    train(instance, source.batch, 0, 5);
    Examples examples(*jit.table(), kRows);
    const gradc_entry &predict = instance.require(GRADC_PREDICT, source.batch),
                      &evaluate = instance.require(GRADC_EVALUATE, source.batch);
    Outputs predicted(*jit.table(), predict), evaluated(*jit.table(), evaluate);
    const void *const *inputs = examples.from(0);
    instance.run(predict, inputs, predicted, {kSeed, 5, kTotalSteps});
    instance.run(evaluate, inputs, evaluated, {kSeed, 5, kTotalSteps});
    const gradc_value &scores = predicted.value(0);
    const auto classes = static_cast<size_t>(scores.dims[scores.rank - 1]);
    const std::vector<double> logits = predicted.numbers(0);
    const auto rows_of_example = static_cast<double>(logits.size() / classes) / static_cast<double>(source.batch);
    const double loss = cross_entropy(logits, static_cast<const int32_t *>(inputs[1]), classes) / rows_of_example;
    CHECK(evaluated.scalar(0) == Approx(loss).epsilon(1e-5));
  }
}

// Not to the bit: an update fused with the gradient of its parameter rounds once less.
TEST_CASE("gradients and update apart do what a training step does at once") {
  constexpr int64_t kSteps = 6;
  for (const WholeModel &source : whole_models()) {
    INFO(source.name);
    const std::vector<Entry> entries = {Entry::init, Entry::train_step, Entry::grad_step, Entry::apply};
    const JitModel jit(build(load(source), {source.batch}, DType::f64, entries), native());
    Instance instance(*jit.table(), 1);
    instance.init(kSeed);
    Examples examples(*jit.table(), kRows);
    const gradc_entry &gradients = instance.require(GRADC_GRAD_STEP, source.batch), &apply = instance.require(GRADC_APPLY, 0);
    Outputs loss(*jit.table(), gradients), none(*jit.table(), apply);
    const Run whole = train_from_start(*jit.table(), source.batch, kSteps);
    for (int64_t s = 0; s < kSteps; ++s) {
      instance.run(gradients, examples.from(s * source.batch % (kRows - source.batch + 1)), loss, {kSeed, s, kTotalSteps});
      instance.run(apply, nullptr, none, {kSeed, s, kTotalSteps});
      CHECK(loss.scalar(0) == Approx(whole.losses[static_cast<size_t>(s)]).epsilon(1e-10));
    }
  }
}

TEST_CASE("the smaller last batch trains as in a model compiled for that size alone") {
  for (const WholeModel &source : whole_models()) {
    INFO(source.name);
    const Model model = load(source);
    const int64_t tail = source.batch / 3 + 1;
    const JitModel both(build(model, {source.batch, tail}), native()), alone(build(model, {tail}), native());
    check_same(train_from_start(*both.table(), tail, 3), train_from_start(*alone.table(), tail, 3));
  }
}

TEST_CASE("a run that is saved, loaded elsewhere and goes on gives the bits of one that is not") {
  for (const WholeModel &source : whole_models()) {
    INFO(source.name);
    const JitModel jit(build(load(source), {source.batch}), native());
    const Run whole = train_from_start(*jit.table(), source.batch, 6);
    TemporaryFolder folder;
    Run parts;
    {
      Instance instance(*jit.table(), 1);
      instance.init(kSeed);
      parts.losses = train(instance, source.batch, 0, 4);
      instance.save(folder / "half.safetensors", {});
    }
    Instance instance(*jit.table(), 2);
    instance.load(folder / "half.safetensors", true);
    const bool same_file = weights_of(instance) == runtime::read_text(folder / "half.safetensors");
    CHECK(same_file);
    for (double loss : train(instance, source.batch, 4, 6))
      parts.losses.push_back(loss);
    parts.weights = weights_of(instance);
    check_same(parts, whole);
  }
}

TEST_CASE("planned memory is at most 1.05 times what must be alive at once") {
  for (const WholeModel &source : whole_models()) {
    const Model model = load(source);
    for (Entry entry : {Entry::train_step, Entry::grad_step, Entry::evaluate, Entry::predict})
      for (int64_t batch : {int64_t{1}, int64_t{7}, source.batch, int64_t{128}}) {
        INFO(source.name << ' ' << to_string(entry) << ' ' << batch);
        const ModelSpec spec = build_model(model, {{entry, batch}}, DType::f32, {});
        const Plan &plan = *spec.entries[0].graph.plan;
        CHECK(static_cast<double>(plan.arena_bytes) <= 1.05 * static_cast<double>(plan.lower_bound));
      }
  }
}
