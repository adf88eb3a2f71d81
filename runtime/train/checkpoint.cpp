// The metadata of checkpoints; see checkpoint.h.
#include "runtime/train/checkpoint.h"

#include "runtime/train/error.h"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cmath>
#include <cstring>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <sstream>

namespace gradc::runtime {
namespace {

using Json = nlohmann::json;

struct Field {
  const char *name;
  int64_t RunState::*number;
  int64_t least;
};
constexpr int64_t kMost = int64_t{1} << 53; // of any count: no run gets there, and sums of a few counts do not overflow
constexpr Field kFields[] = {
    {"gradc.step", &RunState::step, 0},
    {"gradc.epoch", &RunState::epoch, 0},
    {"gradc.batch", &RunState::batch, 0},
    {"gradc.other_steps", &RunState::other_steps, -kMost},
    {"gradc.batch_size", &RunState::batch_size, 1},
    {"gradc.seed", &RunState::seed, INT64_MIN},
    {"gradc.split_seed", &RunState::split_seed, INT64_MIN},
    {"gradc.train_rows", &RunState::train_rows, 1},
    {"gradc.validation_rows", &RunState::validation_rows, 0},
    {"gradc.test_rows", &RunState::test_rows, 0},
};
constexpr const char *kOptimizer = "gradc.optimizer";
constexpr const char *kLossSum = "gradc.loss_sum"; // where batches of an epoch under way are done
constexpr const char *kStratify = "gradc.stratify";
constexpr Field kBestEpoch{"gradc.best_epoch", nullptr, 0};
constexpr const char *kBest = "gradc.best", *kBestMetric = "gradc.best_metric";
constexpr std::string_view kPlateau = "gradc.plateau."; // and the names of rate and metric: factor, epochs, cooldown, best
constexpr const char *kOnlyParameters = "to begin a new run with its parameters, give --load-partial instead of --load";

Json read_header(const std::string &path) {
  constexpr uint64_t kMaxHeader = 100'000'000; // the format's own limit
  std::ifstream file(path, std::ios::binary);
  if (!file)
    throw Error(fmt::format("cannot open '{}': {}", path, std::strerror(errno)));
  uint64_t length = 0;
  if (!file.read(reinterpret_cast<char *>(&length), sizeof length) || length > kMaxHeader)
    throw Error(fmt::format("'{}': expected a safetensors file", path));
  std::string text;
  char block[1 << 16];
  while (text.size() < length && // block by block: a false length must not decide an allocation
         (file.read(block, static_cast<std::streamsize>(std::min<uint64_t>(sizeof block, length - text.size()))) ||
          file.gcount() > 0))
    text.append(block, static_cast<size_t>(file.gcount()));
  if (text.size() != length)
    throw Error(fmt::format("'{}': truncated safetensors header", path));
  const Json header = Json::parse(text);
  if (!header.is_object())
    throw Error(fmt::format("'{}': expected a safetensors file", path));
  return header;
}

const std::string &text_of(const Json &metadata, const char *name, const std::string &path) {
  if (!metadata.contains(name))
    throw Error(fmt::format("'{}': the metadata of a run lack {}; {}", path, name, kOnlyParameters));
  return metadata[name].get_ref<const std::string &>();
}

int64_t parse_number(const std::string &text, const Field &field, const std::string &path) {
  int64_t value = 0;
  const auto result = std::from_chars(text.data(), text.data() + text.size(), value);
  const bool whole = result.ec == std::errc() && result.ptr == text.data() + text.size();
  const int64_t most = field.least == INT64_MIN ? INT64_MAX : kMost;
  if (!whole || value < field.least || value > most)
    throw Error(fmt::format("'{}': metadata {}: expected a whole number{}, found '{}'", path, field.name,
                            field.least == INT64_MIN ? "" : fmt::format(" from {} to {}", field.least, most), text));
  return value;
}

double parse_finite(const std::string &text, const char *name, const std::string &path) {
  double value = 0;
  const auto result = std::from_chars(text.data(), text.data() + text.size(), value);
  if (result.ec != std::errc() || result.ptr != text.data() + text.size() || !std::isfinite(value))
    throw Error(fmt::format("'{}': metadata {}: expected a finite number, found '{}'", path, name, text));
  return value;
}

std::optional<Best> parse_best(const Json &metadata, const RunState &state, const std::string &path) {
  if (!metadata.contains(kBestEpoch.name) && !metadata.contains(kBest) && !metadata.contains(kBestMetric))
    return std::nullopt;
  const Best best{text_of(metadata, kBestMetric, path), parse_finite(text_of(metadata, kBest, path), kBest, path),
                  parse_number(text_of(metadata, kBestEpoch.name, path), kBestEpoch, path)};
  if (best.epoch < 1 || best.epoch > state.epoch)
    throw Error(fmt::format("'{}': metadata {}: epoch {} cannot be the best of the first {}", path, kBestEpoch.name, best.epoch,
                            state.epoch));
  return best;
}

std::map<std::string, Plateau> parse_plateaus(const Json &metadata, const std::string &path) {
  std::map<std::string, Plateau> plateaus;
  for (const auto &[name, value] : metadata.items()) {
    if (!name.starts_with(kPlateau))
      continue;
    std::istringstream text(value.get_ref<const std::string &>());
    std::vector<std::string> words{std::istream_iterator<std::string>(text), {}};
    if (words.size() != 3 && words.size() != 4)
      throw Error(fmt::format("'{}': metadata {}: expected a factor, two counts and a best value, found '{}'", path, name, text.str()));
    const auto count = [&](size_t i) { return parse_number(words[i], {name.c_str(), nullptr, 0}, path); };
    Plateau plateau{parse_finite(words[0], name.c_str(), path), {}, count(1), count(2)};
    if (words.size() == 4)
      plateau.best = parse_finite(words[3], name.c_str(), path);
    if (!(plateau.factor >= 0 && plateau.factor <= 1))
      throw Error(fmt::format("'{}': metadata {}: expected a factor from 0 to 1, found '{}'", path, name, words[0]));
    plateaus.emplace(name.substr(kPlateau.size()), plateau);
  }
  return plateaus;
}

/// The steps of all epochs and batches that are done, had all of them been made with batches of this size.
int64_t steps_of_epochs(const RunState &state, const std::string &path) {
  int64_t steps;
  if (__builtin_mul_overflow(state.epoch, state.steps_per_epoch(), &steps) || steps > kMost - state.batch)
    throw Error(fmt::format("'{}': metadata gradc.epoch: {} epochs of {} steps are more than can be counted", path, state.epoch,
                            state.steps_per_epoch()));
  return steps + state.batch;
}

/// Numbers of which each could be, but not beside the others.
void check_consistency(const RunState &state, const std::string &path) {
  const int64_t steps = state.steps_per_epoch();
  if (state.batch >= steps)
    throw Error(fmt::format("'{}': metadata gradc.batch: {} batches of an epoch of {} are done; expected fewer ({} rows in "
                            "batches of {})",
                            path, state.batch, steps, state.train_rows, state.batch_size));
  if (steps_of_epochs(state, path) + state.other_steps != state.step)
    throw Error(fmt::format("'{}': metadata gradc.step: {} steps do not agree with gradc.epoch {} of {} steps, gradc.batch {} and "
                            "gradc.other_steps {}",
                            path, state.step, state.epoch, steps, state.batch, state.other_steps));
}

/// How rows were dealt out: "120 rows to train, 15 to validate, 15 to test, dealt by seed 7".
std::string deal_of(const RunState &state) {
  return fmt::format("{} rows to train, {} to validate, {} to test, dealt by seed {}{}", state.train_rows, state.validation_rows,
                     state.test_rows, state.split_seed,
                     state.stratify.empty() ? "" : fmt::format(" and the classes of '{}'", state.stratify));
}

} // namespace

Checkpoint read_checkpoint(const std::string &path) try {
  Checkpoint checkpoint;
  const Json header = read_header(path);
  if (!header.contains("__metadata__"))
    return checkpoint;
  const Json &metadata = header["__metadata__"];
  checkpoint.has_state = metadata.contains(kFields[0].name);
  if (!checkpoint.has_state)
    return checkpoint;
  RunState &state = checkpoint.state;
  for (const Field &field : kFields)
    state.*field.number = parse_number(text_of(metadata, field.name, path), field, path);
  state.optimizer = text_of(metadata, kOptimizer, path);
  state.stratify = text_of(metadata, kStratify, path);
  check_consistency(state, path);
  if (state.batch > 0)
    state.loss_sum = parse_finite(text_of(metadata, kLossSum, path), kLossSum, path);
  state.best = parse_best(metadata, state, path);
  state.plateaus = parse_plateaus(metadata, path);
  return checkpoint;
} catch (const Json::exception &problem) {
  throw Error(fmt::format("'{}': malformed header: {}", path, problem.what()));
}

std::map<std::string, std::string> read_tensor_list(const std::string &path) try {
  std::map<std::string, std::string> tensors;
  const Json header = read_header(path);
  for (const auto &[name, value] : header.items())
    if (name != "__metadata__")
      tensors[name] = fmt::format("{}[{}]", value.at("dtype").get<std::string>(),
                                  fmt::join(value.at("shape").get<std::vector<int64_t>>(), ","));
  return tensors;
} catch (const Json::exception &problem) {
  throw Error(fmt::format("'{}': malformed header: {}", path, problem.what()));
}

RunState resumed_state(const Checkpoint &checkpoint, const RunState &fresh, const std::string &path) {
  RunState state = checkpoint.state;
  if (state.optimizer != fresh.optimizer)
    throw Error(fmt::format("'{}' was trained with the optimizer and state '{}', this model has '{}': what one keeps means nothing "
                            "to the other; {}",
                            path, state.optimizer, fresh.optimizer, kOnlyParameters));
  if (state.seed != fresh.seed)
    throw Error(fmt::format("'{}' was trained with seed {}, which its order of examples follows from, not with {}: to go on, give "
                            "--seed {}",
                            path, state.seed, fresh.seed, state.seed));
  const bool held_out = state.rows() > state.train_rows || fresh.rows() > fresh.train_rows;
  if (held_out && deal_of(state) != deal_of(fresh))
    throw Error(fmt::format("'{}' was trained on {}; {} would mix its training rows with those it is tested on: go on with the same "
                            "rows and splits, or {}",
                            path, deal_of(state), deal_of(fresh), kOnlyParameters));
  if (state.batch > 0 && (state.batch_size != fresh.batch_size || state.train_rows != fresh.train_rows))
    throw Error(fmt::format("'{}' stopped inside an epoch of {} rows in batches of {}; going on needs the same, "
                            "found {} rows in batches of {}",
                            path, state.train_rows, state.batch_size, fresh.train_rows, fresh.batch_size));
  state.batch_size = fresh.batch_size;
  state.train_rows = fresh.train_rows;
  state.other_steps = state.step - steps_of_epochs(state, path);
  return state;
}

std::vector<std::string> checkpoint_metadata(const RunState &state) {
  std::vector<std::string> metadata;
  for (const Field &field : kFields) {
    metadata.emplace_back(field.name);
    metadata.push_back(fmt::format("{}", state.*field.number));
  }
  const auto add = [&](const std::string &name, const std::string &text) {
    metadata.emplace_back(name);
    metadata.push_back(text);
  };
  add(kStratify, state.stratify);
  if (state.batch > 0)
    add(kLossSum, fmt::format("{}", state.loss_sum));
  if (state.best) {
    add(kBestMetric, state.best->metric);
    add(kBest, fmt::format("{}", state.best->value));
    add(kBestEpoch.name, fmt::format("{}", state.best->epoch));
  }
  for (const auto &[rate, plateau] : state.plateaus)
    add(std::string(kPlateau) + rate, fmt::format("{} {} {}{}", plateau.factor, plateau.epochs, plateau.cooldown,
                                                  plateau.best ? fmt::format(" {}", *plateau.best) : ""));
  return metadata;
}

} // namespace gradc::runtime
