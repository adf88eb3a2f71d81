// The kernel IR: what one compiled function computes, as index notation.
//
// A kernel is a list of stages over named axes. A stage computes one scalar for every point of its parallel axes: a body,
// combined over its reduction axes if it has any, e.g. acc(i,j) = sum p: x(i,p)*w(p,j). Its value stays local, or is
// stored to a parameter of the kernel, or both. Bodies are hash-consed expression trees; every access is affine in the
// axes, where a term may also be an integer loaded or computed (gather, reshape).
#pragma once

#include "ir/scalar.h"
#include "ir/type.h"

#include <map>
#include <set>

namespace gradc {

using ExprId = int32_t;

/// coefficient * (an axis, or an integer expression)
struct IndexTerm {
  int64_t coefficient = 1;
  bool is_axis = true;
  int32_t id = 0; // axis number or ExprId
  friend auto operator<=>(const IndexTerm &, const IndexTerm &) = default;
};
/// offset + sum of terms; terms are sorted by (is_axis, id), without zero coefficients or repeats.
struct IndexExpr {
  int64_t offset = 0;
  std::vector<IndexTerm> terms;

  static IndexExpr constant(int64_t value) { return {value, {}}; }
  static IndexExpr axis(int axis) { return {0, {{1, true, axis}}}; }
  static IndexExpr computed(ExprId expr) { return {0, {{1, false, expr}}}; }
  /// The axis when this is exactly one axis; -1 otherwise.
  int plain_axis() const;
  bool is_constant() const { return terms.empty(); }
  bool is_affine() const; // no computed terms
  int64_t coefficient_of(int axis) const;
  friend auto operator<=>(const IndexExpr &, const IndexExpr &) = default;
};
// These throw Overflow.
IndexExpr operator+(const IndexExpr &, const IndexExpr &);
IndexExpr operator+(const IndexExpr &, int64_t);
IndexExpr operator*(const IndexExpr &, int64_t);
using Index = std::vector<IndexExpr>;

struct Expr {
  enum class Kind : uint8_t {
    literal, // number / integer
    index,   // the value of index[0], as i64
    load,    // param `target` at `index`; where padded, `pad` outside the bounds
    stage,   // stage `target` at `index`, one entry an axis of that stage
    op,
  };
  Kind kind = Kind::literal;
  DType dtype = DType::f32;
  ScalarOp op = ScalarOp::add;
  bool padded = false;
  int32_t target = -1;
  double number = 0;   // literal, or pad value of a load, of a float dtype
  int64_t integer = 0; // the same of an integer dtype or bool
  Index index = {};
  std::vector<ExprId> args = {};

  static Expr literal(Number, DType);
};
/// Floats compare by their bits: 0 and -0 are two expressions, and a NaN is one.
bool operator==(const Expr &, const Expr &);

/// argmax gives a position among the points of the reduction axes, in their order; on ties the first.
enum class Combiner : uint8_t { none, sum, max, argmax };
std::string_view to_string(Combiner);

struct Stage {
  std::string name;
  DType dtype = DType::f32;
  std::vector<int> axes;   // parallel axes, in the order of the value's dims of extent > 1
  std::vector<int> reduce; // reduction axes
  Combiner combiner = Combiner::none;
  ExprId body = -1;
  int store = -1;          // param written, or -1
  Index store_index;       // one entry a dim of that param
  bool accumulate = false; // store adds to what is there (scatter); points run in order
};

struct Axis {
  std::string name;
  int64_t extent = 1;
};
struct Param {
  std::string name;
  Type type;
  bool written = false;
};

struct Kernel {
  std::string name;
  std::vector<Axis> axes;
  std::vector<Param> params;
  std::vector<Expr> exprs;
  std::vector<Stage> stages;
  std::vector<size_t> hashes; // of the first expressions, for intern(); to be cleared when one is changed in place

  ExprId intern(Expr); // hash-consing: equal expressions get equal ids
  const Expr &expr(ExprId id) const { return exprs[static_cast<size_t>(id)]; }
  /// The leading axes that every stage has in common: they become the outer loops of the kernel.
  std::vector<int> shared_axes() const;
};

/// Every expression that a stage evaluates, once; the expressions that its indices are computed by are among them.
std::vector<ExprId> expressions_of(const Kernel &, const Stage &);

/// The axes that the values of a kernel's expressions depend on, through computed indices too.
class AxisSets {
public:
  explicit AxisSets(const Kernel &kernel) : kernel_(kernel) {}
  const std::set<int> &of(ExprId);
  std::set<int> of(const Index &);

private:
  const Kernel &kernel_;
  std::map<ExprId, std::set<int>> known_;
};

/// Text as loops, one stage a line; parse(print(k)) is k.
std::string print(const Kernel &);
Kernel parse_kernel(std::string_view text);
/// Any number of kernels, each starting at the beginning of a line; comments between them.
std::vector<Kernel> parse_kernels(std::string_view text);
/// One line of index notation for an expression, for dumps and messages.
std::string print_expr(const Kernel &, ExprId);

} // namespace gradc
