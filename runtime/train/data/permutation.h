// Pseudo-random orders computed from integers, so that a run can be resumed from its epoch and position alone.
#pragma once

#include <cstdint>
#include <vector>

namespace gradc::runtime {

/// What a permutation is for; each purpose has its own stream of the seed.
enum class Stream : uint32_t { split = 0x73706c74, shuffle = 0x73687566 };

/// A permutation of [0, size) that is a function of (seed, stream, index), e.g. index = epoch.
///
/// A Feistel network over Z_a x Z_b with a = ceil(sqrt size), b = ceil(size / a) (Black & Rogaway, "Ciphers with
/// arbitrary finite domains", 2002): position x = l + a r, rounds l += F_i(r) mod a and r += F_i(l) mod b in turn, and
/// walking on while the result is not below `size` (under a of a b values are not). F_i is Philox4x32-10 keyed by the
/// seed, tabulated: O(sqrt size) memory, a few loads a call.
class Permutation {
public:
  Permutation(int64_t size, int64_t seed, Stream stream, int64_t index = 0);

  /// Where `position` in [0, size) goes.
  int64_t operator()(int64_t position) const;

private:
  static constexpr int kRounds = 8;
  int64_t size_;
  uint32_t a_ = 1, b_ = 1;
  std::vector<uint32_t> tables_[kRounds];
};

} // namespace gradc::runtime
