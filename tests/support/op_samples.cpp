// Random one-op graphs: a table of samplers for the ops whose operands must fit each other in their own way.
#include "tests/support/op_samples.h"

#include <algorithm>
#include <set>

namespace gradc::tests {

int64_t between(Rng &rng, int64_t low, int64_t high) {
  return low + static_cast<int64_t>(rng() % static_cast<uint64_t>(high - low + 1));
}

namespace {

class Sampler {
public:
  Sampler(const OpDef &op, Rng &rng, const SampleOptions &options)
      : op(op), rng(rng), real(options.real), options(options) {}
  const OpDef &op;
  Rng &rng;
  const DType real;
  const SampleOptions &options;
  Graph graph;

  int64_t draw(int64_t low, int64_t high) { return between(rng, low, high); }
  bool coin() { return draw(0, 1) == 1; }
  Shape shape(size_t min_rank, size_t max_rank) {
    Shape s(static_cast<size_t>(draw(static_cast<int64_t>(min_rank), static_cast<int64_t>(max_rank))));
    int64_t elements = 1;
    for (int64_t &dim : s)
      elements *= dim = extent(elements);
    return s;
  }
  /// Of a dim beside others with so many elements.
  int64_t extent(int64_t elements) {
    const int64_t e = options.extents[static_cast<size_t>(draw(0, static_cast<int64_t>(options.extents.size()) - 1))];
    return e * elements <= options.max_elements ? e : 1;
  }
  DType number_dtype() { return draw(0, 3) > 0 ? real : coin() ? DType::i32 : DType::i64; }
  DType any_dtype() { return draw(0, 5) > 0 ? number_dtype() : DType::boolean; }
  DType index_dtype() { return coin() ? DType::i32 : DType::i64; }

  Value input(DType dtype, Shape s) {
    return graph.declare(Role::input, "x" + std::to_string(graph.size()), Type{dtype, std::move(s)});
  }
  void finish(std::vector<Value> inputs, Attrs attrs = {}, std::optional<Type> declared = {}) {
    graph.returns = {{"y", graph.add(op, std::move(inputs), std::move(attrs), "", std::move(declared))}};
  }

