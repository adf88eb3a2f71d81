// Metrics over any number of rows, from what the compiled "evaluate" puts out.
#pragma once

#include "runtime/train/batches.h"
#include "runtime/train/instance.h"
#include "runtime/train/metric_kinds.h"

namespace gradc::runtime {

/// How `rows` rows are covered by batches of the sizes that an entry of this kind is compiled for: always the largest
/// that fits. Throws Error when a rest remains, saying what to compile.
std::vector<int64_t> cover(int64_t rows, std::vector<int64_t> sizes, int32_t kind);

/// The signature's metrics over the rows of `part`. Empty when the part is, or the signature has no metrics. A metric that is
/// not defined for these rows, as r2 where all targets are equal, is NaN. Throws NotFinite.
std::vector<Metric> evaluate(Instance &instance, const Signature &signature, Batches &batches, const Part &part,
                             const Position &position);

} // namespace gradc::runtime
