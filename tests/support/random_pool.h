// What random graphs grow from: a pool of float values, and the means to add to it.
#pragma once

#include "passes/differentiate.h"
#include "tests/support/op_samples.h"
#include "tests/support/random_graph.h"

#include <algorithm>
#include <cmath>
#include <set>

namespace gradc::tests {

constexpr double kMaxBound = 3; // magnitude above which a value is squashed

class RandomPool {
public:
  RandomPool(uint64_t seed, const RandomGraphOptions &options) : rng_(seed), options_(options) {
    graph_.name = "random_" + std::to_string(seed);
    const DType drawn = one_in(8) ? DType::f64 : DType::f32;
    dtype_ = options.dtype.value_or(drawn);
    pool_.push_back(declare(Role::param, random_shape(1, 3)));
    pool_.push_back(declare(Role::input, random_shape(1, 3)));
  }

protected:
  int64_t draw(int64_t low, int64_t high) { return between(rng_, low, high); }
  bool one_in(int64_t n) { return draw(1, n) == 1; }
  template <typename T> const T &choose(const std::vector<T> &from) {
    return from[static_cast<size_t>(draw(0, static_cast<int64_t>(from.size()) - 1))];
  }
  Value add(std::string_view op, std::vector<Value> inputs, Attrs attrs = {}, std::optional<Type> type = {}) {
    return graph_.add(op, std::move(inputs), std::move(attrs), "", std::move(type));
  }
  const Shape &shape(Value v) const { return graph_.type(v).shape; }
  int64_t rank(Value v) const { return static_cast<int64_t>(shape(v).size()); }
  Value number(double x) { return graph_.constant(x, Type{dtype_, {}}); }

  Shape random_shape(int64_t min_rank, int64_t max_rank) {
    static const std::vector<int64_t> kDims = {1, 1, 2, 3, 3, 4, 17};
    Shape result(static_cast<size_t>(draw(min_rank, max_rank)));
    for (int64_t &dim : result) {
      dim = choose(kDims);
      if (element_count(result) > options_.max_elements)
        dim = 1;
    }
    return result;
  }

  Value declare(Role role, Shape s) {
    const char *stem = role == Role::param ? "w" : "x";
    const Value v = graph_.declare(role, stem + std::to_string(graph_.size()), Type{dtype_, std::move(s)});
    if (role == Role::param)
      params_.push_back(v);
    return v;
  }

  Value leaf(Shape s) {
    switch (draw(0, 5)) {
    case 0:
    case 1: return declare(Role::param, std::move(s));
    case 2:
    case 3: return declare(Role::input, std::move(s));
    case 4: return graph_.constant(choose<double>({-1, 0, -0.0, 0.5, 1, 2}), Type{dtype_, std::move(s)});
    default: return add("broadcast", {leaf({})}, {}, Type{dtype_, std::move(s)});
    }
  }

  double bound(Value v) const { return v < bounds_.size() && bounds_[v] > 0 ? bounds_[v] : 2; }

  /// Adds a float value to the pool, squashed if it may be large.
  void keep(Value v, double bound) {
    if (bound > kMaxBound) {
      v = add(one_in(2) ? "tanh" : "sigmoid", {v});
      bound = 1;
    }
    bounds_.resize(graph_.size(), 0);
    bounds_[v] = bound;
    pool_.push_back(v);
  }

  Value pick() { return one_in(3) ? pool_.back() : choose(pool_); }
  Value pick_of_rank(int64_t least) {
    for (int tries = 0; tries < 4; ++tries)
      if (const Value v = pick(); rank(v) >= least)
        return v;
    const Value v = leaf(random_shape(least, 3));
    pool_.push_back(v);
    return v;
  }

  /// A value that broadcasts with `v`, and not to much.
  Value partner(Value v) {
    for (int tries = 0; tries < 3; ++tries) {
      const Value other = pick();
      const auto both = broadcast_shapes(shape(v), shape(other));
      if (both && element_count(*both) <= options_.max_elements)
        return other;
    }
    Shape s(shape(v).begin() + draw(0, rank(v)), shape(v).end());
    for (int64_t &dim : s)
      if (one_in(3))
        dim = 1;
    return leaf(std::move(s));
  }

  Value at_least_half(Value v) { return add("add", {add("sigmoid", {v}), number(0.5)}); }

  Rng rng_;
  const RandomGraphOptions options_;
  Graph graph_;
  DType dtype_;
  std::vector<Value> pool_;
  std::vector<Value> params_;
  std::vector<double> bounds_; // by value; 0 where nothing is known
};

} // namespace gradc::tests
