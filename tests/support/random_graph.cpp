// Grows a graph step by step from a pool of float values; see tests/support/random_graph.h.
#include "tests/support/random_graph.h"

#include "ir/einsum.h"
#include "passes/differentiate.h"
#include "tests/support/op_samples.h"

#include <algorithm>
#include <cmath>
#include <set>

namespace gradc::tests {
namespace {

constexpr double kMaxBound = 3; // magnitude above which a value is squashed

class Grower {
public:
  Grower(uint64_t seed, const RandomGraphOptions &options) : rng_(seed), options_(options) {
    graph_.name = "random_" + std::to_string(seed);
    const DType drawn = one_in(8) ? DType::f64 : DType::f32;
    dtype_ = options.dtype.value_or(drawn);
    pool_.push_back(declare(Role::param, random_shape(1, 3)));
    pool_.push_back(declare(Role::input, random_shape(1, 3)));
  }

  Graph grow() {
    for (int step = 0; step < options_.steps; ++step)
      (this->*kSteps[draw(0, std::size(kSteps) - 1)])();
    return_values();
    if (options_.train)
      train(loss());
    return std::move(graph_);
  }

private:
  using Step = void (Grower::*)();
  static const Step kSteps[14];

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

  Value condition() {
    const Value a = pick();
    Value c = add(choose<std::string_view>({"lt", "le", "gt", "ge", "eq", "ne"}), {a, partner(a)});
    if (one_in(4))
      c = add("logical_not", {c});
    if (one_in(4))
      c = add(one_in(2) ? "logical_and" : "logical_or", {c, add("gt", {a, number(0)})});
    return c;
  }

  /// The elementwise ops of the table from floats to floats; what makes bools comes in through conditions.
  static std::vector<const OpDef *> elementwise_ops() {
    static const std::set<std::string_view> kOthers = {"lt", "le", "gt", "ge", "eq", "ne", "cast", "select",
                                                       "logical_and", "logical_or", "logical_not"};
    std::vector<const OpDef *> ops;
    for (const OpDef *op : all_ops())
      if (op->kind == OpKind::elementwise && !kOthers.contains(op->name))
        ops.push_back(op);
    return ops;
  }

  void elementwise() {
    static const std::set<std::string_view> kPositive = {"log", "log1p", "sqrt", "rsqrt", "pow"};
    const OpDef &op = *choose(elementwise_ops());
    Value a = pick();
    std::vector<Value> inputs = {a};
    double b = bound(a);
    if (op.arity == 2)
      inputs.push_back(partner(a));
    if (kPositive.contains(op.name))
      inputs[0] = at_least_half(a);
    if (op.name == "div")
      inputs[1] = at_least_half(inputs[1]);
    if (op.arity == 2)
      b = op.name == "mul" || op.name == "div" ? 2 * b * bound(inputs[1]) : b + bound(inputs[1]);
    if (op.name == "exp" || op.name == "expm1" || op.name == "pow")
      b = std::exp(b);
    keep(add(op.name, inputs), b);
  }

  void select() {
    const Value c = condition();
    Value a = partner(c);
    Value b = partner(c);
    if (!broadcast_shapes(shape(a), shape(b)) || one_in(6))
      b = a;
    keep(add("select", {c, a, b}), std::max(bound(a), bound(b)));
  }

  void reduce() {
    const Value v = pick();
    std::vector<int64_t> axes;
    int64_t count = 1;
    for (int64_t d = 0; d < rank(v); ++d)
      if (one_in(2)) {
        axes.push_back(d);
        count *= shape(v)[static_cast<size_t>(d)];
      }
    const bool keeps = one_in(2);
    if (one_in(3))
      return keep(add("max", {v}, {{"axes", axes}, {"keep", keeps}}), bound(v));
    const Value sum = add("sum", {v}, {{"axes", axes}, {"keep", keeps}});
    if (one_in(2))
      return keep(sum, bound(v) * static_cast<double>(count));
    keep(add("div", {sum, number(static_cast<double>(count))}), bound(v));
  }

