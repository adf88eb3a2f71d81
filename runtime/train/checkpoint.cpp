// The metadata of checkpoints; see checkpoint.h.
#include "runtime/train/checkpoint.h"

#include "runtime/train/error.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <fmt/format.h>
#include <fstream>
#include <nlohmann/json.hpp>
#include <utility>

namespace gradc::runtime {
namespace {

using Json = nlohmann::json;

constexpr std::array<std::pair<const char *, int64_t RunState::*>, 6> kFields{{
    {"gradc.step", &RunState::step},
    {"gradc.epoch", &RunState::epoch},
    {"gradc.batch", &RunState::batch},
    {"gradc.batch_size", &RunState::batch_size},
    {"gradc.seed", &RunState::seed},
    {"gradc.train_rows", &RunState::train_rows},
}};

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

int64_t parse_count(const std::string &text, const char *name, const std::string &path) {
  int64_t value = 0;
  const auto result = std::from_chars(text.data(), text.data() + text.size(), value);
  if (result.ec != std::errc() || result.ptr != text.data() + text.size())
    throw Error(fmt::format("'{}': metadata {}: expected a whole number, found '{}'", path, name, text));
  return value;
}

} // namespace

Checkpoint read_checkpoint(const std::string &path) try {
  Checkpoint checkpoint;
  const Json header = read_header(path);
  for (const auto &[name, value] : header.items())
    if (name != "__metadata__")
      checkpoint.tensors.insert(name);
  if (!header.contains("__metadata__"))
    return checkpoint;
  const Json &metadata = header["__metadata__"];
  checkpoint.has_state = metadata.contains(kFields[0].first);
  if (!checkpoint.has_state)
    return checkpoint;
  for (const auto &[name, field] : kFields) {
    checkpoint.state.*field = parse_count(metadata.at(name).get<std::string>(), name, path);
    if (checkpoint.state.*field < 0 && field != &RunState::seed)
      throw Error(fmt::format("'{}': metadata {} is negative", path, name));
  }
  return checkpoint;
} catch (const Json::exception &problem) {
  throw Error(fmt::format("'{}': malformed header: {}", path, problem.what()));
}

std::vector<std::string> checkpoint_metadata(const RunState &state) {
  std::vector<std::string> metadata;
  for (const auto &[name, field] : kFields) {
    metadata.emplace_back(name);
    metadata.push_back(fmt::format("{}", state.*field));
  }
  return metadata;
}

} // namespace gradc::runtime
