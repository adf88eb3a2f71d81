// Chooses the tensors of a file that fit; see partial_load.h.
#include "runtime/train/partial_load.h"

#include "runtime/train/checkpoint.h"
#include "runtime/train/error.h"
#include "runtime/train/signature.h"

#include <algorithm>
#include <cctype>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <fnmatch.h>

namespace gradc::runtime {
namespace {

/// "F32[4,16]", as read_tensor_list says it of a file.
std::string describe(const gradc_tensor &tensor) {
  std::string dtype(dtype_name(tensor.dtype));
  std::ranges::transform(dtype, dtype.begin(), [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
  return fmt::format("{}[{}]", dtype, fmt::join(tensor.dims, tensor.dims + tensor.rank, ","));
}

/// Why the tensor of the model stays as it is; empty where the file's takes its place.
std::string reason_to_leave(const gradc_tensor &tensor, const std::map<std::string, std::string> &file, const std::vector<std::string> &patterns) {
  const auto matches = [&](const std::string &pattern) { return fnmatch(pattern.c_str(), tensor.name, 0) == 0; };
  if (!patterns.empty() && std::ranges::none_of(patterns, matches))
    return "not asked for";
  const auto found = file.find(tensor.name);
  if (found == file.end())
    return "not in the file";
  const std::string here = describe(tensor);
  return found->second == here ? "" : fmt::format("{} here, {} in the file", here, found->second);
}

} // namespace

PartialLoad load_partially(Instance &instance, const std::string &path, const std::vector<std::string> &patterns) {
  const std::map<std::string, std::string> file = read_tensor_list(path);
  const gradc_model &model = instance.model();
  PartialLoad result;
  std::vector<int32_t> chosen;
  for (int32_t i = 0; i < model.tensor_count; ++i) {
    const gradc_tensor &tensor = *gradc_tensor_at(&model, i);
    if (gradc_arena_at(&model, tensor.arena)->lifetime != GRADC_LIFE_MODEL)
      continue;
    const std::string reason = reason_to_leave(tensor, file, patterns);
    if (!reason.empty()) {
      result.left.push_back(fmt::format("{}: {}", tensor.name, reason));
      continue;
    }
    result.taken.emplace_back(tensor.name);
    chosen.push_back(i);
  }
  if (chosen.empty())
    throw Error(fmt::format("'{}' has no parameter that fits this model ({})", path, fmt::join(result.left, "; ")));
  instance.load_tensors(path, chosen);
  return result;
}

} // namespace gradc::runtime
