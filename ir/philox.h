// Philox4x32-10, the counter-based random number generator of Salmon, Moraes, Dror and Shaw, "Parallel random
// numbers: as easy as 1, 2, 3", SC 2011. Random bits are a pure function of (seed, step, stream, element), so
// they do not depend on the order of evaluation, and a resumed run draws what the uninterrupted one would
// have.
#pragma once

#include <array>
#include <cstdint>

namespace gradc {

constexpr int kPhiloxRounds = 10;
constexpr std::array<uint32_t, 2> kPhiloxMultipliers = {0xD2511F53, 0xCD9E8D57};
/// Added to the key after every round.
constexpr std::array<uint32_t, 2> kPhiloxWeyl = {0x9E3779B9, 0xBB67AE85};

constexpr std::array<uint32_t, 4> philox4x32_10(std::array<uint32_t, 4> counter,
                                                std::array<uint32_t, 2> key) {
  for (int round = 0; round < kPhiloxRounds; ++round) {
    uint64_t a = uint64_t{kPhiloxMultipliers[0]} * counter[0];
    uint64_t b = uint64_t{kPhiloxMultipliers[1]} * counter[2];
    auto high = [](uint64_t x) { return static_cast<uint32_t>(x >> 32); };
    auto low = [](uint64_t x) { return static_cast<uint32_t>(x); };
    counter = {high(b) ^ counter[1] ^ key[0], low(b), high(a) ^ counter[3] ^ key[1], low(a)};
    key = {key[0] + kPhiloxWeyl[0], key[1] + kPhiloxWeyl[1]};
  }
  return counter;
}

/// ScalarOp::philox: word number n of the sequence that (seed, step, stream) names, which is word n mod 4 of
/// block n div 4, n unsigned. The key is the seed, low half first; the counter is (block low, block high, step,
/// stream), of step and stream the low 32 bits.
constexpr int32_t philox_word(int64_t seed, int64_t step, int64_t stream, int64_t n) {
  auto low = [](uint64_t x) { return static_cast<uint32_t>(x); };
  auto high = [](uint64_t x) { return static_cast<uint32_t>(x >> 32); };
  const auto key = static_cast<uint64_t>(seed), number = static_cast<uint64_t>(n), block = number / 4;
  std::array<uint32_t, 4> bits =
      philox4x32_10({low(block), high(block), low(static_cast<uint64_t>(step)), low(static_cast<uint64_t>(stream))},
                    {low(key), high(key)});
  return static_cast<int32_t>(bits[number % 4]);
}

} // namespace gradc
