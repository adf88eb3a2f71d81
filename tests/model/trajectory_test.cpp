// Training compared with PyTorch, step by step: reference/trajectories/*.json hold a model, its initial parameters, its
// rows, and the losses and learning rates of PyTorch's run in f64. What is compiled here must follow them in f64 to
// rounding, and in f32.
#include "compiler/engines/build_model.h"
#include "compiler/engines/jit.h"
#include "compiler/model/tables/activations.h"
#include "compiler/model/tables/averages.h"
#include "compiler/model/tables/constraints.h"
#include "compiler/model/tables/losses.h"
#include "compiler/model/tables/optimizers.h"
#include "compiler/model/tables/schedules.h"

#include <catch2/catch.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <map>
#include <numeric>
#include <set>

namespace gradc {
namespace {

using Json = nlohmann::json;
using Numbers = std::vector<double>;

const std::map<std::string, Json> &references() {
  static const std::map<std::string, Json> all = [] {
    std::map<std::string, Json> found;
    const auto folder = std::filesystem::path(GRADC_SOURCE_DIR) / "tests" / "reference" / "trajectories";
    for (const auto &file : std::filesystem::directory_iterator(folder))
      found[file.path().stem()] = Json::parse(std::ifstream(file.path()));
    return found;
  }();
  return all;
}

/// A list, or numbers that are drawn: multiples of 1/parts up to `most` of these, by the linear congruential generator of Knuth's MMIX.
Numbers numbers_of(const Json &written) {
  if (written.is_array())
    return written;
  uint64_t state = written["seed"];
  const int64_t most = written["most"];
  Numbers numbers(written["count"].get<size_t>());
  for (double &number : numbers) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    number = static_cast<double>(static_cast<int64_t>(state >> 33) % (2 * most + 1) - most) / written["parts"].get<double>();
  }
  return numbers;
}

template <class Element> void write_as(const Numbers &numbers, void *at) {
  std::transform(numbers.begin(), numbers.end(), static_cast<Element *>(at),
                 [](double number) { return static_cast<Element>(number); });
}

void write_numbers(const Numbers &numbers, int32_t dtype, void *at) {
  if (dtype == GRADC_F32)
    write_as<float>(numbers, at);
  else if (dtype == GRADC_F64)
    write_as<double>(numbers, at);
  else
    write_as<int32_t>(numbers, at);
}

JitModel compile(const Json &reference, DType float_dtype) {
  Diagnostics diagnostics;
  const std::optional<Model> model = load_model_text(reference["model"].dump(), "model.json", {}, diagnostics);
  INFO(diagnostics.render());
  REQUIRE(model);
  std::vector<EntryRequest> entries = {{Entry::train_step, reference["batch"]}};
  if (reference.contains("evaluated"))
    for (const Entry entry : {Entry::evaluate, Entry::predict})
      entries.push_back({entry, reference["batch"]});
  if (has_entry(*model, Entry::schedule))
    entries.push_back({Entry::schedule, 0});
  CodegenOptions options;
  options.target = host_target();
  return JitModel(build_model(*model, entries, float_dtype, RunOptions{}), options);
}

/// A model with the parameters and the rows of a reference, on the bare C ABI.
class Run {
public:
  Run(const gradc_model &model, const Json &reference) : model_(model), batch_(reference["batch"]) {
    call_.struct_size = sizeof call_;
    call_.total_steps = static_cast<int64_t>(reference["losses"].size());
    for (int32_t i = 0; i < model.arena_count; ++i)
      arenas_.push_back(allocate(gradc_arena_bytes(gradc_arena_at(&model, i), 1)));
    call_.arenas = arenas_.data();
    call_.arena_count = model.arena_count;
    for (int32_t i = 0; i < model.tensor_count; ++i) {
      const gradc_tensor &tensor = *gradc_tensor_at(&model, i);
      const Json &initial = reference["parameters"];
      const std::string name = tensor.name, owner = name.substr(0, name.rfind('.'));
      if (initial.contains(name))
        write_numbers(numbers_of(initial[name]), tensor.dtype, address(tensor));
      else if (gradc_arena_at(&model, tensor.arena)->kind == GRADC_MODEL_BUFFERS) // an average begins with the parameter
        write_numbers(numbers_of(initial.at(owner)), tensor.dtype, address(tensor));
    }
    for (int32_t i = 0; i < model.input_count; ++i)
      add_input(*gradc_input_at(&model, i), numbers_of(reference["inputs"].at(gradc_input_at(&model, i)->name)));
    for (int32_t i = 0; i < model.hyper_count; ++i) {
      initial_.push_back(gradc_hyper_at(&model, i)->default_value);
      if (std::string_view(gradc_hyper_at(&model, i)->name) == "learning_rate")
        rate_ = static_cast<size_t>(i);
    }
    hypers_ = initial_;
    apply_schedule();
  }

