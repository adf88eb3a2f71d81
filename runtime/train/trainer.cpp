// The epoch loop; see trainer.h.
#include "runtime/train/trainer.h"

#include "runtime/train/early_stopping.h"
#include "runtime/train/error.h"
#include "runtime/train/partial_load.h"
#include "runtime/train/plateau.h"
#include "runtime/train/reports/log.h"
#include "runtime/train/reports/plot.h"
#include "runtime/train/run_files.h"
#include "runtime/train/updates.h"
#include "runtime/train/watch.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <fmt/format.h>
#include <tuple>

namespace gradc::runtime {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point begin) {
  return std::chrono::duration<double>(Clock::now() - begin).count();
}

/// A compiled function with memory for what it puts out.
struct Function {
  const gradc_entry *entry = nullptr;
  std::optional<Outputs> outputs;

  Function() = default;
  Function(const gradc_model &model, const gradc_entry *found) : entry(found) {
    if (entry)
      outputs.emplace(model, *entry);
  }
};

class Trainer {
public:
  Trainer(const gradc_model &model, const Signature &signature, const Dataset &data, const TrainOptions &options)
      : signature_(signature), data_(data), options_(options), early_stopping_(signature), plateaus_(signature),
        plan_(plan_run(signature, options, data.train.size())), instance_(model, options.threads),
        files_(instance_, options), batches_(model, data),
        updates_(instance_, plan_, data.train.size()), rate_(instance_.hyper("learning_rate")) {
    schedule_ = Function(model, gradc_find_entry(&model, GRADC_SCHEDULE, 0, 0));
    if (options.learning_rate && !rate_)
      throw Error("learning_rate: the model has no such hyperparameter");
    if (options.learning_rate)
      *rate_ = *options.learning_rate;
    for (int32_t i = 0; schedule_.entry && i < schedule_.outputs->count(); ++i)
      if (double *hyper = instance_.hyper(schedule_.outputs->value(i).name))
        scheduled_.push_back({i, schedule_.outputs->value(i).name, hyper, *hyper});
    if (options.watch && plan_.part_rows < plan_.batch_size)
      throw Error("--watch does not show models whose optimizer accumulates gradients yet");
    if (options.watch)
      watch_.emplace(instance_, data.train.size() >= plan_.batch_size ? plan_.batch_size : plan_.tail);
    check_evaluation();
    start();
    attach_listeners();
  }

  TrainResult run() {
    began_ = Clock::now();
    TrainResult result;
    announce();
    try {
      while (!has_ended() && !stopping_) {
        train_epoch();
        if (!stopping_ && !has_ended())
          save_if_due();
      }
      result = finish();
    } catch (const Error &error) {
      tell(FailureEvent{state_.step, error.what()});
      throw;
    }
    if (!lost_.empty())
      throw Error(lost_);
    return result;
  }

private:
  bool is_asked_to_stop() const { return options_.stop && options_.stop->load(std::memory_order_relaxed); }
  bool has_ended() const { return state_.epoch >= plan_.epochs || early_stopping_.is_over(state_); }

  /// Missing specializations are told before an hour of training, not after.
  void check_evaluation() const {
    if (signature_.metrics.empty())
      return;
    cover(data_.validation.size(), instance_.batches(GRADC_EVALUATE), GRADC_EVALUATE);
    if (plan_.training_metrics)
      cover(data_.train.size(), instance_.batches(GRADC_EVALUATE), GRADC_EVALUATE);
    cover(data_.test.size(), instance_.batches(GRADC_EVALUATE), GRADC_EVALUATE);
  }

  void start() {
    instance_.init(plan_.seed);
    RunState fresh;
    fresh.batch_size = plan_.batch_size;
    fresh.seed = plan_.seed;
    fresh.split_seed = split_seed(signature_, options_);
    fresh.stratify = stratified_by(signature_);
    fresh.train_rows = data_.dealt.train;
    fresh.validation_rows = data_.dealt.validation;
    fresh.test_rows = data_.dealt.test;
    fresh.optimizer = signature_.optimizer;
    state_ = fresh;
    if (!options_.load.empty()) {
      const std::optional<RunState> loaded = files_.load(fresh, early_stopping_);
      resumed_ = loaded.has_value();
      state_ = loaded.value_or(fresh);
    } else {
      if (needs_fit(signature_))
        fit(instance_, batches_, data_.train, position());
      if (signature_.calibrate)
        calibrate();
    }
    if (!options_.load_partial.empty())
      loaded_ = load_partially(instance_, options_.load_partial, options_.load_only);
    if (state_.epoch >= plan_.epochs)
      throw Error(fmt::format("'{}' has done its {} epochs; to go on, give --epochs above {}", options_.load,
                              state_.epoch, state_.epoch));
    int64_t rest = 0;
    if (__builtin_mul_overflow(plan_.epochs - state_.epoch, plan_.steps_per_epoch, &rest) ||
        __builtin_sub_overflow(rest, state_.batch, &rest) || __builtin_add_overflow(state_.step, rest, &total_steps_) ||
        total_steps_ >= GRADC_MAX_STEP)
      throw Error(fmt::format("step {} and {} epochs of {} steps are more than can be counted; give fewer --epochs", state_.step,
                              plan_.epochs - state_.epoch, plan_.steps_per_epoch));
    if (options_.max_steps && *options_.max_steps <= state_.step)
      throw Error(fmt::format("'{}' has done {} steps; to go on, give --max-steps above {}", options_.load, state_.step,
                              state_.step));
  }

