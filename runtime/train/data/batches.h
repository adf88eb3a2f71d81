// Feeds rows of a dataset to a model: the pointers that gradc_call.inputs wants.
#pragma once

#include "runtime/gradc.h"
#include "runtime/train/data/dataset.h"


namespace gradc::runtime {

/// Pointers stay valid until the next call. Inputs that the dataset lacks are null.
class Batches {
public:
  /// Throws Error when an input of the dataset does not have the model's size.
  Batches(const gradc_model &model, const Dataset &dataset);

  /// The rows from `begin` on, in place.
  const void *const *rows(int64_t begin);

  /// The rows order(begin), ..., order(begin + count - 1) plus `first`, copied together.
  const void *const *gather(const Permutation &order, int64_t first, int64_t begin, int64_t count);

private:
  const gradc_model &model_;
  std::vector<const InputData *> inputs_; // as gradc_model.inputs
  std::vector<std::vector<char>> buffers_;
  std::vector<const void *> pointers_;
  std::vector<int64_t> chosen_;
};

class Instance;
struct Position;

/// The statistics of a standardized model from these rows, one after the other: so they do not depend on the size of batches.
void fit(Instance &instance, Batches &batches, const Part &part, const Position &position);

} // namespace gradc::runtime
