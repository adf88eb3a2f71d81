// Philox against its authors' implementation (Random123) and the known answers published with it.
#include "ir/philox.h"

#include <catch2/catch.hpp>

#include <Random123/philox.h>

#include <random>

namespace gradc {

using Block = std::array<uint32_t, 4>;

static Block random123(Block counter, std::array<uint32_t, 2> key) {
  r123::Philox4x32::ctr_type result =
      r123::Philox4x32()({{counter[0], counter[1], counter[2], counter[3]}}, {{key[0], key[1]}});
  return {result[0], result[1], result[2], result[3]};
}

TEST_CASE("philox gives the known answers of Random123's kat_vectors") {
  constexpr uint32_t ones = 0xffffffff;
  CHECK(philox4x32_10({0, 0, 0, 0}, {0, 0}) == Block{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8});
  CHECK(philox4x32_10({ones, ones, ones, ones}, {ones, ones}) ==
        Block{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd});
  CHECK(philox4x32_10({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, {0xa4093822, 0x299f31d0}) ==
        Block{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1});
}

TEST_CASE("philox agrees with Random123 on random counters and keys") {
  std::mt19937 rng(1);
  auto word = [&] { return static_cast<uint32_t>(rng()); };
  for (int i = 0; i < 1000; ++i) {
    Block counter = {word(), word(), word(), word()};
    std::array<uint32_t, 2> key = {word(), word()};
    REQUIRE(philox4x32_10(counter, key) == random123(counter, key));
  }
}

TEST_CASE("philox_word puts seed, step, stream and number where the header says") {
  const int64_t seed = -0x0123456789abcdef, block = 0x1edcba9876543210, step = 0x123456789, stream = -2;
  Block expected = random123({0x76543210, 0x1edcba98, 0x23456789, 0xfffffffe}, {0x76543211, 0xfedcba98});
  for (int64_t word = 0; word < 4; ++word)
    CHECK(static_cast<uint32_t>(philox_word(seed, step, stream, 4 * block + word)) ==
          expected[static_cast<size_t>(word)]);
}

} // namespace gradc
