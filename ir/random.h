// What the random ops share. Element e of a result draws its bits from Philox words (ir/philox.h)
// that belong to it alone: an element of 32 bits from word number e of the sequence of (seed, step, stream),
// one of 64 bits (f64) from words 2e and 2e + 1. Every rule exists twice: as scalar expressions
// for kernels, and as plain C++, the definition.
#pragma once

#include "ir/lowering/lower.h"
#include "ir/op.h"

namespace gradc {

/// The attributes of every random op: different streams are independent.
std::vector<AttrSpec> random_attrs();
/// Operands (seed i64[], step i64[]), a written result of one of `allowed`.
Type infer_random(const Signature &, std::initializer_list<DType> allowed);

/// The random words of the element at `at`, as i32.
ExprId random_word(NodeLowering &, const Index &at);
std::pair<ExprId, ExprId> random_word_pair(NodeLowering &, const Index &at);
/// The `count` high bits, 2 to 30, of an i32 `word`, as a number of 0 to 2^count - 1.
ExprId high_bits(NodeLowering &, ExprId word, int count);

/// The same for the interpreter: words of element `e` of the node with these operands.
int32_t random_word(const Node &, std::span<const Tensor *const> inputs, int64_t e);
std::pair<int32_t, int32_t> random_word_pair(const Node &, std::span<const Tensor *const> inputs, int64_t e);
constexpr int64_t high_bits(int32_t word, int count) { return static_cast<uint32_t>(word) >> (32 - count); }

} // namespace gradc
