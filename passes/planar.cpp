#include "passes/planar.h"

#include "ir/einsum.h"
#include "ir/op.h"

#include <algorithm>

namespace gradc {
namespace {

constexpr int64_t kFewChannels = 8;   // fewer than this: less than half of a vector of 16
constexpr int64_t kLongRow = 8;       // pixels of a row that fill a vector better
constexpr int64_t kLarge = 1 << 7;    // elements: less is not worth it

// The last entry moves behind the first: [n, p, q, c] becomes [n, c, p, q].
template <typename List> List turned(List list) {
  if (list.size() > 2)
    std::rotate(list.begin() + 1, list.end() - 1, list.end());
  return list;
}

class Turner {
public:
  explicit Turner(const Graph &from) : from_(from), rewriter_(from), to_(rewriter_.to()), planar_(from.size()), live_out_(from.live_out()) {}

  bool run() {
    for (Value v = 0; v < from_.size(); ++v) {
      if (from_[v].is_declaration() || is_constant(from_[v])) {
        rewriter_.copy(v);
        continue;
      }
      if (const std::optional<Value> result = turn(v)) {
        planar_[v] = *result;
        turned_ = true;
        if (live_out_[v])
          usual(v);
      } else if (!rewriter_.has(v)) {
        add_usual(v);
      }
    }
    return turned_;
  }
  Graph finish() { return rewriter_.finish(); }

private:
  const Type &type(Value v) const { return from_.type(v); }

  // The value as it was, in the new graph.
  Value usual(Value v) {
    if (!rewriter_.has(v)) {
      std::vector<int64_t> perm{0};
      for (size_t d = 2; d < type(v).rank(); ++d)
        perm.push_back(static_cast<int64_t>(d));
      perm.push_back(1);
      rewriter_.replace(v, to_.add("transpose", {*planar_[v]}, {{"perm", perm}}, from_[v].location));
    }
    return rewriter_.map(v);
  }

  void add_usual(Value v) {
    for (Value input : from_[v].inputs)
      usual(input);
    rewriter_.copy(v);
  }

  // A value in planar form where that costs nothing: it has one, or it is a vector of channels, or a single element along these.
  std::optional<Value> cheap(Value v, size_t rank) {
    if (planar_[v])
      return planar_[v];
    Shape shape = type(v).shape;
    if (shape.empty())
      return usual(v);
    shape.insert(shape.begin(), rank - shape.size(), 1);
    const bool pixels = std::any_of(shape.begin() + 1, shape.end() - 1, [](int64_t extent) { return extent != 1; });
    if (pixels && shape.back() != 1)
      return std::nullopt;
    const Type to{type(v).dtype, turned(shape)};
    return to == type(v) ? usual(v) : to_.add("reshape", {usual(v)}, {}, from_[v].location, to);
  }

  Value add(Value v, std::vector<Value> inputs, Attrs attrs, const Type &result) {
    const Node &node = from_[v];
    return to_.add(*node.op, std::move(inputs), std::move(attrs), node.location,
                   node.op->type_rule == TypeRule::derived ? std::nullopt : std::optional(result));
  }
  Type turned_type(Value v) const { return {type(v).dtype, turned(type(v).shape)}; }

  // The planar form of a result; nullopt where it has none, or none that is worth it.
  std::optional<Value> turn(Value v) {
    const Node &node = from_[v];
    if (node.op->name == "contract")
      return turn_contract(v);
    const bool any = std::any_of(node.inputs.begin(), node.inputs.end(), [&](Value input) { return planar_[input].has_value(); });
    if (!any)
      return std::nullopt;
    if (node.op->kind == OpKind::elementwise)
      return turn_elementwise(v);
    if (node.op->kind == OpKind::reduction)
      return turn_reduction(v);
    if (node.op->name == "window")
      return turn_window(v);
    if (node.op->name == "interleave" || node.op->name == "slice" || node.op->name == "pad")
      return turn_lists(v);
    if (node.op->name == "reshape" || node.op->name == "broadcast")
      return turn_shape(v);
    return std::nullopt;
  }

