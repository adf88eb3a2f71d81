// Grows a graph step by step from a pool of float values; see tests/support/random_graph.h.
#include "tests/support/random_graph.h"

#include "ir/einsum.h"
#include "tests/support/random_pool.h"

namespace gradc::tests {
namespace {

class Grower : RandomPool {
public:
  using RandomPool::RandomPool;

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
  static const Step kSteps[17];

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

  /// A window of some taps that slides along an axis: its steps, and how its place and tap make an index.
  struct Sliding {
    int64_t places, taps;
    std::string index;
  };
  Sliding sliding(int64_t extent, char place, char tap) {
    const int64_t taps = choose<int64_t>({1, 2, 3, 5}), stride = choose<int64_t>({1, 1, 2, 3}), dilation = one_in(4) ? 2 : 1;
    const int64_t padding = draw(0, taps), reach = (taps - 1) * dilation;
    auto term = [](int64_t c, char letter) { return (c == 1 ? "" : std::to_string(c)) + std::string(1, letter); };
    return {std::max<int64_t>(1, (extent + 2 * padding - reach - 1) / stride + 1), taps,
            "(" + term(stride, place) + "+" + term(dilation, tap) + "-" + std::to_string(padding) + ")"};
  }

  /// A convolution along one axis or two; the last one has the channels.
  void convolve() {
    const Value v = pick_of_rank(2);
    const Shape from = shape(v);
    const auto spatial = static_cast<size_t>(rank(v) > 2 && one_in(2) ? 2 : 1), batch = from.size() - 1 - spatial;
    const int64_t channels = from.back(), filters = choose<int64_t>({1, 3, 4, 17});
    std::string x = std::string("ABCD").substr(0, batch), w, out = x;
    Shape kernel, result(from.begin(), from.begin() + static_cast<std::ptrdiff_t>(batch));
    double terms = static_cast<double>(channels);
    for (size_t d = 0; d < spatial; ++d) {
      const Sliding s = sliding(from[batch + d], "pq"[d], "rs"[d]);
      x += s.index;
      w += "rs"[d];
      out += "pq"[d];
      kernel.push_back(s.taps);
      result.push_back(s.places);
      terms *= static_cast<double>(s.taps);
    }
    kernel.insert(kernel.end(), {channels, filters});
    result.push_back(filters);
    if (element_count(result) > 2 * options_.max_elements || rank(v) > 4)
      return;
    const Value weight = declare(one_in(4) ? Role::input : Role::param, kernel);
    const std::string indices = x + "c," + w + "co->" + out + "o";
    keep(add("contract", {v, weight}, {{"indices", indices}}, Type{dtype_, result}), bound(v) * 2 * terms);
  }

  /// The largest, or the sum, of each window along the first axis.
  void pool() {
    const Value v = pick_of_rank(1);
    const Sliding s = sliding(shape(v)[0], 'p', 'r');
    const std::string others = std::string("abc").substr(0, static_cast<size_t>(std::min<int64_t>(rank(v) - 1, 3)));
    if (rank(v) > 4)
      return;
    Shape result = shape(v);
    result[0] = s.places;
    result.push_back(s.taps);
    if (element_count(result) > 2 * options_.max_elements)
      return;
    const bool largest = one_in(2);
    Attrs attrs{{"indices", s.index + others + "->p" + others + "r"}, {"value", largest ? -100.0 : 0.0}};
    const Value windows = add("window", {v}, attrs, Type{dtype_, result});
    const Attrs last{{"axes", std::vector<int64_t>{rank(windows) - 1}}};
    if (largest) // what is outside alone must stay small, too
      keep(add("maximum", {add("max", {windows}, last), number(-1)}), std::max(1.0, bound(v)));
    else
      keep(add("sum", {windows}, last), bound(v) * static_cast<double>(s.taps));
  }

  void interleave() {
    const Value v = pick_of_rank(1);
    std::vector<int64_t> factors(static_cast<size_t>(rank(v)), 1);
    factors[static_cast<size_t>(draw(0, rank(v) - 1))] = 2;
    const std::vector<Value> phases = one_in(2) ? std::vector{v, leaf(shape(v))} : std::vector{leaf(shape(v)), v};
    if (2 * element_count(shape(v)) <= options_.max_elements)
      keep(add("interleave", phases, {{"factors", factors}}), std::max(2.0, bound(v)));
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

  std::optional<Value> seed_, step_;
};

const Grower::Step Grower::kSteps[17] = {&Grower::elementwise, &Grower::elementwise, &Grower::elementwise,
                                         &Grower::select,      &Grower::reduce,      &Grower::contract,
                                         &Grower::transpose,   &Grower::reshape,     &Grower::slice,
                                         &Grower::pad,         &Grower::concat,      &Grower::rows,
                                         &Grower::gather,      &Grower::dropout,     &Grower::convolve,
                                         &Grower::pool,        &Grower::interleave};

} // namespace

Graph random_graph(uint64_t seed, const RandomGraphOptions &options) { return Grower(seed, options).grow(); }

} // namespace gradc::tests
