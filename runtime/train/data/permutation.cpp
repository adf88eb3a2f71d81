// The Feistel network of permutation.h.
#include "runtime/train/data/permutation.h"

#include <Random123/philox.h>
#include <cmath>

namespace gradc::runtime {

Permutation::Permutation(int64_t size, int64_t seed, Stream stream, int64_t index) : size_(size) {
  if (size <= 0)
    return;
  const auto n = static_cast<uint64_t>(size);
  a_ = static_cast<uint32_t>(std::sqrt(static_cast<double>(n)));
  while (static_cast<uint64_t>(a_) * a_ < n)
    ++a_;
  b_ = static_cast<uint32_t>((n + a_ - 1) / a_);
  r123::Philox4x32 philox;
  const auto key_bits = static_cast<uint64_t>(seed);
  const r123::Philox4x32::key_type key = {
      {static_cast<uint32_t>(key_bits), static_cast<uint32_t>(key_bits >> 32)}};
  for (int round = 0; round < kRounds; ++round) {
    const uint32_t range = round % 2 == 0 ? a_ : b_;
    std::vector<uint32_t> &table = tables_[round];
    table.resize(round % 2 == 0 ? b_ : a_);
    for (uint32_t i = 0; i < table.size(); ++i) {
      const r123::Philox4x32::ctr_type counter = {
          {i / 4, static_cast<uint32_t>(round), static_cast<uint32_t>(index), static_cast<uint32_t>(stream)}};
      // Scaling 32 random bits to [0, range) is biased by at most range / 2^32.
      table[i] = static_cast<uint32_t>((uint64_t{philox(counter, key)[i % 4]} * range) >> 32);
    }
  }
}

int64_t Permutation::operator()(int64_t position) const {
  const auto n = static_cast<uint64_t>(size_);
  auto x = static_cast<uint64_t>(position);
  do {
    uint32_t l = static_cast<uint32_t>(x % a_), r = static_cast<uint32_t>(x / a_);
    for (int round = 0; round < kRounds; round += 2) {
      l += tables_[round][r];
      l -= l >= a_ ? a_ : 0;
      r += tables_[round + 1][l];
      r -= r >= b_ ? b_ : 0;
    }
    x = l + static_cast<uint64_t>(a_) * r;
  } while (x >= n);
  return static_cast<int64_t>(x);
}

} // namespace gradc::runtime