  /// Letters of the operand; of the other, which shares some of them; and a result that keeps each letter that is in
  /// one operand alone.
  void contract() {
    const Value a = pick_of_rank(1);
    struct {
      std::string a, b, out;
    } e;
    Shape other;
    for (int64_t d = 0; d < rank(a); ++d) {
      const char letter = static_cast<char>('a' + d);
      e.a += letter;
      const bool common = one_in(2);
      if (common) {
        e.b += letter;
        other.push_back(shape(a)[static_cast<size_t>(d)]);
      }
      if (!common || one_in(3))
        e.out += letter;
    }
    if (one_in(2)) {
      e.b += 'z';
      e.out += 'z';
      other.push_back(choose<int64_t>({1, 3, 4}));
    }
    std::shuffle(e.out.begin(), e.out.end(), rng_);
    const std::string indices = e.a + "," + e.b + "->" + e.out;
    int64_t terms = 1;
    for (char letter : parse_einsum(indices).contracted())
      terms *= shape(a)[static_cast<size_t>(letter - 'a')];
    if (element_count(shape(a)) * (other.empty() ? 1 : other.back()) > 4 * options_.max_elements)
      return;
    Value b = declare(one_in(2) ? Role::param : Role::input, other);
    const bool swap = one_in(2);
    const std::vector<Value> inputs = swap ? std::vector{b, a} : std::vector{a, b};
    keep(add("contract", inputs, {{"indices", swap ? e.b + "," + e.a + "->" + e.out : indices}}), bound(a) * 2 * static_cast<double>(terms));
  }

  void transpose() {
    const Value v = pick_of_rank(1);
    std::vector<int64_t> perm(static_cast<size_t>(rank(v)));
    for (size_t d = 0; d < perm.size(); ++d)
      perm[d] = static_cast<int64_t>(d);
    std::shuffle(perm.begin(), perm.end(), rng_);
    keep(add("transpose", {v}, {{"perm", perm}}), bound(v));
  }

  void reshape() {
    const Value v = pick();
    Shape to = shape(v);
    switch (draw(0, 2)) {
    case 0: to = {element_count(to)}; break;
    case 1: to.insert(to.begin() + draw(0, rank(v)), 1); break;
    default: std::reverse(to.begin(), to.end()); break;
    }
    if (to.size() <= 4)
      keep(add("reshape", {v}, {}, Type{dtype_, to}), bound(v));
  }

  void slice() {
    const Value v = pick_of_rank(1);
    std::vector<int64_t> starts, limits, strides;
    for (int64_t extent : shape(v)) {
      starts.push_back(draw(0, extent - 1));
      limits.push_back(draw(starts.back() + 1, extent));
      strides.push_back(draw(1, 2));
    }
    keep(add("slice", {v}, {{"starts", starts}, {"limits", limits}, {"strides", strides}}), bound(v));
  }

  void pad() {
    const Value v = pick_of_rank(1);
    std::vector<int64_t> low, high, interior;
    for (int64_t d = 0; d < rank(v); ++d) {
      low.push_back(draw(0, 1));
      high.push_back(draw(0, 1));
      interior.push_back(one_in(4) ? 1 : 0);
    }
    if (element_count(shape(v)) <= options_.max_elements / 4)
      keep(add("pad", {v}, {{"low", low}, {"high", high}, {"interior", interior}}), bound(v));
  }

  void concat() {
    const Value v = pick_of_rank(1);
    const int64_t dim = draw(0, rank(v) - 1);
    Shape s = shape(v);
    s[static_cast<size_t>(dim)] = choose<int64_t>({1, 3});
    if (element_count(s) + element_count(shape(v)) <= options_.max_elements)
      keep(add("concat", {v, leaf(s), v}, {{"dim", dim}}), std::max(2.0, bound(v)));
  }

  /// Rows of softmax, of log-softmax, or normalized to mean 0 and variance 1.
  void rows() {
    const Value x = pick_of_rank(1);
    const Attrs last = {{"axes", std::vector<int64_t>{rank(x) - 1}}, {"keep", true}};
    const Value n = number(static_cast<double>(shape(x).back()));
    if (one_in(3)) {
      const Value centred = add("sub", {x, add("div", {add("sum", {x}, last), n})});
      const Value variance = add("div", {add("sum", {add("mul", {centred, centred})}, last), n});
      return keep(add("mul", {centred, add("rsqrt", {add("add", {variance, number(0.01)})})}), kMaxBound);
    }
    const Value shifted = add("sub", {x, add("stop_gradient", {add("max", {x}, last)})});
    const Value exponentials = add("exp", {shifted});
    const Value total = add("sum", {exponentials}, last);
    if (one_in(2))
      keep(add("div", {exponentials, total}), 1);
    else
      keep(add("sub", {shifted, add("log", {total})}), 2 * bound(x) + 3);
  }