  /// A shape that broadcasts to `to`: some leading dims dropped, some of the rest 1.
  Shape broadcastable(const Shape &to) {
    Shape s(to.begin() + draw(0, static_cast<int64_t>(to.size())), to.end());
    for (int64_t &dim : s)
      if (draw(0, 2) == 0)
        dim = 1;
    return s;
  }
  std::vector<int64_t> some_axes(size_t rank) {
    std::vector<int64_t> axes;
    for (size_t d = 0; d < rank; ++d)
      if (coin())
        axes.push_back(static_cast<int64_t>(d));
    return axes;
  }
};

void sample_elementwise(Sampler &s) {
  Shape result = s.shape(0, 3);
  size_t arity = s.op.arity < 0 ? static_cast<size_t>(s.draw(1, 3)) : static_cast<size_t>(s.op.arity);
  std::vector<Shape> shapes;
  for (size_t n = 0; n < arity; ++n)
    shapes.push_back(n == 0 || s.draw(0, 2) == 0 ? result : s.broadcastable(result));
  std::shuffle(shapes.begin(), shapes.end(), s.rng);
  // Which dtypes fit is the op's to say: try mixes until one does.
  constexpr int tries = 1000;
  for (int i = 0; i < tries; ++i) {
    Sampler attempt(s.op, s.rng, s.options);
    std::vector<Value> inputs;
    for (const Shape &shape : shapes)
      inputs.push_back(attempt.input(attempt.any_dtype(), shape));
    std::optional<Type> declared;
    if (s.op.type_rule == TypeRule::written)
      declared = Type{attempt.any_dtype(), result};
    try {
      attempt.finish(inputs, {}, declared);
    } catch (const Error &) {
      continue;
    }
    s.graph = std::move(attempt.graph);
    return;
  }
  throw std::logic_error("no operands were found that fit " + std::string(s.op.name) +
                         "; it needs a sampler");
}

void sample_reshape(Sampler &s) {
  Type x{s.any_dtype(), s.shape(0, 4)};
  Shape to(static_cast<size_t>(s.draw(1, 4)), 1);
  int64_t rest = x.elements();
  for (int64_t factor = 2; rest > 1;)
    if (rest % factor == 0) {
      to[static_cast<size_t>(s.draw(0, static_cast<int64_t>(to.size()) - 1))] *= factor;
      rest /= factor;
    } else {
      ++factor;
    }
  s.finish({s.input(x.dtype, x.shape)}, {}, Type{x.dtype, to});
}

void sample_broadcast(Sampler &s) {
  Type to{s.any_dtype(), s.shape(0, 3)};
  s.finish({s.input(to.dtype, s.broadcastable(to.shape))}, {}, to);
}

void sample_transpose(Sampler &s) {
  Shape shape = s.shape(0, 4);
  std::vector<int64_t> perm;
  for (size_t d = 0; d < shape.size(); ++d)
    perm.push_back(static_cast<int64_t>(d));
  std::shuffle(perm.begin(), perm.end(), s.rng);
  s.finish({s.input(s.any_dtype(), shape)}, {{"perm", perm}});
}

void sample_slice(Sampler &s) {
  Shape shape = s.shape(0, 3);
  std::vector<int64_t> starts, limits, strides;
  for (int64_t &dim : shape) {
    dim += s.draw(0, 2);
    starts.push_back(s.draw(0, dim - 1));
    limits.push_back(s.draw(starts.back() + 1, dim));
    strides.push_back(s.draw(1, 3));
  }
  if (s.coin())
    strides.clear();
  s.finish({s.input(s.any_dtype(), shape)}, {{"starts", starts}, {"limits", limits}, {"strides", strides}});
}

void sample_pad(Sampler &s) {
  Shape shape = s.shape(0, 3);
  std::vector<int64_t> low, high, interior;
  for (size_t d = 0; d < shape.size(); ++d) {
    low.push_back(s.draw(0, 2));
    high.push_back(s.draw(0, 2));
    interior.push_back(s.draw(0, 2));
  }
  if (s.coin())
    interior.clear();
  double value = static_cast<double>(s.draw(0, 1));
  s.finish({s.input(s.any_dtype(), shape)},
           {{"low", low}, {"high", high}, {"interior", interior}, {"value", value}});
}

void sample_concat(Sampler &s) {
  Type x{s.any_dtype(), s.shape(1, 3)};
  int64_t dim = s.draw(0, static_cast<int64_t>(x.rank()) - 1);
  std::vector<Value> inputs;
  for (int64_t n = s.draw(1, 4); n > 0; --n) {
    x.shape[static_cast<size_t>(dim)] = s.draw(1, 3);
    inputs.push_back(s.input(x.dtype, x.shape));
  }
  s.finish(inputs, {{"dim", dim}});
}

void sample_reduction(Sampler &s) {
  Shape shape = s.shape(0, 4);
  Attrs attrs{{"axes", s.some_axes(shape.size())}, {"keep", s.coin()}};
  s.finish({s.input(s.number_dtype(), shape)}, attrs);
}

void sample_max(Sampler &s) {
  Shape shape = s.shape(0, 4);
  Attrs attrs{{"axes", s.some_axes(shape.size())}, {"keep", s.coin()}, {"ties", std::string(s.coin() ? "share" : "first")}};
  s.finish({s.input(s.number_dtype(), shape)}, attrs);
}

/// Windows that slide along one or two axes, as those of a convolution do: their steps, taps and places are in `axes`.
struct SlidingAxis {
  int64_t extent, places, taps;
  std::string index; // in terms of `place` and `tap`
};
SlidingAxis sample_sliding_axis(Sampler &s, char place, char tap) {
  const int64_t stride = s.draw(1, 3), dilation = s.draw(1, 3), offset = s.draw(-2, 1);
  SlidingAxis axis{s.draw(1, 6), s.draw(1, 4), s.draw(1, 3), ""};
  auto term = [](int64_t c, char letter) { return (c == 1 ? "" : std::to_string(c)) + std::string(1, letter); };
  axis.index = "(" + term(stride, place) + "+" + term(dilation, tap) + (offset < 0 ? "-" : "+") + std::to_string(std::abs(offset)) + ")";
  return axis;
}

void sample_convolution(Sampler &s) {
  const int64_t n = s.draw(1, 2), c = s.draw(1, 2), o = s.draw(1, 2);
  const SlidingAxis p = sample_sliding_axis(s, 'p', 'r');
  DType dtype = s.number_dtype();
  if (s.coin()) {
    Value x = s.input(dtype, {n, p.extent, c}), w = s.input(dtype, {p.taps, c, o});
    s.finish({x, w}, {{"indices", "n" + p.index + "c,rco->npo"}}, Type{dtype, {n, p.places, o}});
    return;
  }
  const SlidingAxis q = sample_sliding_axis(s, 'q', 's');
  Value x = s.input(dtype, {p.extent, q.extent}), w = s.input(dtype, {p.taps, q.taps, o});
  s.finish({w, x}, {{"indices", "rso," + p.index + q.index + "->opq"}}, Type{dtype, {o, p.places, q.places}});
}

void sample_window(Sampler &s) {
  const SlidingAxis p = sample_sliding_axis(s, 'p', 'r');
  DType dtype = s.any_dtype();
  Attrs attrs;
  if (s.coin())
    attrs["value"] = 1.0;
  if (s.coin()) {
    const int64_t c = s.draw(1, 3);
    attrs["indices"] = p.index + "c->cpr";
    s.finish({s.input(dtype, {p.extent, c})}, attrs, Type{dtype, {c, p.places, p.taps}});
    return;
  }
  const SlidingAxis q = sample_sliding_axis(s, 'q', 's');
  attrs["indices"] = p.index + q.index + "->pqrs";
  s.finish({s.input(dtype, {p.extent, q.extent})}, attrs, Type{dtype, {p.places, q.places, p.taps, q.taps}});
}

void sample_interleave(Sampler &s) {
  const Shape shape = s.shape(1, 3);
  std::vector<int64_t> factors;
  int64_t phases = 1;
  for (size_t d = 0; d < shape.size(); ++d)
    phases *= factors.emplace_back(phases < 4 ? s.draw(1, 3) : 1);
  const DType dtype = s.any_dtype();
  std::vector<Value> inputs;
  for (int64_t n = 0; n < phases; ++n) {
    Shape phase = shape;
    int64_t rest = n;
    for (size_t d = shape.size(); d-- > 0; rest /= factors[d])
      phase[d] = (shape[d] - rest % factors[d] + factors[d] - 1) / factors[d];
    inputs.push_back(s.input(dtype, phase));
  }
  s.finish(inputs, {{"factors", factors}});
}

/// Every letter is in two or three of the terms a, b, out; or a convolution.
void sample_contract(Sampler &s) {
  if (s.coin())
    return sample_convolution(s);
  std::string a, b, out;
  std::map<char, int64_t> extents;
  int64_t points = 1;
  for (char letter = 'a', last = static_cast<char>('a' + s.draw(0, 4)); letter != last; ++letter) {
    points *= extents[letter] = s.extent(points);
    int64_t left_out = s.draw(0, 3);
    if (left_out != 0)
      a += letter;
    if (left_out != 1)
      b += letter;
    if (left_out != 2)
      out += letter;
  }
  for (std::string *term : {&a, &b, &out})
    std::shuffle(term->begin(), term->end(), s.rng);
  auto shape = [&](const std::string &term) {
    Shape result;
    for (char letter : term)
      result.push_back(extents[letter]);
    return result;
  };
  DType dtype = s.number_dtype();
  Value x = s.input(dtype, shape(a)), y = s.input(dtype, shape(b));
  s.finish({x, y}, {{"indices", a + "," + b + "->" + out}});
}

void sample_gather(Sampler &s) {
  Value table = s.input(s.any_dtype(), s.shape(1, 3));
  s.finish({table, s.input(s.index_dtype(), s.shape(0, 2))});
}

void sample_scatter_add(Sampler &s) {
  Type base{s.number_dtype(), s.shape(1, 3)};
  Shape indices = s.shape(0, 2), updates = indices;
  updates.insert(updates.end(), base.shape.begin() + 1, base.shape.end());
  Value x = s.input(base.dtype, base.shape), i = s.input(s.index_dtype(), indices);
  s.finish({x, i, s.input(base.dtype, updates)});
}

void sample_constant(Sampler &s) {
  Type type{s.any_dtype(), s.shape(0, 3)};
  std::vector<double> values(static_cast<size_t>(type.elements()));
  for (double &value : values)
    value = static_cast<double>(s.draw(0, 1));
  Attrs splat{{"value", values[0]}}, dense{{"values", values}};
  s.finish({}, s.coin() ? splat : dense, type);
}

void sample_iota(Sampler &s) {
  Type type{s.number_dtype(), s.shape(1, 3)};
  s.finish({}, {{"dim", s.draw(0, static_cast<int64_t>(type.rank()) - 1)}}, type);
}

/// `result` is one of the dtypes that the op can make.
void sample_random(Sampler &s, DType result) {
  Value seed = s.input(DType::i64, {}), step = s.input(DType::i64, {});
  s.finish({seed, step}, {{"stream", s.draw(0, 9)}}, Type{result, s.shape(0, 3)});
}
void sample_random_bits(Sampler &s) { sample_random(s, DType::i32); }
void sample_random_float(Sampler &s) { sample_random(s, s.real); }

const std::map<std::string_view, void (*)(Sampler &)> kSamplers = {
    {"argmax", sample_reduction},
    {"broadcast", sample_broadcast},
    {"concat", sample_concat},
    {"constant", sample_constant},
    {"contract", sample_contract},
    {"gather", sample_gather},
    {"interleave", sample_interleave},
    {"iota", sample_iota},
    {"max", sample_max},
    {"pad", sample_pad},
    {"random_bits", sample_random_bits},
    {"random_normal", sample_random_float},
    {"random_uniform", sample_random_float},
    {"reshape", sample_reshape},
    {"scatter_add", sample_scatter_add},
    {"slice", sample_slice},
    {"sum", sample_reduction},
    {"transpose", sample_transpose},
    {"window", sample_window},
};

/// Ops that are only smooth, or only defined, for positive operands.
const std::set<std::string_view> kPositive = {"div", "log", "log1p", "pow", "rsqrt", "sqrt"};

Tensor sample_integers(const Type &type, Rng &rng) {
  Tensor tensor(type);
  for (int64_t i = 0; i < type.elements(); ++i)
    tensor.set_integer(i, type.dtype == DType::boolean ? between(rng, 0, 1) : between(rng, -2, 5));
  return tensor;
}

} // namespace

bool has_sampler(const OpDef &op) { return op.kind == OpKind::elementwise || kSamplers.contains(op.name); }

Graph sample_op_graph(const OpDef &op, Rng &rng, const SampleOptions &options) {
  Sampler sampler(op, rng, options);
  auto own = kSamplers.find(op.name);
  if (own != kSamplers.end())
    own->second(sampler);
  else if (op.kind == OpKind::elementwise)
    sample_elementwise(sampler);
  else
    throw std::logic_error("no sampler for " + std::string(op.name) + " in tests/support/op_samples.cpp");
  return std::move(sampler.graph);
}

Bindings sample_inputs(const Graph &graph, Rng &rng) {
  constexpr double spacing = 0.02;
  int64_t floats = 0;
  bool positive = false;
  for (const Node &node : graph.nodes) {
    if (node.is_declaration() && is_float(node.type.dtype))
      floats += node.type.elements();
    positive = positive || (node.op && kPositive.contains(node.op->name));
  }
  std::vector<int64_t> cells; // a float is in the middle of a cell of the grid
  for (int64_t i = 0; i < floats; ++i)
    cells.push_back(positive ? 25 + i : i - floats / 2);
  std::shuffle(cells.begin(), cells.end(), rng);
  Bindings inputs;
  for (const Node &node : graph.nodes) {
    if (!node.is_declaration())
      continue;
    Tensor tensor = is_float(node.type.dtype) ? Tensor(node.type) : sample_integers(node.type, rng);
    for (double &x : tensor.floats) {
      x = (static_cast<double>(cells.back()) + 0.5) * spacing;
      cells.pop_back();
    }
    inputs.emplace(node.name, std::move(tensor));
  }
  return inputs;
}

} // namespace gradc::tests