  /// With the examples that the first epoch begins with.
  void calibrate() {
    const int64_t count = std::min(plan_.part_rows, data_.train.size());
    const gradc_entry &entry = instance_.require(GRADC_CALIBRATE, count);
    instance_.run(entry, rows(order_of(0), 0, count), Outputs(instance_.model(), entry), position());
  }

  Permutation order_of(int64_t epoch) const {
    return Permutation(plan_.shuffle ? data_.train.size() : 0, plan_.seed, Stream::shuffle, epoch);
  }

  /// The training rows from `first` on in the order of an epoch.
  const void *const *rows(const Permutation &order, int64_t first, int64_t count) {
    return plan_.shuffle ? batches_.gather(order, data_.train.begin, first, count) : batches_.rows(data_.train.begin + first);
  }

  int32_t kind(const gradc_tensor &tensor) const { return gradc_arena_at(&instance_.model(), tensor.arena)->kind; }

  void attach_listeners() {
    listeners_.push_back(make_progress(options_.progress, options_.console));
    if (!options_.log.empty())
      listeners_.push_back(std::make_unique<Log>(options_.log, resumed_));
    if (!options_.plot.empty())
      listeners_.push_back(std::make_unique<LossPlot>(options_.plot));
  }

  template <class Event> void tell(const Event &event) {
    for (std::unique_ptr<Listener> &listener : listeners_)
      try {
        if (listener)
          listener->on(event);
      } catch (const Error &error) {
        listener.reset();
        lost_ = error.what();
        tell(WarningEvent{state_.step, lost_ + "; the run goes on without it"});
      }
  }

  void announce() {
    StartEvent event;
    event.model = signature_.name;
    event.rows = data_.sizes();
    event.test_rows.assign(data_.original_rows.begin() + data_.test.begin,
                           data_.original_rows.begin() + data_.test.end);
    event.standardized_targets = signature_.standardized_targets;
    event.taken = loaded_.taken;
    event.left = loaded_.left;
    event.epochs = plan_.epochs;
    event.steps_per_epoch = plan_.steps_per_epoch;
    event.batch_size = plan_.batch_size;
    event.seed = plan_.seed;
    event.step = state_.step;
    event.epoch = state_.epoch;
    event.batch = state_.batch;
    const gradc_model &model = instance_.model();
    for (int32_t i = 0; i < model.tensor_count; ++i)
      if (const gradc_tensor &tensor = *gradc_tensor_at(&model, i);
          kind(tensor) == GRADC_PARAMS &&
          std::ranges::find(signature_.frozen, tensor.name) == signature_.frozen.end())
        event.parameters += tensor.bytes / dtype_bytes(tensor.dtype);
    tell(event);
  }

  /// Trains the rest of the epoch under way, validates, and moves state_ on.
  void train_epoch() {
    const Clock::time_point begin = Clock::now();
    const Permutation order = order_of(state_.epoch);
    EpochEvent event;
    event.epoch = state_.epoch + 1;
    event.epochs = plan_.epochs;
    while (state_.batch < plan_.steps_per_epoch && !stopping_) {
      const int64_t first = state_.batch * plan_.batch_size;
      const int64_t count = std::min(plan_.batch_size, data_.train.size() - first);
      event.learning_rate = step(count, [&](int64_t row, int64_t part) { return rows(order, first + row, part); });
      state_.loss_sum += last_loss_ * static_cast<double>(count);
      stopping_ = is_asked_to_stop() || (options_.max_steps && state_.step >= *options_.max_steps);
      if (!stopping_ && state_.batch < plan_.steps_per_epoch)
        save_if_due();
    }
    event.complete = state_.batch == plan_.steps_per_epoch;
    event.loss = state_.loss_sum / static_cast<double>(std::min(state_.batch * plan_.batch_size, data_.train.size()));
    if (event.complete) {
      state_.batch = 0;
      state_.loss_sum = 0;
      ++state_.epoch;
    }
    check_finite();
    if (!event.complete && is_asked_to_stop())
      files_.save(state_); // at once: who asked for the end may not wait for the evaluation
    event.step = state_.step;
    validation_ = evaluated(data_.validation, "validation");
    if (plan_.training_metrics && event.complete)
      event.training = evaluated(data_.train, "training");
    if (event.complete)
      plateaus_.take(state_, validation_, event.loss);
    if (event.complete && early_stopping_.takes(state_, validation_))
      files_.keep_best(state_, validation_);
    event.validation = validation_;
    if (watch_)
      event.watch = watch_->epoch();
    event.seconds = seconds_since(begin);
    tell(event);
  }

