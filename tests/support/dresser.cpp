#include "tests/support/dresser.h"

#include "ir/op.h"

#include <algorithm>
#include <limits>
#include <numeric>

namespace gradc::tests {
namespace {

constexpr int kMaxDepth = 2;
constexpr size_t kMaxRank = 5; // of what gets more dims
constexpr double kInf = std::numeric_limits<double>::infinity(), kNaN = std::numeric_limits<double>::quiet_NaN();
constexpr double kSmall[] = {0, -0.0, 1, -1, 2, -3, 0.5, kInf, -kInf, kNaN};
constexpr double kEdges[] = {0,     -0.0,  1,       -1,      2,        -3,        0.5,       kInf,    -kInf,   kNaN,
                             1000,  -1000, 1e-40,   -1e-40,  5e-324,   0x1p-126,  -0x1p-149, 3.4e38,  -3.4e38, 0.1,
                             1e308, 88.5,  -103.25, 709.5,   0x1p24,   0x1.8p-1,  3,         -0x1p31, 1e10,    1.5};
constexpr double kNotable[] = {0, -0.0, 1, -1, 2, 0.5}; // what identities look for in constants
constexpr int64_t kIntegers[] = {0, 1, -1, 2, -2, 3, 7, -8, 1000, INT32_MAX, INT32_MIN, INT64_MAX, INT64_MIN};

template <typename T, size_t N> T pick(Rng &rng, const T (&from)[N]) {
  return from[static_cast<size_t>(between(rng, 0, static_cast<int64_t>(N) - 1))];
}

double edge(Edges edges, Rng &rng) {
  if (edges == Edges::exact_in_sums)
    return pick(rng, kSmall);
  if (between(rng, 0, 2) > 0)
    return pick(rng, kEdges);
  return static_cast<double>(between(rng, -1'000'000, 1'000'000)) * (between(rng, 0, 1) ? 1e-6 : 1.7e-3);
}

int64_t integer_edge(DType dtype, Edges edges, Rng &rng) {
  if (dtype == DType::boolean)
    return between(rng, 0, 1);
  if (edges == Edges::exact_in_sums)
    return between(rng, -3, 3);
  const int64_t x = pick(rng, kIntegers);
  return dtype == DType::i32 ? std::clamp<int64_t>(x, INT32_MIN, INT32_MAX) : x;
}

std::vector<int64_t> random_permutation(size_t n, Rng &rng) {
  std::vector<int64_t> perm(n);
  std::iota(perm.begin(), perm.end(), 0);
  std::shuffle(perm.begin(), perm.end(), rng);
  return perm;
}

} // namespace

Value Dresser::value(const Type &type, int depth) {
  if (depth < kMaxDepth && draw(0, 3) > 0)
    switch (draw(0, 9)) {
    case 0: case 1: return constant(type);
    case 2: case 3: return unary(type, depth + 1);
    case 4: return cast(type, depth + 1);
    case 5: return reshaped(type, depth + 1);
    case 6: return broadcast(type, depth + 1);
    case 7: return transposed(type, depth + 1);
    case 8: return reduced(type, depth + 1);
    default: return contracted(type, depth + 1);
    }
  for (Value v = 0; v < graph_.size(); ++v) // the same value twice
    if (graph_.type(v) == type && coin())
      return v;
  return input(type);
}

Value Dresser::input(const Type &type) {
  return graph_.declare(Role::input, "x" + std::to_string(graph_.size()), type);
}

Value Dresser::constant(const Type &type) {
  const double number = !is_float(type.dtype) ? static_cast<double>(type.dtype == DType::boolean ? draw(0, 1) : draw(-3, 3))
                        : draw(0, 2) > 0      ? pick(rng_, kNotable)
                                              : edge(edges_, rng_);
  return graph_.constant(number, type);
}

// Any elementwise op of one operand that makes such a value; where sums must be exact, one that makes no new numbers.
Value Dresser::unary(const Type &type, int depth) {
  std::vector<const OpDef *> ops;
  for (const OpDef *op : all_ops())
    if (op->kind == OpKind::elementwise && op->arity == 1 && op->type_rule == TypeRule::derived &&
        (edges_ == Edges::all || op->name == "neg" || op->name == "abs"))
      ops.push_back(op);
  // Negations are what most identities look for.
  const OpDef *op = coin() ? find_op(type.dtype == DType::boolean ? "logical_not" : "neg")
                           : ops[static_cast<size_t>(draw(0, static_cast<int64_t>(ops.size()) - 1))];
  const Value operand = value(type, depth);
  try {
    return graph_.add(*op, {operand}, {}, "", std::nullopt);
  } catch (const Error &) { // not of this dtype
    return operand;
  }
}

Value Dresser::cast(const Type &type, int depth) {
  if (edges_ == Edges::exact_in_sums) // infinity as an integer is no small number
    return value(type, depth);
  constexpr DType all[] = {DType::f32, DType::f64, DType::i32, DType::i64, DType::boolean};
  return graph_.add("cast", {value({pick(rng_, all), type.shape}, depth)}, {}, "", type);
}

// From a shape with dims of extent 1 added or dropped, or from a vector.
Value Dresser::reshaped(const Type &type, int depth) {
  Shape from;
  if (draw(0, 3) == 0)
    from = {type.elements()};
  else
    for (int64_t extent : type.shape) {
      if (type.rank() < kMaxRank && draw(0, 2) == 0)
        from.push_back(1);
      if (extent != 1 || coin())
        from.push_back(extent);
    }
  return graph_.add("reshape", {value({type.dtype, from}, depth)}, {}, "", type);
}

Value Dresser::broadcast(const Type &type, int depth) {
  Shape from(type.shape.begin() + draw(0, static_cast<int64_t>(type.rank())), type.shape.end());
  for (int64_t &extent : from)
    if (draw(0, 2) == 0)
      extent = 1;
  return graph_.add("broadcast", {value({type.dtype, from}, depth)}, {}, "", type);
}

Value Dresser::transposed(const Type &type, int depth) {
  const std::vector<int64_t> perm = random_permutation(type.rank(), rng_);
  Shape from(type.rank());
  for (size_t d = 0; d < perm.size(); ++d)
    from[static_cast<size_t>(perm[d])] = type.shape[d];
  return graph_.add("transpose", {value({type.dtype, from}, depth)}, {{"perm", perm}}, "");
}

// A sum or a max over dims that are put in, or of dims of extent 1 that are kept.
Value Dresser::reduced(const Type &type, int depth) {
  if (type.dtype == DType::boolean)
    return value(type, depth);
  const bool keep = coin();
  Shape from;
  std::vector<int64_t> axes;
  for (int64_t extent : type.shape) {
    if (!keep && type.rank() < kMaxRank && from.size() < kMaxRank && draw(0, 2) == 0) {
      axes.push_back(static_cast<int64_t>(from.size()));
      from.push_back(draw(1, 2));
    }
    if (keep && extent == 1 && coin()) {
      axes.push_back(static_cast<int64_t>(from.size()));
      extent = draw(1, 2);
    }
    from.push_back(extent);
  }
  return graph_.add(coin() ? "sum" : "max", {value({type.dtype, from}, depth)}, {{"axes", axes}, {"keep", keep}}, "");
}

// Each letter of the result is in one of the factors or both, and one more is summed over.
Value Dresser::contracted(const Type &type, int depth) {
  if (type.dtype == DType::boolean)
    return value(type, depth);
  std::string letters[2], out;
  Shape shapes[2];
  const auto add = [&](int factor, char letter, int64_t extent) {
    letters[factor] += letter;
    shapes[factor].push_back(extent);
  };
  for (size_t d = 0; d < type.rank(); ++d) {
    const char letter = static_cast<char>('a' + d);
    const int64_t where = draw(0, 2); // 2: both
    for (int factor : {0, 1})
      if (where == factor || where == 2)
        add(factor, letter, type.shape[d]);
    out += letter;
  }
  const int64_t extent = draw(1, 2);
  add(0, 'z', extent);
  add(1, 'z', extent);
  const Value a = value({type.dtype, shapes[0]}, depth), b = value({type.dtype, shapes[1]}, depth);
  return graph_.add("contract", {a, b}, {{"indices", letters[0] + "," + letters[1] + "->" + out}}, "");
}

Bindings edge_bindings(const Graph &graph, Edges edges, Rng &rng) {
  Bindings bindings;
  for (const Node &node : graph.nodes) {
    if (!node.is_declaration())
      continue;
    Tensor tensor(node.type);
    for (int64_t i = 0; i < tensor.type.elements(); ++i)
      if (is_float(tensor.type.dtype))
        tensor.set(i, edge(edges, rng));
      else
        tensor.set_integer(i, integer_edge(tensor.type.dtype, edges, rng));
    bindings.emplace(node.name, std::move(tensor));
  }
  return bindings;
}

} // namespace gradc::tests
