// Which rows train, validate and test.
#pragma once

#include <cstdint>
#include <vector>

namespace gradc::runtime {

/// Rows [begin, end) of a dataset.
struct Part {
  int64_t begin = 0, end = 0;
  int64_t size() const { return end - begin; }
};

struct SplitOptions {
  int64_t seed = 0;
  double validation_split = 0, test_split = 0; // shares of the rows, rounded, at least one row where positive
};

struct Split {
  Part train, validation, test; // adjacent, in this order
  std::vector<int64_t> rows;    // the number in the file of each row of the parts; ascending inside each part
};

/// Deals `rows` rows out: a function of the seed, the number of rows and the shares. With `classes`, the class of each row, every
/// part has of each class its share, to within one row. Throws Error: a share is none, or no row is left to train.
Split split_rows(int64_t rows, const SplitOptions &options, const std::vector<int64_t> &classes = {});

} // namespace gradc::runtime
