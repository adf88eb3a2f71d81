// The graph IR: a list of nodes in execution order, each with one result. After fusion nodes carry the number of the
// kernel they belong to; after planning values carry a place in memory. Text form: ir/text/text.h.
#pragma once

#include "ir/attr.h"
#include "ir/domain.h"
#include "ir/role.h"

#include <unordered_map>

namespace gradc {

struct OpDef;

/// A value is the index of the node that makes it.
using Value = uint32_t;

constexpr int kNoKernel = -1;

struct Node {
  const OpDef *op = nullptr; // null for declarations
  Role role = Role::none;
  std::vector<Value> inputs;
  Attrs attrs;          // complete: defaults are filled in
  Type type;            // of the result
  std::string name;     // declarations: the name the user sees, e.g. "hidden.weight"
  std::string location; // where it comes from, a JSON pointer such as "/layers/0"
  int64_t below = 0;    // of an input of integers, as class labels are: all of them lie in [0, below). 0: any
  std::optional<int64_t> ignored; // a label that may be there besides
  std::optional<Domain> domain; // of an input, a scalar or a buffer of floats: where its numbers lie
  int kernel = kNoKernel;
  std::optional<BufferKind> buffer; // of a declaration with the role buffer

  bool is_declaration() const { return op == nullptr; }
};

struct Return {
  std::string name;
  Value value;
};
/// `target` (a declaration with a state role) takes `value` at the end of the call.
struct Update {
  Value target;
  Value value;
};
/// `value` is the gradient of the loss with respect to `param`. A note for the verifier and the reader, not a use.
struct GradientOf {
  Value param;
  Value value;
};

/// Where a value lives. Only values that exist in memory have one.
struct Placement {
  Space space = Space::none;
  int64_t index = 0;          // of the input, scalar, output or constant, in order of declaration
  int64_t offset = 0;         // bytes, for the arenas
  int64_t bytes = 0;
  int first = -1, last = -1;  // kernels between which the bytes are in use, inclusive; workspace only
  bool in_place = false;      // takes over the bytes of an operand that dies here
  friend bool operator==(const Placement &, const Placement &) = default;
};
struct Plan {
  std::vector<Placement> places; // one a value
  int64_t arena_bytes = 0;       // the size of the workspace
  int64_t lower_bound = 0;       // no plan needs less: the most bytes that are live during one kernel
};

class Graph {
public:
  std::string name;
  std::vector<Node> nodes;
  std::vector<Return> returns;
  std::vector<Update> updates;
  std::vector<GradientOf> gradients;
  std::optional<Plan> plan;

  Value declare(Role role, std::string name, Type type, std::string location = "");
  Value declare_buffer(BufferKind kind, std::string name, Type type, std::string location = "");
  /// Appends a node of the op called `op`: fills in attribute defaults, infers the type. `declared` is the result type
  /// for the ops that ask for it (OpDef::type_rule). Throws Error when it does not fit.
  Value add(std::string_view op, std::vector<Value> inputs, Attrs attrs = {}, std::string location = "",
            std::optional<Type> declared = std::nullopt);
  Value add(const OpDef &op, std::vector<Value> inputs, Attrs attrs = {}, std::string location = "",
            std::optional<Type> declared = std::nullopt);
  /// A splat constant.
  Value constant(Number value, Type type, std::string location = "");

  const Node &operator[](Value v) const { return nodes[v]; }
  Node &operator[](Value v) { return nodes[v]; }
  const Type &type(Value v) const { return nodes[v].type; }
  size_t size() const { return nodes.size(); }
  std::optional<Value> find(std::string_view declaration) const;
  int kernel_count() const; // 1 + the largest kernel number

  /// For every value: the nodes that read it, ascending, each once.
  std::vector<std::vector<Value>> users() const;
  /// For every value: whether it is returned or written to state. (That a gradient note names it does not count.)
  std::vector<bool> live_out() const;
  /// For every value: whether a returned value depends on it. Of a graph that trains, these are the forward pass.
  std::vector<bool> forward() const;

private:
  bool is_declared(const std::string &name);
  std::unordered_map<std::string, Value> declared_; // of the first `noted_` nodes
  size_t noted_ = 0;
};

/// May a declaration of this role and type say where its numbers lie? (Numbers that training makes lie anywhere.)
bool may_have_domain(Role, const Type &);
/// Where a declared value lives.
Space space_of(const Node &declaration);
/// Numbers that are part of the program.
bool is_constant(const Node &);
/// Moves no element to another position in row-major order: as a view, outside every kernel, it costs nothing.
bool is_reshape(const Node &);
/// A reshape outside every kernel: another name for the bytes of its operand.
bool is_view(const Graph &, Value);
/// The value whose bytes `v` names: `v` itself unless it is a view.
Value storage_root(const Graph &, Value v);

/// Copies a graph node by node, the way passes rewrite: visit the old nodes in order and decide what each becomes.
/// Declarations, returns, updates and gradient notes follow the mapping. Notes are of all gradients or of none: where the
/// value of one has no image, all are dropped.
class Rewriter {
public:
  explicit Rewriter(const Graph &from);
  Graph &to() { return to_; }
  Value map(Value old) const;                 // InternalFault when `old` has no image yet
  bool has(Value old) const;
  void replace(Value old, Value with);        // `old` becomes the new graph's `with`
  Value copy(Value old);                      // the same node on mapped inputs
  Graph finish();                             // maps returns, updates, gradients

private:
  const Graph &from_;
  Graph to_;
  std::vector<int64_t> image_;
};

} // namespace gradc