  Position position() const { return {plan_.seed, state_.step, total_steps_}; }

  /// One update. Returns its learning rate.
  double step(int64_t count, const Updates::Rows &inputs) {
    apply_schedule();
    const double rate = rate_ ? *rate_ : 0;
    if (watch_)
      watch_->before(inputs(0, count), count, position());
    const auto [status, loss] = updates_.run(inputs, count, position());
    last_loss_ = loss;
    ++state_.step;
    ++state_.batch;
    tell(StepEvent{state_.step, state_.epoch + 1, last_loss_, rate, watch_ ? watch_->after() : std::vector<LayerWatch>{}});
    if (status == GRADC_NOT_FINITE && std::isfinite(last_loss_))
      check_finite();
    if (status == GRADC_NOT_FINITE)
      throw Error(fmt::format("the loss is {} at step {} (epoch {}); the learning rate is {}: try a smaller one, or "
                              "\"clip_norm\" in the optimizer",
                              last_loss_, state_.step, state_.epoch + 1, rate));
    return rate;
  }

  /// Gives the hyperparameters their values at this step.
  void apply_schedule() {
    for (const Scheduled &hyper : scheduled_)
      *hyper.value = hyper.initial * plateaus_.factor(state_, hyper.name);
    if (schedule_.entry)
      instance_.run(*schedule_.entry, nullptr, *schedule_.outputs, position());
    for (const Scheduled &hyper : scheduled_)
      *hyper.value = schedule_.outputs->scalar(hyper.output);
  }

  /// The loss of a step is that before its update, so what the update made has its own look.
  void check_finite() const {
    if (const std::optional<UnfitValue> found = instance_.first_unfit())
      throw Error(fmt::format("after step {} (epoch {}) '{}' holds {}: nothing is saved; try a smaller learning rate, or clip the "
                              "gradients",
                              state_.step, state_.epoch + (state_.batch > 0), found->tensor, found->value));
  }

  std::vector<Metric> evaluated(const Part &part, const char *name) {
    try {
      return evaluate(instance_, signature_, batches_, part, position());
    } catch (const NotFinite &problem) {
      throw Error(fmt::format("after step {} (epoch {}) the {} of the {} rows is {}: nothing is saved; try a smaller learning rate, "
                              "or clip the gradients",
                              state_.step, state_.epoch + (state_.batch > 0), problem.what(), name, problem.value));
    }
  }

  /// Before the end of the run, a checkpoint that cannot be written is no reason to lose the run.
  void save_if_due() {
    if (options_.save.empty() || !files_.is_due(state_))
      return;
    check_finite();
    try {
      files_.save(state_);
    } catch (const Error &error) {
      files_.put_off();
      tell(WarningEvent{state_.step, error.what() + std::string("; the run goes on and saves again later")});
    }
  }

  TrainResult finish() {
    TrainResult result;
    result.seconds = seconds_since(began_);
    result.stopped = !has_ended();
    EndEvent event{state_.step, result.seconds, result.stopped, 0, {}, options_.save};
    if (!result.stopped && state_.best) {
      event.best_epoch = state_.best->epoch;
      std::tie(state_, validation_) = files_.restore_best();
    }
    if (is_asked_to_stop())
      files_.save(state_); // at once
    result.test = event.test = evaluated(data_.test, "test");
    files_.save(state_);
    if (!result.stopped)
      files_.remove_best_file();
    result.state = state_;
    result.last_loss = last_loss_;
    result.validation = validation_;
    tell(event);
    return result;
  }

  const Signature &signature_;
  const Dataset &data_;
  const TrainOptions &options_;
  const EarlyStopping early_stopping_;
  const Plateaus plateaus_;
  const RunPlan plan_;
  Instance instance_;
  RunFiles files_;
  Batches batches_;
  Updates updates_;
  double *rate_; // the learning rate among the hyperparameters; null: the model has none
  struct Scheduled {
    int32_t output; // of the schedule
    std::string name;
    double *value, initial;
  };
  std::vector<Scheduled> scheduled_;
  double last_loss_ = 0;
  Function schedule_;
  RunState state_;
  int64_t total_steps_ = 0;
  std::optional<Watch> watch_; // of a run that is watched
  PartialLoad loaded_;
  bool resumed_ = false, stopping_ = false;
  std::string lost_;        // why a log or plot is not complete
  std::vector<Metric> validation_;
  std::vector<std::unique_ptr<Listener>> listeners_;
  Clock::time_point began_;
};

} // namespace

TrainResult train(const gradc_model &model, const Signature &signature, const Dataset &data,
                  const TrainOptions &options) {
  return Trainer(model, signature, data, options).run();
}

} // namespace gradc::runtime