  /// The loss of the batch of this step, before the update.
  double train() {
    const std::vector<const void *> inputs = rows_from(call_.step * batch_);
    call_.inputs = inputs.data();
    const double loss = result_of(GRADC_TRAIN_STEP, batch_, hypers_);
    ++call_.step;
    apply_schedule();
    return loss;
  }

  /// The largest difference of the tensor's elements from those expected, relative to the largest of these.
  double deviation(const std::string &name, const Numbers &expected) const {
    for (int32_t i = 0; i < model_.tensor_count; ++i)
      if (const gradc_tensor &tensor = *gradc_tensor_at(&model_, i); tensor.name == name) {
        double worst = 0, largest = 0;
        for (size_t e = 0; e < expected.size(); ++e) {
          const void *at = address(tensor);
          const double found = tensor.dtype == GRADC_F32 ? static_cast<double>(static_cast<const float *>(at)[e]) : static_cast<const double *>(at)[e];
          worst = std::max(worst, std::abs(found - expected[e]));
          largest = std::max(largest, std::abs(expected[e]));
        }
        return worst / largest;
      }
    return INFINITY;
  }

  /// The loss and the first output of the first batch in evaluation and prediction.
  std::pair<double, Numbers> evaluated() {
    const std::vector<const void *> inputs = rows_from(0);
    call_.inputs = inputs.data();
    const double loss = result_of(GRADC_EVALUATE, batch_, hypers_) / static_cast<double>(batch_);
    const gradc_entry &predict = *gradc_find_entry(&model_, GRADC_PREDICT, 0, batch_);
    std::vector<void *> outputs;
    for (int32_t i = 0; i < predict.output_count; ++i)
      outputs.push_back(allocate(elements(*gradc_output_at(&model_, &predict, i)) * 8));
    run(GRADC_PREDICT, batch_, hypers_, outputs.data());
    const gradc_value &first = *gradc_output_at(&model_, &predict, 0);
    Numbers output(static_cast<size_t>(elements(first)));
    for (size_t i = 0; i < output.size(); ++i)
      output[i] = first.dtype == GRADC_F32 ? static_cast<double>(static_cast<const float *>(outputs[0])[i])
                                           : static_cast<const double *>(outputs[0])[i];
    return {loss, output};
  }

  /// Of the next step.
  double learning_rate() const { return hypers_[rate_]; }

private:
  struct Input {
    const char *rows;
    int64_t count, row_bytes;
  };

  static int64_t elements(const gradc_value &value) {
    return std::accumulate(value.dims, value.dims + value.rank, int64_t{1}, std::multiplies<>{});
  }

  char *address(const gradc_tensor &tensor) const { return static_cast<char *>(call_.arenas[tensor.arena]) + tensor.offset; }

  /// Zeroed, as the slots of an optimizer are at first.
  void *allocate(int64_t bytes) {
    const auto alignment = static_cast<size_t>(model_.alignment);
    const size_t size = (static_cast<size_t>(bytes) / alignment + 1) * alignment;
    memory_.emplace_back(std::aligned_alloc(alignment, size));
    return std::memset(memory_.back().get(), 0, size);
  }

  void add_input(const gradc_value &input, const Numbers &numbers) {
    const int64_t bytes = input.dtype == GRADC_F64 ? 8 : 4;
    const int64_t row = elements(input);
    const auto total = static_cast<int64_t>(numbers.size());
    void *rows = allocate(total * bytes);
    write_numbers(numbers, input.dtype, rows);
    inputs_.push_back({static_cast<char *>(rows), total / row, row * bytes});
  }

  void apply_schedule() {
    if (gradc_find_entry(&model_, GRADC_SCHEDULE, 0, 0))
      hypers_[rate_] = result_of(GRADC_SCHEDULE, 0, initial_);
  }

  /// The rows from one on, which begin again at their end.
  std::vector<const void *> rows_from(int64_t first) const {
    std::vector<const void *> inputs;
    for (const Input &input : inputs_)
      inputs.push_back(input.rows + first % input.count * input.row_bytes);
    return inputs;
  }

