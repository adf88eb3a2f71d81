// Gathers rows; see batches.h.
#include "runtime/train/data/batches.h"

#include "runtime/train/error.h"
#include "runtime/train/instance.h"

#include <algorithm>
#include <cstring>
#include <fmt/format.h>

namespace gradc::runtime {

Batches::Batches(const gradc_model &model, const Dataset &dataset) : model_(model) {
  for (int32_t i = 0; i < model.input_count; ++i) {
    const gradc_value &input = *gradc_input_at(&model, i);
    const InputData *data = dataset.find(input.name);
    if (data && data->row_bytes != value_bytes(input))
      throw Error(fmt::format("input '{}': the model takes {} bytes an example, the data has {}", input.name,
                              value_bytes(input), data->row_bytes));
    inputs_.push_back(data);
  }
  buffers_.resize(inputs_.size());
  pointers_.resize(inputs_.size());
}

const void *const *Batches::rows(int64_t begin) {
  for (size_t i = 0; i < inputs_.size(); ++i)
    pointers_[i] = inputs_[i] ? inputs_[i]->bytes.data() + begin * inputs_[i]->row_bytes : nullptr;
  return pointers_.data();
}

const void *const *Batches::gather(const Permutation &order, int64_t first, int64_t begin, int64_t count) {
  chosen_.clear();
  for (int64_t i = begin; i < begin + count; ++i)
    chosen_.push_back(first + order(i));
  for (size_t i = 0; i < inputs_.size(); ++i) {
    if (!inputs_[i])
      continue;
    const auto bytes = static_cast<size_t>(inputs_[i]->row_bytes);
    buffers_[i].resize(std::max(buffers_[i].size(), bytes * chosen_.size()));
    char *to = buffers_[i].data();
    for (const int64_t row : chosen_) {
      std::memcpy(to, inputs_[i]->bytes.data() + static_cast<size_t>(row) * bytes, bytes);
      to += bytes;
    }
    pointers_[i] = buffers_[i].data();
  }
  return pointers_.data();
}

void fit(Instance &instance, Batches &batches, const Part &part, const Position &position) {
  const gradc_entry &entry = instance.require(GRADC_FIT, 1);
  const Outputs none(instance.model(), entry);
  for (int64_t row = part.begin; row < part.end; ++row)
    instance.run(entry, batches.rows(row), none, position);
}

} // namespace gradc::runtime
