// Kernel -> text. An expression that is used more than once and is not small is written once, as $0, $1, ...; the order
// of everything follows from what the kernel says, never from how its expressions happen to be numbered.
#include "ir/error.h"
#include "ir/text/kernel_text.h"
#include "ir/text/lexer.h"

#include <algorithm>
#include <bit>
#include <compare>

namespace gradc {

Precedence precedence_of(ScalarOp op) {
  const std::string_view symbol = row_of(op).symbol;
  if (symbol.empty())
    return Precedence::atom;
  if (symbol == "+" || symbol == "-")
    return Precedence::sum;
  return symbol == "*" || symbol == "/" ? Precedence::product : Precedence::comparison;
}

DType result_dtype(ScalarOp op, const std::vector<DType> &args) {
  switch (row_of(op).result) {
  case ScalarResult::operand: return args.back();
  case ScalarResult::boolean: return DType::boolean;
  case ScalarResult::i32: return DType::i32;
  }
  throw InternalFault("unknown result of a scalar op");
}

namespace {

constexpr int kSmall = 4; // an expression of so many parts is repeated rather than named

class KernelPrinter {
public:
  explicit KernelPrinter(const Kernel &kernel)
      : kernel_(kernel), uses_(kernel.exprs.size(), 0), size_(kernel.exprs.size(), 0),
        name_(kernel.exprs.size(), -1) {}

  std::string run() {
    for (const Stage &stage : kernel_.stages) {
      count(stage.body);
      for (const IndexExpr &index : stage.store_index)
        for (ExprId id : computed(index))
          count(id);
    }
    text_ = "kernel " + word_text(kernel_.name) + " {\n" + header();
    for (const Stage &stage : kernel_.stages) {
      name_shared(stage.body);
      for (const IndexExpr &index : stage.store_index)
        for (ExprId id : computed(index))
          name_shared(id);
      std::string line = stage_text(stage);
      for (const std::string &named : named_)
        text_ += "  " + named + "\n";
      named_.clear();
      text_ += "  " + line + "\n";
    }
    return text_ + "}\n";
  }

  std::string run(ExprId id) {
    count(id);
    name_shared(id);
    std::string text = expr(id);
    for (size_t i = 0; i < named_.size(); ++i)
      text += (i ? "; " : " where ") + named_[i];
    return text;
  }

private:

  std::string expr(ExprId id, Precedence around = Precedence::comparison) {
    const Expr &e = kernel_.expr(id);
    if (name_[idx(id)] >= 0)
      return "$" + std::to_string(name_[idx(id)]);
    switch (e.kind) {
    case Expr::Kind::literal: return literal(e);
    case Expr::Kind::index: {
      int axis = e.index.at(0).plain_axis();
      return axis >= 0 ? axis_name(axis) : "index(" + index_text(e.index[0]) + ")";
    }
    case Expr::Kind::load:
      return kernel_.params.at(idx(e.target)).name + "[" + indices(e.index) + "]" +
             (e.padded ? " pad " + number(e) : "");
    case Expr::Kind::stage: return kernel_.stages.at(idx(e.target)).name + "(" + indices(e.index) + ")";
    case Expr::Kind::op: return operation(e, around);
    }
    throw InternalFault("print: unknown expression");
  }

  static size_t idx(int id) { return static_cast<size_t>(id); }
  const std::string &axis_name(int axis) const { return kernel_.axes.at(idx(axis)).name; }

  // Which expressions get a name:

  std::vector<ExprId> computed(const IndexExpr &index) const {
    std::vector<ExprId> ids;
    for (const IndexTerm &term : sorted_terms(index))
      if (!term.is_axis)
        ids.push_back(term.id);
    return ids;
  }

  std::vector<ExprId> children(ExprId id) const {
    std::vector<ExprId> ids = kernel_.expr(id).args;
    for (const IndexExpr &index : kernel_.expr(id).index)
      for (ExprId c : computed(index))
        ids.push_back(c);
    return ids;
  }

  bool is_shared(ExprId id) const { return uses_[idx(id)] > 1 && size_[idx(id)] > kSmall; }

  // Visits what lies below on the first use only, so that the cost is that of the expressions, not of their trees.
  void count(ExprId id) {
    if (uses_[idx(id)]++ > 0)
      return;
    for (ExprId child : children(id))
      count(child);
    int size = 1;
    for (ExprId child : children(id))
      size = std::min(size + size_[idx(child)], kSmall + 1);
    size_[idx(id)] = size;
  }

  void name_shared(ExprId id) {
    if (name_[idx(id)] >= 0 || size_[idx(id)] <= kSmall)
      return;
    for (ExprId child : children(id))
      name_shared(child);
    if (!is_shared(id))
      return;
    std::string body = expr(id);
    name_[idx(id)] = names_++;
    named_.push_back("$" + std::to_string(name_[idx(id)]) + " = " + body);
  }

  // An order that does not depend on the numbers of expressions:

  std::vector<IndexTerm> sorted_terms(const IndexExpr &index) const {
    std::vector<IndexTerm> terms = index.terms;
    std::sort(terms.begin(), terms.end(), [&](const IndexTerm &a, const IndexTerm &b) {
      return compare(a, b) == std::strong_ordering::less;
    });
    return terms;
  }

  std::strong_ordering compare(const IndexTerm &a, const IndexTerm &b) const {
    if (a.is_axis != b.is_axis)
      return b.is_axis <=> a.is_axis; // axes first
    std::strong_ordering order = a.is_axis ? a.id <=> b.id : compare(a.id, b.id);
    return order != 0 ? order : a.coefficient <=> b.coefficient;
  }