  double result_of(int32_t kind, int64_t batch, const Numbers &hypers) {
    double result = 0;
    void *outputs[] = {&result};
    run(kind, batch, hypers, outputs);
    return result;
  }

  void run(int32_t kind, int64_t batch, const Numbers &hypers, void *const *outputs) {
    const gradc_entry *entry = gradc_find_entry(&model_, kind, 0, batch);
    call_.outputs = outputs;
    call_.hypers = hypers.data();
    if (const int32_t status = entry->run(entry, &call_); status != GRADC_OK)
      throw std::runtime_error(model_.status_message(status));
  }

  struct Free {
    void operator()(void *memory) const { std::free(memory); }
  };
  const gradc_model &model_;
  int64_t batch_;
  gradc_call call_{};
  std::vector<std::unique_ptr<void, Free>> memory_;
  std::vector<void *> arenas_;
  std::vector<Input> inputs_;
  Numbers initial_, hypers_;
  size_t rate_ = 0; // the learning rate among the hypers
};

/// The largest relative differences of all steps.
struct Deviation {
  double loss = 0, rate = 0;
  double final = 0; // of the tensors that the reference has at the end, and of what evaluation and prediction say then
};

double relative_difference(double actual, double expected) {
  const double difference = std::abs(actual - expected) / std::abs(expected);
  return std::isfinite(difference) ? difference : INFINITY; // std::max would pass over a NaN
}

Deviation follow(const Json &reference, DType float_dtype) {
  const JitModel compiled = compile(reference, float_dtype);
  Run run(*compiled.table(), reference);
  const Numbers losses = reference["losses"], rates = reference["learning_rates"];
  Deviation worst;
  for (size_t step = 0; step < losses.size(); ++step) {
    const double rate = rates.size() == 1 ? rates[0] : rates[step];
    worst.rate = std::max(worst.rate, relative_difference(run.learning_rate(), rate));
    worst.loss = std::max(worst.loss, relative_difference(run.train(), losses[step]));
  }
  const Json last = reference.value("final", Json::object());
  for (const auto &[name, expected] : last.items())
    worst.final = std::max(worst.final, run.deviation(name, expected));
  if (const auto evaluated = reference.find("evaluated"); evaluated != reference.end()) {
    const Numbers expected = (*evaluated)["output"];
    const auto [loss, output] = run.evaluated();
    worst.final = std::max(worst.final, relative_difference(loss, (*evaluated)["loss"][0]));
    const double largest = std::abs(*std::ranges::max_element(expected, {}, [](double y) { return std::abs(y); }));
    for (size_t i = 0; i < expected.size(); ++i)
      worst.final = std::max(worst.final, std::abs(output[i] - expected[i]) / largest);
  }
  return worst;
}

/// All strings in the values of a document.
void collect_strings(const Json &value, std::set<std::string> &strings) {
  if (value.is_string())
    strings.insert(value.get<std::string>());
  for (const Json &part : value.is_structured() ? value : Json::array())
    collect_strings(part, strings);
}

} // namespace

TEST_CASE("trajectories: the losses of every step are those of PyTorch") {
  for (const auto &[name, reference] : references())
    SECTION(name) {
      const Deviation f64 = follow(reference, DType::f64), f32 = follow(reference, DType::f32);
      INFO(fmt::format("f64: loss {:.1e}, rate {:.1e}, final {:.1e}; f32: loss {:.1e}, rate {:.1e}, final {:.1e}", f64.loss, f64.rate,
                       f64.final, f32.loss, f32.rate, f32.final));
      CHECK(f64.loss < 1e-12);
      CHECK(f64.rate < 1e-12);
      CHECK(f64.final < 1e-12);
      CHECK(f32.final < 1e-4);
      CHECK(f32.loss < 1e-4);
      CHECK(f32.rate < 1e-12); // schedules compute in f64 always
    }
}

TEST_CASE("trajectories: every optimizer, loss, activation, schedule, constraint and average has one") {
  std::set<std::string> strings;
  for (const auto &[name, reference] : references())
    collect_strings(reference["model"], strings);
  for (const Family *family : {&optimizers(), &losses(), &activations(), &schedules(), &constraints(), &averages()})
    for (const ObjectSpec *type : family->types)
      if (type->name != "constant") // a bare number
        CHECK(strings.contains(std::string(type->name)));
}

} // namespace gradc