  Value indices(int64_t count) {
    if (one_in(3)) {
      const Value v = pick_of_rank(1);
      const Value found = add("argmax", {v}, {{"axes", std::vector<int64_t>{draw(0, rank(v) - 1)}}});
      if (element_count(shape(found)) <= 20)
        return found;
    }
    const DType dtype = one_in(2) ? DType::i32 : DType::i64;
    return graph_.declare(Role::input, "i" + std::to_string(graph_.size()), Type{dtype, {count}});
  }

  void gather() {
    const Value table = pick_of_rank(1);
    const Value rows = indices(choose<int64_t>({1, 3, 4}));
    const Value gathered = add("gather", {table, rows});
    if (one_in(3))
      keep(add("scatter_add", {table, rows, gathered}), 21 * bound(table));
    else
      keep(gathered, bound(table));
  }

  /// A dropout: random numbers are a function of seed and step, as everywhere.
  void dropout() {
    const Value x = pick();
    if (!seed_)
      seed_ = graph_.declare(Role::scalar, "seed", Type{DType::i64, {}});
    if (!step_)
      step_ = graph_.declare(Role::scalar, "step", Type{DType::i64, {}});
    const Value u = add("random_uniform", {*seed_, *step_}, {{"stream", draw(0, 3)}}, Type{dtype_, shape(x)});
    keep(add("select", {add("lt", {u, number(0.75)}), add("div", {x, number(0.75)}), number(0)}), bound(x) * 4 / 3);
  }

  void return_values() {
    graph_.returns.push_back({"y", pool_.back()});
    if (one_in(3))
      graph_.returns.push_back({"z", choose(pool_)});
    if (one_in(6))
      graph_.returns.push_back({"again", pool_.back()});
  }

  /// The mean over all values nothing reads, so that little of the graph is dead.
  Value loss() {
    const std::vector<std::vector<Value>> users = graph_.users();
    const std::vector<Value> pool = pool_;
    Value total = number(0);
    for (Value v : std::set<Value>(pool.begin(), pool.end())) {
      if (!users[v].empty() || one_in(8))
        continue;
      std::vector<int64_t> axes;
      for (int64_t d = 0; d < rank(v); ++d)
        axes.push_back(d);
      const Value term = one_in(2) ? add("mul", {v, v}) : add("sin", {v});
      const Value n = number(static_cast<double>(element_count(shape(v))));
      total = add("add", {total, add("div", {add("sum", {term}, {{"axes", axes}}), n})});
    }
    graph_.returns.push_back({"loss", total});
    return total;
  }

  /// w' = w - rate * g, or with m' = 0.9 m + g: w' = w - rate * m'.
  void train(Value loss) {
    const std::vector<Value> gradients = differentiate(graph_, loss, params_);
    const Value rate = add("cast", {graph_.declare(Role::scalar, "learning_rate", Type{DType::f64, {}})}, {},
                           Type{dtype_, {}});
    const bool momentum = one_in(2);
    for (size_t i = 0; i < params_.size(); ++i) {
      const Value w = params_[i];
      Value direction = gradients[i];
      graph_.gradients.push_back({w, direction});
      if (momentum) {
        const Value m = graph_.declare(Role::slot, graph_[w].name + ".m", graph_.type(w));
        direction = add("add", {add("mul", {number(0.9), m}), direction});
        graph_.updates.push_back({m, direction});
      }
      graph_.updates.push_back({w, add("sub", {w, add("mul", {rate, direction})})});
    }
    if (one_in(2))
      graph_.returns.push_back({"gradient", gradients[0]});
  }

  Rng rng_;
  const RandomGraphOptions options_;
  Graph graph_;
  DType dtype_;
  std::vector<Value> pool_;
  std::vector<Value> params_;
  std::vector<double> bounds_; // by value; 0 where nothing is known
  std::optional<Value> seed_, step_;
};

const Grower::Step Grower::kSteps[14] = {&Grower::elementwise, &Grower::elementwise, &Grower::elementwise,
                                         &Grower::select,      &Grower::reduce,      &Grower::contract,
                                         &Grower::transpose,   &Grower::reshape,     &Grower::slice,
                                         &Grower::pad,         &Grower::concat,      &Grower::rows,
                                         &Grower::gather,      &Grower::dropout};

} // namespace

Graph random_graph(uint64_t seed, const RandomGraphOptions &options) { return Grower(seed, options).grow(); }

} // namespace gradc::tests
