// Text -> kernel. What parses is well formed: every name is known, every access has the rank of what it reads, and the
// operands of a scalar op agree.
#include "ir/error.h"
#include "ir/text/kernel_text.h"
#include "ir/text/lexer.h"
#include "ir/suggest.h"

#include <algorithm>

namespace gradc {
namespace {

// Expressions are walked by recursion; deeper ones than this are refused.
constexpr int kMaxDepth = 1000;

class KernelParser {
public:
  explicit KernelParser(std::string_view text) : lex_(text, Lexer::Lines::free) {}

  Kernel run() {
    if (!lex_.accept_word("kernel"))
      lex_.fail_expected("'kernel'");
    kernel_.name = lex_.word("the name of the kernel");
    lex_.expect("{");
    if (lex_.accept_word("axes"))
      while (lex_.at_identifier() && !lex_.peek("params"))
        axis();
    if (lex_.accept_word("params"))
      params();
    while (!lex_.accept("}"))
      statement();
    if (!lex_.at_end())
      lex_.fail_expected("the end of the text");
    return std::move(kernel_);
  }

private:
  std::string new_name(std::string_view what) {
    size_t begin = lex_.offset();
    std::string name(lex_.identifier(what));
    constexpr std::string_view words[] = {"axes", "params", "out",   "pad", "index", "true",
                                          "false", "sum",   "max", "argmax", "inf", "nan"};
    if (std::find(std::begin(words), std::end(words), name) != std::end(words) || parse_scalar_op(name) ||
        parse_dtype(name))
      lex_.fail("'" + name + "' has a meaning of its own and cannot be a name", begin);
    return name;
  }

  template <typename Named> static int find(const std::vector<Named> &list, std::string_view name) {
    auto it = std::find_if(list.begin(), list.end(), [&](const Named &n) { return n.name == name; });
    return it == list.end() ? -1 : static_cast<int>(it - list.begin());
  }

  template <typename Named>
  int known(const std::vector<Named> &list, std::string_view name, std::string_view what, size_t begin) {
    if (int found = find(list, name); found >= 0)
      return found;
    std::vector<std::string_view> names;
    for (const Named &n : list)
      names.push_back(n.name);
    lex_.fail("unknown " + std::string(what) + " '" + std::string(name) + "'" + did_you_mean(name, names), begin);
  }

  void axis() {
    size_t begin = lex_.offset();
    std::string name = new_name("an axis");
    if (find(kernel_.axes, name) >= 0)
      lex_.fail("axis '" + name + "' is named twice", begin);
    lex_.expect(":");
    begin = lex_.offset();
    int64_t extent = lex_.integer("the extent of the axis");
    if (extent < 0 || extent > kMaxDim)
      lex_.fail("an extent lies between 0 and " + std::to_string(kMaxDim), begin);
    kernel_.axes.push_back({name, extent});
  }

  // A parameter is a name and ':'; the first statement is a name and '[' or '('.
  void params() {
    while (lex_.at_identifier()) {
      Lexer before = lex_;
      size_t begin = lex_.offset();
      std::string name = new_name("a parameter");
      if (!lex_.accept(":")) {
        lex_ = before;
        return;
      }
      if (find(kernel_.params, name) >= 0)
        lex_.fail("parameter '" + name + "' is named twice", begin);
      Type type = lex_.type();
      kernel_.params.push_back({name, type, lex_.accept_word("out")});
    }
  }

  void statement() {
    if (lex_.peek("$"))
      return named_expression();
    size_t begin = lex_.offset();
    std::string name = new_name("a stage or '}'");
    Stage stage;
    if (lex_.accept("[")) {
      stage.store = known(kernel_.params, name, "parameter", begin);
      const Param &param = kernel_.params[static_cast<size_t>(stage.store)];
      if (!param.written)
        lex_.fail("parameter '" + name + "' is written but not marked 'out'", begin);
      stage.store_index = indices("]", param.type.rank(), begin);
      lex_.checked(begin, [&] { check_position(kernel_, param.type.shape, stage.store_index); });
      stage.accumulate = lex_.accept("+=");
      if (!stage.accumulate)
        lex_.expect("=");
      begin = lex_.offset();
      name = new_name("a stage");
      lex_.expect("(");
    } else {
      lex_.expect("(");
    }
    if (find(kernel_.stages, name) >= 0)
      lex_.fail("stage '" + name + "' is defined twice", begin);
    stage.name = name;
    stage.axes = axis_list(")");
    stage_body(std::move(stage));
  }

  void stage_body(Stage stage) {
    const size_t begin = lex_.offset();
    std::optional<DType> written;
    if (lex_.accept(":"))
      written = dtype();
    lex_.expect("=");
    for (Combiner c : {Combiner::sum, Combiner::max, Combiner::argmax})
      if (lex_.accept_word(to_string(c))) {
        stage.combiner = c;
        stage.reduce = axis_list(":");
        break;
      }
    lex_.checked(begin, [&] { check_points(kernel_, stage); });
    stage.body = expression();
    stage.dtype = written.value_or(kernel_.expr(stage.body).dtype);
    kernel_.stages.push_back(std::move(stage));
  }

