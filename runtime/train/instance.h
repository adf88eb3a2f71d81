// One copy of a model that can be trained: its arenas, its thread team, its hyperparameters.
#pragma once

#include "runtime/gradc.h"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace gradc::runtime {

/// Where a run stands; what randomness and schedules are functions of.
struct Position {
  int64_t seed = 0;
  int64_t step = 0;        // updates done so far
  int64_t total_steps = 0; // of the whole run; 0: unknown
};

/// Memory for the outputs of an entry.
class Outputs {
public:
  Outputs(const gradc_model &model, const gradc_entry &entry);

  int32_t count() const { return static_cast<int32_t>(values_.size()); }
  const gradc_value &value(int32_t output) const { return *values_.at(static_cast<size_t>(output)); }
  void *const *pointers() const { return pointers_.data(); }
  const char *data(int32_t output) const {
    return static_cast<const char *>(pointers_.at(static_cast<size_t>(output)));
  }

  /// The elements of a float output, as f64.
  std::vector<double> numbers(int32_t output) const;
  /// The first of them.
  double scalar(int32_t output) const { return numbers(output).at(0); }

private:
  std::vector<const gradc_value *> values_;
  std::vector<std::vector<double>> memory_; // doubles for their alignment
  std::vector<void *> pointers_;
};

/// An element of a tensor that no weights file may hold.
struct UnfitValue {
  std::string tensor;
  int64_t element;
  double value;
};

/// What messages call the entries of a kind: "train_step".
std::string_view entry_name(int32_t kind);

/// Bytes of an output, from its exact dims.
int64_t value_bytes(const gradc_value &value);

class Instance {
public:
  /// Allocates the arenas, aligned, in huge pages where they are large, and touches them once (gradients, which
  /// train_step does not use, stay untouched). Throws Error when the table is not one this runtime can drive, or
  /// memory is short.
  Instance(const gradc_model &model, int32_t threads);

  const gradc_model &model() const { return model_; }

  /// The entry of a kind of gradc.h for that batch. Throws Error, saying what to compile, when there is none.
  const gradc_entry &require(int32_t kind, int64_t batch) const;

  /// The batch sizes for which an entry of that kind exists, largest first.
  std::vector<int64_t> batches(int32_t kind) const;

  /// The hyperparameter of that name, for reading and writing; null when the model has none.
  double *hyper(std::string_view name);

  /// Runs an entry on the whole team. `inputs` as gradc_call.inputs. Throws Error when the entry refuses; otherwise tells
  /// how it went, as GRADC_OK or GRADC_NOT_FINITE.
  int32_t run(const gradc_entry &entry, const void *const *inputs, const Outputs &outputs, const Position &position);

  /// The call that run() makes, for those who look at what lies in its arenas. It holds as long as the instance and what it is
  /// given.
  gradc_call call(const void *const *inputs, const Outputs &outputs, const Position &position) const;

  /// The first number that belongs into a checkpoint and is not finite; nullopt when all are.
  std::optional<UnfitValue> first_unfit() const;

  /// Initial values for `seed`.
  void init(int64_t seed);

  /// A copy of all that belongs into a checkpoint, by arena; empty for arenas that do not.
  using Snapshot = std::vector<std::vector<double>>; // doubles for their alignment
  Snapshot snapshot() const;
  void restore(const Snapshot &snapshot);

  /// Parameters and optimizer state, as they are or as they were, to a file, atomically. `metadata`: pairs of strings. Throws
  /// Error.
  void save(const std::string &path, const std::vector<std::string> &metadata) const;
  void save(const Snapshot &snapshot, const std::string &path, const std::vector<std::string> &metadata) const;

  /// Parameters, and with `whole_run` the optimizer state too, from a file. Throws Error; then nothing has changed.
  void load(const std::string &path, bool whole_run);

  /// The tensors of these numbers alone, all of them in arenas that live as long as the model. Throws Error; then nothing has
  /// changed.
  void load_tensors(const std::string &path, const std::vector<int32_t> &numbers);

private:
  struct Free {
    const gradc_model *model;
    int64_t bytes;
    void operator()(void *memory) const { model->memory_destroy(memory, bytes); }
  };
  struct EndTeam {
    const gradc_model *model;
    void operator()(gradc_team *team) const { model->team_destroy(team); }
  };
  void save(const std::vector<void *> &arenas, const std::string &path, const std::vector<std::string> &metadata) const;
  void load(const gradc_model &table, const std::string &path, bool whole_run);
  /// The arenas that live at least as long as `lifetime`; null in the place of the others.
  std::vector<void *> arenas(int32_t lifetime) const;

  const gradc_model &model_;
  std::unique_ptr<gradc_team, EndTeam> team_;
  std::vector<std::unique_ptr<void, Free>> memory_;
  std::vector<void *> arenas_;
  std::vector<double> hypers_;
};

} // namespace gradc::runtime