  std::optional<Value> turn_contract(Value v) {
    const Node &node = from_[v];
    Einsum e = parse_einsum(string_attr(node.attrs, "indices"));
    const Shape &shape = node.type.shape;
    const bool operands = planar_[node.inputs[0]] || planar_[node.inputs[1]];
    const bool result = !e.is_plain() && shape.size() > 2 && shape.back() > 1 && shape.back() < kFewChannels && !live_out_[v] &&
                        shape[shape.size() - 2] >= kLongRow && node.type.elements() >= kLarge && is_float(node.type.dtype);
    if (!operands && !result)
      return std::nullopt;
    std::vector<Value> inputs;
    for (size_t n = 0; n < 2; ++n) {
      const Value input = node.inputs[n];
      Subscripts &subscripts = n == 0 ? e.a : e.b;
      if (planar_[input])
        subscripts = turned(subscripts);
      inputs.push_back(planar_[input] ? *planar_[input] : usual(input));
    }
    if (result)
      e.out = turned(e.out);
    const Value made = to_.add("contract", inputs, {{"indices", e.text()}}, node.location, result ? turned_type(v) : node.type);
    if (result)
      return made;
    rewriter_.replace(v, made);
    turned_ = true;
    return std::nullopt;
  }

  std::optional<Value> turn_elementwise(Value v) {
    const size_t rank = type(v).rank();
    std::vector<Value> inputs;
    for (Value input : from_[v].inputs) {
      const std::optional<Value> form = cheap(input, rank);
      if (!form || (planar_[input] && type(input).rank() != rank))
        return std::nullopt;
      inputs.push_back(*form);
    }
    return add(v, inputs, from_[v].attrs, turned_type(v));
  }

  // The channels stay. Where the batch or all pixels are summed over and dropped, nothing is left to be turned.
  std::optional<Value> turn_reduction(Value v) {
    const Node &node = from_[v];
    const auto rank = static_cast<int64_t>(type(node.inputs[0]).rank());
    Attrs attrs = node.attrs;
    std::vector<int64_t> axes = ints_attr(attrs, "axes");
    const bool over_batch = std::find(axes.begin(), axes.end(), 0) != axes.end(), drops = !bool_attr(attrs, "keep");
    if (over_batch && drops && type(v).rank() > 1)
      return std::nullopt;
    for (int64_t &axis : axes) {
      if (axis == rank - 1)
        return std::nullopt;
      axis += axis > 0;
    }
    attrs["axes"] = axes;
    const Value made = to_.add(*node.op, {*planar_[node.inputs[0]]}, attrs, node.location);
    if (type(v).rank() > 2)
      return made;
    rewriter_.replace(v, made);
    return std::nullopt;
  }

  std::optional<Value> turn_window(Value v) {
    const Node &node = from_[v];
    const View view = parse_view(string_attr(node.attrs, "indices"));
    if (view.operand.back().plain() != view.out.back() || view.operand[0].plain() != view.out[0])
      return std::nullopt;
    Attrs attrs = node.attrs;
    attrs["indices"] = View{turned(view.operand), turned(view.out)}.text();
    return add(v, {*planar_[node.inputs[0]]}, attrs, turned_type(v));
  }

  // Ops whose attributes have an entry for every axis.
  std::optional<Value> turn_lists(Value v) {
    const Node &node = from_[v];
    std::vector<Value> inputs;
    for (Value input : node.inputs) {
      if (!planar_[input])
        return std::nullopt;
      inputs.push_back(*planar_[input]);
    }
    Attrs attrs = node.attrs;
    for (auto &[name, value] : attrs)
      if (auto *list = std::get_if<std::vector<int64_t>>(&value))
        *list = turned(*list);
    return add(v, inputs, attrs, turned_type(v));
  }

  // A reshape that adds or drops axes of extent 1 between the first and the last; a broadcast along others than these.
  std::optional<Value> turn_shape(Value v) {
    const Value input = from_[v].inputs[0];
    const Shape &to = type(v).shape;
    if (from_[v].op->name == "reshape") {
      Shape before = type(input).shape, after = to;
      if (after.size() < 3 || before[0] != after[0] || before.back() != after.back())
        return std::nullopt;
      std::erase(before, 1);
      std::erase(after, 1);
      if (before != after)
        return std::nullopt;
    } else if (to.size() != type(input).rank()) {
      return std::nullopt;
    }
    return add(v, {*planar_[input]}, {}, turned_type(v));
  }

  const Graph &from_;
  Rewriter rewriter_;
  Graph &to_;
  std::vector<std::optional<Value>> planar_; // of each old value: its planar form in the new graph
  const std::vector<bool> live_out_;
  bool turned_ = false;
};

} // namespace

bool planar(Graph &graph) {
  if (graph.kernel_count() > 0)
    return false;
  Turner turner(graph);
  if (!turner.run())
    return false;
  graph = turner.finish();
  return true;
}

} // namespace gradc
