// What the identities of simplify are written with: one node, looked at through its operands, and the means to build
// what takes its place.
#pragma once

#include "ir/op.h"

namespace gradc {

/// The number every element of a node is, if it is a splat constant.
std::optional<Number> splat_value(const Node &);

/// A node that is not in `graph` yet; its operands are. Whatever is built goes to the end of `graph`.
class Match {
public:
  Graph &graph;
  const Node &node;

  /// `shared[v]`: the value has readers besides this node.
  Match(Graph &graph, const Node &node, const std::vector<bool> &shared) : graph(graph), node(node), shared_(shared) {}

  Value in(size_t n) const { return node.inputs[n]; }
  const Type &type(size_t n) const { return graph.type(in(n)); }
  bool shared(size_t n) const { return shared_[in(n)]; }

  /// Whether operand `n` was made by the op called `op`.
  bool made_by(size_t n, std::string_view op) const;
  /// The node that makes operand `n`, and an operand of that.
  const Node &maker(size_t n) const { return graph[in(n)]; }
  Value below(size_t n, size_t operand = 0) const { return maker(n).inputs[operand]; }
  /// Whether every element of operand `n` is `number`; among floats, 0 is not -0.
  bool is(size_t n, double number) const;
  std::optional<Number> splat(size_t n) const { return splat_value(maker(n)); }

  Value build(std::string_view op, std::vector<Value> inputs, Attrs attrs = {}) const {
    return graph.add(op, std::move(inputs), std::move(attrs), node.location);
  }
  Value build(std::string_view op, std::vector<Value> inputs, Type type) const {
    return graph.add(op, std::move(inputs), {}, node.location, std::move(type));
  }
  Value constant(Number number, Type type) const { return graph.constant(number, std::move(type), node.location); }
  /// `v`, repeated or reshaped if it does not have the shape of the result yet.
  Value broadcast(Value v) const { return graph.type(v) == node.type ? v : build("broadcast", {v}, node.type); }
  Value reshape(Value v) const { return graph.type(v) == node.type ? v : build("reshape", {v}, node.type); }

private:
  const std::vector<bool> &shared_;
};

/// How far what takes a node's place may be from it.
enum class Exactness : uint8_t {
  bits,     // not at all, but for the payload of a NaN
  rounding, // pow in f64, which the C library does not always round to the nearest
  sums,     // terms may be added in another order, and the sign of a sum of zeros is not specified
};

/// One identity: what takes the node's place, or nullopt where it does not apply. A test runs each on random nodes, with
/// operands at the edges of their dtypes, and asks that it applies to some and is as exact as it says.
struct Identity {
  std::string_view op;      // of the nodes it applies to; empty: any
  std::string_view formula; // what it is called in messages
  std::optional<Value> (*apply)(const Match &);
  Exactness exactness = Exactness::bits;
};

/// Identities of scalar arithmetic, which hold element by element.
std::span<const Identity> arithmetic_identities();
/// Identities about where elements are, and about sums over them.
std::span<const Identity> shape_identities();

} // namespace gradc