  void named_expression() {
    lex_.expect("$");
    size_t begin = lex_.offset();
    if (lex_.integer("a number") != static_cast<int64_t>(named_.size()))
      lex_.fail("expected $" + std::to_string(named_.size()) + ": named expressions are numbered in order", begin);
    lex_.expect("=");
    named_.push_back(expression());
  }

  std::vector<int> axis_list(std::string_view end) {
    std::vector<int> axes;
    if (lex_.accept(end))
      return axes;
    do {
      size_t begin = lex_.offset();
      axes.push_back(known(kernel_.axes, lex_.identifier("an axis"), "axis", begin));
      if (std::count(axes.begin(), axes.end(), axes.back()) > 1)
        lex_.fail("the axis is named twice", begin);
    } while (lex_.accept(","));
    lex_.expect(end);
    return axes;
  }

  DType dtype() {
    size_t begin = lex_.offset();
    std::string_view name = lex_.identifier("a dtype");
    std::optional<DType> dtype = parse_dtype(name);
    if (!dtype)
      lex_.fail("unknown dtype '" + std::string(name) + "'; expected f32, f64, i32, i64 or bool", begin);
    return *dtype;
  }

  // Indices:

  Index indices(std::string_view end, size_t rank, size_t begin) {
    Index result;
    if (!lex_.accept(end)) {
      do
        result.push_back(index());
      while (lex_.accept(","));
      lex_.expect(end);
    }
    if (result.size() != rank)
      lex_.fail("expected " + std::to_string(rank) + (rank == 1 ? " index" : " indices") + ", got " +
                    std::to_string(result.size()),
                begin);
    return result;
  }

  // [-] term {(+ | -) term}
  IndexExpr index() {
    IndexExpr sum;
    const size_t begin = lex_.offset();
    bool negative = lex_.accept("-");
    for (;;) {
      const IndexExpr term = index_term();
      sum = lex_.checked(begin, [&] { return sum + term * (negative ? -1 : 1); });
      negative = lex_.accept("-");
      if (!negative && !lex_.accept("+"))
        return sum;
    }
  }

  // integer [* variable] | variable
  IndexExpr index_term() {
    if (!lex_.at_number())
      return index_variable();
    const size_t begin = lex_.offset();
    int64_t factor = lex_.integer("an integer");
    if (!lex_.accept("*"))
      return IndexExpr::constant(factor);
    const IndexExpr variable = index_variable();
    return lex_.checked(begin, [&] { return variable * factor; });
  }

  // axis | ( expression )
  IndexExpr index_variable() {
    size_t begin = lex_.offset();
    if (!lex_.accept("("))
      return IndexExpr::axis(known(kernel_.axes, lex_.identifier("an axis, an integer or '('"), "axis", begin));
    ExprId id = expression();
    if (!is_integer(kernel_.expr(id).dtype))
      lex_.fail("an index must be an integer, got " + std::string(to_string(kernel_.expr(id).dtype)), begin);
    lex_.expect(")");
    return IndexExpr::computed(id);
  }

  // Expressions:

  ExprId expression(Precedence loosest = Precedence::comparison) {
    if (loosest == Precedence::atom)
      return atom();
    auto tighter = static_cast<Precedence>(static_cast<int>(loosest) + 1);
    ExprId left = expression(tighter);
    for (;;) {
      size_t begin = lex_.offset();
      std::optional<ScalarOp> op = infix(loosest);
      if (!op)
        return left;
      left = operation(*op, {left, expression(tighter)}, std::nullopt, begin);
      if (loosest == Precedence::comparison)
        return left;
    }
  }

  std::optional<ScalarOp> infix(Precedence precedence) {
    for (size_t length : {2, 1}) // "<=" is not "<"
      for (int i = 0; i < kScalarOpCount; ++i) {
        const auto op = static_cast<ScalarOp>(i);
        const std::string_view symbol = row_of(op).symbol;
        if (symbol.size() == length && precedence_of(op) == precedence && lex_.accept(symbol))
          return op;
      }
    return std::nullopt;
  }

  ExprId atom() {
    size_t begin = lex_.offset();
    if (++nesting_ > kMaxDepth)
      lex_.fail("the expression is nested too deeply", begin);
    ExprId id = nested_atom(begin);
    --nesting_;
    return id;
  }

  ExprId nested_atom(size_t begin) {
    if (lex_.accept("(")) {
      ExprId id = expression();
      lex_.expect(")");
      return id;
    }
    if (lex_.accept("$"))
      return named(begin);
    if (lex_.at_number())
      return literal();
    for (bool value : {false, true})
      if (lex_.accept_word(value ? "true" : "false"))
        return make({.kind = Expr::Kind::literal, .dtype = DType::boolean, .integer = value}, begin);
    std::string_view name = lex_.identifier("an expression");
    if (lex_.accept("["))
      return load(name, begin);
    if (name == "index")
      return index_value(begin);
    std::optional<ScalarOp> op = parse_scalar_op(name);
    std::optional<DType> cast = parse_dtype(name);
    if (op && op != ScalarOp::cast)
      return call(*op, lex_.accept(":") ? std::optional(dtype()) : std::nullopt, begin);
    if (cast)
      return call(ScalarOp::cast, cast, begin);
    if (lex_.accept("("))
      return stage_value(name, begin);
    Expr axis{.kind = Expr::Kind::index, .dtype = DType::i64};
    axis.index = {IndexExpr::axis(known(kernel_.axes, name, "axis", begin))};
    return make(std::move(axis), begin);
  }