  // Equal expressions are one expression, so the first difference is found without visiting what is equal.
  std::strong_ordering compare(ExprId a, ExprId b) const {
    if (a == b)
      return std::strong_ordering::equal;
    const Expr &x = kernel_.expr(a), &y = kernel_.expr(b);
    auto own = [](const Expr &e) {
      return std::tuple(e.kind, e.dtype, e.op, e.padded, e.target, std::bit_cast<int64_t>(e.number), e.integer,
                        e.args.size(), e.index.size());
    };
    if (auto order = own(x) <=> own(y); order != 0)
      return order;
    for (size_t i = 0; i < x.args.size(); ++i)
      if (auto order = compare(x.args[i], y.args[i]); order != 0)
        return order;
    for (size_t i = 0; i < x.index.size(); ++i)
      if (auto order = compare(x.index[i], y.index[i]); order != 0)
        return order;
    return std::strong_ordering::equal;
  }

  std::strong_ordering compare(const IndexExpr &a, const IndexExpr &b) const {
    if (auto order = std::pair(a.offset, a.terms.size()) <=> std::pair(b.offset, b.terms.size()); order != 0)
      return order;
    std::vector<IndexTerm> x = sorted_terms(a), y = sorted_terms(b);
    for (size_t i = 0; i < x.size(); ++i)
      if (auto order = compare(x[i], y[i]); order != 0)
        return order;
    return std::strong_ordering::equal;
  }

  // Text:

  std::string header() const {
    std::string axes, params;
    for (const Axis &a : kernel_.axes)
      axes += " " + a.name + ":" + std::to_string(a.extent);
    for (const Param &p : kernel_.params)
      params += " " + p.name + ":" + to_string(p.type) + (p.written ? " out" : "");
    return (axes.empty() ? "" : "  axes" + axes + "\n") + (params.empty() ? "" : "  params" + params + "\n");
  }

  std::string axis_list(const std::vector<int> &axes) const {
    std::string text;
    for (int axis : axes)
      text += (text.empty() ? "" : ",") + axis_name(axis);
    return text;
  }

  std::string stage_text(const Stage &stage) {
    std::string text;
    if (stage.store >= 0)
      text = kernel_.params.at(idx(stage.store)).name + "[" + indices(stage.store_index) + "]" +
             (stage.accumulate ? " += " : " = ");
    text += stage.name + "(" + axis_list(stage.axes) + ")";
    if (stage.dtype != kernel_.expr(stage.body).dtype)
      text += " : " + std::string(to_string(stage.dtype));
    text += " = ";
    if (stage.combiner != Combiner::none)
      text += std::string(to_string(stage.combiner)) + (stage.reduce.empty() ? "" : " ") + axis_list(stage.reduce) + ": ";
    return text + expr(stage.body);
  }

  std::string indices(const Index &index) {
    std::string text;
    for (size_t d = 0; d < index.size(); ++d)
      text += (d ? "," : "") + index_text(index[d]);
    return text;
  }

  std::string index_text(const IndexExpr &index) {
    std::string text;
    for (const IndexTerm &term : sorted_terms(index)) {
      std::string variable = term.is_axis ? axis_name(term.id) : "(" + expr(term.id) + ")";
      int64_t c = term.coefficient;
      text += c < 0 ? "-" : text.empty() ? "" : "+";
      text += (c == 1 || c == -1 ? "" : std::to_string(c).substr(c < 0 ? 1 : 0) + "*") + variable;
    }
    if (text.empty() || index.offset != 0)
      text += (text.empty() || index.offset < 0 ? "" : "+") + std::to_string(index.offset);
    return text;
  }

  static std::string literal(const Expr &e) {
    if (e.dtype == DType::boolean)
      return e.integer ? "true" : "false";
    return number(e) + ":" + std::string(to_string(e.dtype));
  }

  static std::string number(const Expr &e) {
    return is_float(e.dtype) ? number_text(e.number) : std::to_string(e.integer);
  }

  std::string operation(const Expr &e, Precedence around) {
    std::vector<DType> dtypes;
    for (ExprId arg : e.args)
      dtypes.push_back(kernel_.expr(arg).dtype);
    bool plain = result_dtype(e.op, dtypes) == e.dtype;
    std::string_view symbol = row_of(e.op).symbol;
    if (plain && !symbol.empty() && e.args.size() == 2) {
      Precedence own = precedence_of(e.op), above = static_cast<Precedence>(static_cast<int>(own) + 1);
      Precedence left = own == Precedence::comparison ? above : own;
      std::string text = expr(e.args[0], left) + " " + std::string(symbol) + " " + expr(e.args[1], above);
      return own < around ? "(" + text + ")" : text;
    }
    std::string text(e.op == ScalarOp::cast ? to_string(e.dtype) : to_string(e.op));
    if (!plain && e.op != ScalarOp::cast)
      text += ":" + std::string(to_string(e.dtype));
    text += "(";
    for (size_t i = 0; i < e.args.size(); ++i)
      text += (i ? ", " : "") + expr(e.args[i]);
    return text + ")";
  }

  const Kernel &kernel_;
  std::vector<int> uses_, size_, name_; // one an expression; name_ is n of $n, or -1
  int names_ = 0;
  std::vector<std::string> named_; // the lines "$n = ..." the next stage needs
  std::string text_;
};

} // namespace

std::string print(const Kernel &kernel) { return KernelPrinter(kernel).run(); }
std::string print_expr(const Kernel &kernel, ExprId id) { return KernelPrinter(kernel).run(id); }

} // namespace gradc
