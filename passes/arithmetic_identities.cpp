// Identities of scalar arithmetic. Each holds bit for bit on IEEE floats (up to the payload of a NaN) and on wrapping
// integers. Absent for that reason: x + 0 = x (-0 + 0 is 0), x * 0 = 0, x - x = 0, x / x = 1, -(a - b) = b - a,
// (x + c) + d = x + (c + d), pow(x, 1/2) = sqrt(x) (they differ at -0 and -inf).
#include "passes/match.h"

#include <bit>
#include <cmath>
#include <limits>

namespace gradc {
namespace {

using Result = std::optional<Value>;

Result when(bool applies, auto make) { return applies ? Result(make()) : std::nullopt; }

/// 1 / c, where dividing by c and multiplying by 1 / c are the same: c and 1 / c are normal powers of two.
std::optional<double> exact_reciprocal(std::optional<Number> divisor, DType dtype) {
  const double *c = divisor ? std::get_if<double>(&*divisor) : nullptr;
  if (!c)
    return std::nullopt;
  int exponent = 0;
  const double least = dtype == DType::f32 ? std::numeric_limits<float>::min() : std::numeric_limits<double>::min();
  const bool power = std::abs(std::frexp(*c, &exponent)) == 0.5;
  return power && std::abs(*c) >= least && std::abs(1 / *c) >= least ? std::optional(1 / *c) : std::nullopt;
}

/// Whether casting to `to` loses nothing of a `from`, so that casting back gives what there was.
bool embeds(DType from, DType to) {
  switch (from) {
  case DType::boolean: return true;
  case DType::f32: return to == DType::f64;
  case DType::i32: return to == DType::i64 || to == DType::f64;
  default: return from == to;
  }
}

Result same_operands(const Match &m) {
  return when(m.in(0) == m.in(1), [&] { return m.in(0); });
}

Result constant_to_the_right(const Match &m) {
  return when(m.splat(0) && !m.splat(1), [&] { return m.build(m.node.op->name, {m.in(1), m.in(0)}); });
}

Result double_negation(const Match &m) {
  return when(m.made_by(0, m.node.op->name), [&] { return m.below(0); });
}

const Identity kIdentities[] = {
    {"add", "c + x = x + c", constant_to_the_right},
    {"mul", "c * x = x * c", constant_to_the_right},

    {"add", "x + -0 = x", [](const Match &m) { return when(m.is(1, -0.0), [&] { return m.broadcast(m.in(0)); }); }},
    {"add", "a + -b = a - b",
     [](const Match &m) { return when(m.made_by(1, "neg"), [&] { return m.build("sub", {m.in(0), m.below(1)}); }); }},
    {"add", "-a + b = b - a",
     [](const Match &m) { return when(m.made_by(0, "neg"), [&] { return m.build("sub", {m.in(1), m.below(0)}); }); }},

    {"sub", "x - 0 = x", [](const Match &m) { return when(m.is(1, 0.0), [&] { return m.broadcast(m.in(0)); }); }},
    {"sub", "-0 - x = -x",
     [](const Match &m) { return when(m.is(0, -0.0), [&] { return m.broadcast(m.build("neg", {m.in(1)})); }); }},
    {"sub", "a - -b = a + b",
     [](const Match &m) { return when(m.made_by(1, "neg"), [&] { return m.build("add", {m.in(0), m.below(1)}); }); }},

    {"mul", "x * 1 = x", [](const Match &m) { return when(m.is(1, 1), [&] { return m.broadcast(m.in(0)); }); }},
    {"mul", "x * -1 = -x",
     [](const Match &m) { return when(m.is(1, -1), [&] { return m.broadcast(m.build("neg", {m.in(0)})); }); }},
    {"mul", "-a * -b = a * b",
     [](const Match &m) {
       return when(m.made_by(0, "neg") && m.made_by(1, "neg"), [&] { return m.build("mul", {m.below(0), m.below(1)}); });
     }},

    {"div", "x / 1 = x", [](const Match &m) { return when(m.is(1, 1), [&] { return m.broadcast(m.in(0)); }); }},
    {"div", "x / 2^k = x * 2^-k",
     [](const Match &m) -> Result {
       const auto reciprocal = exact_reciprocal(m.splat(1), m.node.type.dtype);
       return when(reciprocal.has_value(), [&] { return m.build("mul", {m.in(0), m.constant(*reciprocal, m.type(1))}); });
     }},
    // Not of integers: the least of them is its own negation.
    {"div", "-a / -b = a / b",
     [](const Match &m) {
       return when(is_float(m.node.type.dtype) && m.made_by(0, "neg") && m.made_by(1, "neg"),
                   [&] { return m.build("div", {m.below(0), m.below(1)}); });
     }},

    {"pow", "x^0 = 1, also where x is NaN",
     [](const Match &m) { return when(m.is(1, 0.0), [&] { return m.constant(1, m.node.type); }); }},
    {"pow", "x^1 = x", [](const Match &m) { return when(m.is(1, 1), [&] { return m.broadcast(m.in(0)); }); }},
    {"pow", "x^2 = x * x",
     [](const Match &m) { return when(m.is(1, 2), [&] { return m.broadcast(m.build("mul", {m.in(0), m.in(0)})); }); }},
    {"pow", "x^-1 = 1 / x",
     [](const Match &m) {
       return when(m.is(1, -1), [&] { return m.build("div", {m.constant(1, m.type(1)), m.in(0)}); });
     }},

    {"neg", "--x = x", double_negation},
    {"abs", "|-x| = |x|",
     [](const Match &m) { return when(m.made_by(0, "neg"), [&] { return m.build("abs", {m.below(0)}); }); }},
    {"abs", "||x|| = |x|", [](const Match &m) { return when(m.made_by(0, "abs"), [&] { return m.in(0); }); }},

    {"maximum", "max(x, x) = x", same_operands},
    {"minimum", "min(x, x) = x", same_operands},
    {"logical_and", "x and x = x", same_operands},
    {"logical_or", "x or x = x", same_operands},
    {"logical_not", "not not x = x", double_negation},

    {"select", "c ? x : x = x",
     [](const Match &m) { return when(m.in(1) == m.in(2), [&] { return m.broadcast(m.in(1)); }); }},
    {"select", "true ? a : b = a",
     [](const Match &m) { return when(m.is(0, 1), [&] { return m.broadcast(m.in(1)); }); }},
    {"select", "false ? a : b = b",
     [](const Match &m) { return when(m.is(0, 0), [&] { return m.broadcast(m.in(2)); }); }},
    {"select", "not c ? a : b = c ? b : a",
     [](const Match &m) {
       return when(m.made_by(0, "logical_not"), [&] { return m.build("select", {m.below(0), m.in(2), m.in(1)}); });
     }},

    {"cast", "x as T = x, where x is a T",
     [](const Match &m) { return when(m.type(0) == m.node.type, [&] { return m.in(0); }); }},
    {"cast", "x as U as T = x, where x is a T and every T is a U",
     [](const Match &m) {
       return when(m.made_by(0, "cast") && m.graph.type(m.below(0)) == m.node.type &&
                       embeds(m.node.type.dtype, m.type(0).dtype),
                   [&] { return m.below(0); });
     }},

    // Gradients have been taken: there is nothing left to stop.
    {"stop_gradient", "stop_gradient x = x", [](const Match &m) -> Result { return m.in(0); }},
};

} // namespace

std::span<const Identity> arithmetic_identities() { return kIdentities; }

} // namespace gradc