  ExprId named(size_t begin) {
    int64_t number = lex_.integer("a number");
    if (number < 0 || number >= static_cast<int64_t>(named_.size()))
      lex_.fail("$" + std::to_string(number) + " is not defined here", begin);
    return named_[static_cast<size_t>(number)];
  }

  ExprId literal() {
    size_t begin = lex_.offset();
    const Number number = lex_.integer_or_number("a number");
    lex_.expect(":");
    const DType type = dtype();
    if (type == DType::boolean)
      lex_.fail("a bool is written true or false", begin);
    return make(lex_.checked(begin, [&] { return Expr::literal(number, type); }), begin);
  }

  ExprId load(std::string_view name, size_t begin) {
    const int target = known(kernel_.params, name, "parameter", begin);
    const Type &type = kernel_.params[static_cast<size_t>(target)].type;
    Index index = indices("]", type.rank(), begin);
    lex_.checked(begin, [&] { check_position(kernel_, type.shape, index); });
    const bool padded = lex_.accept_word("pad");
    const size_t at = lex_.offset();
    const Number pad = padded ? lex_.integer_or_number("the padding value") : 0.0;
    Expr e = lex_.checked(at, [&] { return Expr::literal(pad, type.dtype); });
    e.kind = Expr::Kind::load;
    e.padded = padded;
    e.target = target;
    e.index = std::move(index);
    return make(std::move(e), begin);
  }

  ExprId stage_value(std::string_view name, size_t begin) {
    Expr e{.kind = Expr::Kind::stage, .target = known(kernel_.stages, name, "stage or function", begin)};
    const Stage &stage = kernel_.stages[static_cast<size_t>(e.target)];
    e.dtype = stage.dtype;
    e.index = indices(")", stage.axes.size(), begin);
    return make(std::move(e), begin);
  }

  ExprId index_value(size_t begin) {
    lex_.expect("(");
    Expr e{.kind = Expr::Kind::index, .dtype = DType::i64};
    e.index = indices(")", 1, begin);
    return make(std::move(e), begin);
  }

  ExprId call(ScalarOp op, std::optional<DType> result, size_t begin) {
    std::vector<ExprId> args;
    lex_.expect("(");
    do
      args.push_back(expression());
    while (lex_.accept(","));
    lex_.expect(")");
    return operation(op, std::move(args), result, begin);
  }

  ExprId operation(ScalarOp op, std::vector<ExprId> args, std::optional<DType> result, size_t begin) {
    if (const size_t arity = row_of(op).arity; args.size() != arity)
      lex_.fail(std::string(to_string(op)) + " takes " + std::to_string(arity) + " arguments, got " + std::to_string(args.size()), begin);
    std::vector<DType> dtypes;
    for (ExprId arg : args)
      dtypes.push_back(kernel_.expr(arg).dtype);
    if (op == ScalarOp::select && dtypes[0] != DType::boolean)
      lex_.fail("the condition of select must be a bool, got " + std::string(to_string(dtypes[0])), begin);
    for (size_t i = op == ScalarOp::select ? 2 : 1; i < dtypes.size(); ++i)
      if (dtypes[i] != dtypes[i - 1])
        lex_.fail("the operands of " + std::string(to_string(op)) + " must have one dtype, got " +
                      std::string(to_string(dtypes[i - 1])) + " and " + std::string(to_string(dtypes[i])),
                  begin);
    Expr e{.kind = Expr::Kind::op, .dtype = result.value_or(result_dtype(op, dtypes)), .op = op};
    e.args = std::move(args);
    return make(std::move(e), begin);
  }

  ExprId make(Expr e, size_t begin) {
    int depth = 1;
    auto below = [&](ExprId id) { depth = std::max(depth, 1 + depth_[static_cast<size_t>(id)]); };
    for (ExprId arg : e.args)
      below(arg);
    for (const IndexExpr &index : e.index)
      for (const IndexTerm &term : index.terms)
        if (!term.is_axis)
          below(term.id);
    if (depth > kMaxDepth)
      lex_.fail("the expression is nested too deeply", begin);
    ExprId id = kernel_.intern(std::move(e));
    depth_.resize(kernel_.exprs.size(), depth);
    return id;
  }

  Lexer lex_;
  Kernel kernel_;
  std::vector<ExprId> named_; // $0, $1, ...
  std::vector<int> depth_;    // one an expression
  int nesting_ = 0;
};

} // namespace

Kernel parse_kernel(std::string_view text) { return KernelParser(text).run(); }

} // namespace gradc
