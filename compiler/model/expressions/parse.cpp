// From tokens to the tree. Precedence, from loose to tight: comparisons, which do not chain; + and -; * and /; the sign; ^,
// which groups from the right and takes a sign on its right, as in Python.
#include "compiler/model/expressions/tokens.h"
#include "compiler/model/json/characters.h"
#include "compiler/model/linking/hints.h"
#include "compiler/model/linking/resolve.h"

#include <algorithm>
#include <charconv>
#include <fmt/format.h>
#include <map>

namespace gradc {
namespace {

struct Operator {
  std::string_view symbol, function;
  int binds;
};
constexpr int kComparison = 1, kProduct = 3;
constexpr Operator kOperators[] = {
    {"<", "lt", kComparison}, {"<=", "le", kComparison}, {">", "gt", kComparison}, {">=", "ge", kComparison},
    {"==", "eq", kComparison}, {"!=", "ne", kComparison}, {"+", "add", 2}, {"-", "sub", 2},
    {"*", "mul", kProduct}, {"/", "div", kProduct}};

/// What other languages write, and what it is here.
std::string_view here_written(std::string_view other) {
  constexpr std::pair<std::string_view, std::string_view> kOthers[] = {
      {"=", "; equality is written =="},       {"&", "; write logical_and(x, y)"}, {"and", "; write logical_and(x, y)"},
      {"|", "; write logical_or(x, y)"},       {"or", "; write logical_or(x, y)"}, {"!", "; write logical_not(x)"},
      {"@", "; write matmul(x, y)"},           {"?", "; write select(x > 0, y, z)"},    {"if", "; write select(x > 0, y, z)"}};
  for (const auto &[symbol, hint] : kOthers)
    if (symbol == other)
      return hint;
  return {};
}

class Parser {
public:
  explicit Parser(std::string_view text) : tokens_(tokens_of(text)), length_(text.size()) {
    of_keys_.add_source("", std::string(text));
  }

  Expression parse() {
    expression(kComparison);
    if (next().kind != Token::Kind::end)
      fail_expected("an operator or the end");
    if (result_.names.empty())
      throw ExpressionError("it names no input or layer, so it would be the same for every example", 0, length_);
    return std::move(result_);
  }

private:
  const Token &next() const { return tokens_[at_]; }
  bool accept(std::string_view symbol) {
    const bool here = next().is(symbol);
    at_ += here;
    return here;
  }
  void expect(std::string_view symbol, std::string_view what) {
    if (!accept(symbol))
      fail_expected(what);
  }

  [[noreturn]] void fail(const Token &token, const std::string &message) const {
    throw ExpressionError(message, token.begin, token.end());
  }
  [[noreturn]] void fail_expected(std::string_view what) const {
    const Token &token = next();
    const std::string got = token.kind == Token::Kind::end ? "the end" : "'" + shortened(token.text, 40) + "'";
    fail(token, fmt::format("expected {}, got {}{}", what, got, here_written(token.text)));
  }

  /// Positions of nodes are what the grammar's methods return.
  size_t add(const Token &at, Expression::Node node) {
    if (result_.nodes.size() == kMaxExpressionParts)
      fail(at, fmt::format("more than {} numbers, names and operations", kMaxExpressionParts));
    node.begin = at.begin, node.end = at.end();
    result_.nodes.push_back(std::move(node));
    return result_.nodes.size() - 1;
  }
  size_t add_operation(const Token &at, std::string_view function, std::vector<size_t> operands) {
    return add(at, {0, 0, find_function(function), {}, 0, std::move(operands), {}});
  }

  /// Operators that bind at least as tight as `least`.
  size_t expression(int least) {
    size_t left = sign();
    for (;;) {
      const Token &token = next();
      const auto op = std::ranges::find_if(kOperators, [&](const Operator &o) { return token.is(o.symbol); });
      if (op == std::end(kOperators) || op->binds < least)
        return left;
      ++at_;
      const size_t right = op->binds == kProduct ? sign() : expression(op->binds + 1);
      left = add_operation(token, op->function, {left, right});
      if (op->binds == kComparison && at_comparison())
        fail(next(), "comparisons do not chain; write logical_and(x < y, y < z)");
    }
  }

  bool at_comparison() const {
    return std::ranges::any_of(kOperators, [&](const Operator &o) { return o.binds == kComparison && next().is(o.symbol); });
  }

  size_t sign() {
    const Depth depth(*this);
    const Token &token = next();
    if (!accept("-"))
      return power();
    const size_t operand = sign();
    Expression::Node &node = result_.nodes[operand];
    if (node.function || node.name)
      return add_operation(token, "neg", {operand});
    node.number = -node.number;
    node.begin = token.begin;
    return operand;
  }

  size_t power() {
    const size_t base = primary();
    const Token &token = next();
    if (!accept("^") && !accept("**"))
      return base;
    const size_t exponent = sign();
    return add_operation(token, "pow", {base, exponent});
  }

  size_t primary() {
    const Token &token = next();
    if (token.kind == Token::Kind::number) {
      ++at_;
      return add(token, {0, 0, nullptr, {}, token.number, {}, {}});
    }
    if (token.kind == Token::Kind::name) {
      ++at_;
      return accept("(") ? call(token) : name(token);
    }
    if (!accept("("))
      fail_expected("a number, a name or (");
    const size_t inside = expression(kComparison);
    expect(")", "an operator or )");
    return inside;
  }

  size_t name(const Token &token) {
    const auto [found, fresh] = numbers_.emplace(token.text, result_.names.size());
    if (fresh)
      result_.names.push_back({std::string(token.text), token.begin, token.end()});
    return add(token, {0, 0, nullptr, found->second, 0, {}, {}});
  }

  /// Behind the opening parenthesis.
  size_t call(const Token &token) {
    const ExpressionFunction *function = find_function(token.text);
    if (!function)
      fail(token, fmt::format("unknown function '{}'{}", shortened(token.text, 64),
                              hint_for_choice(token.text, function_names()).text));
    std::vector<size_t> operands;
    JsonValue keys = JsonValue::object({0, token.begin, token.end()});
    do {
      if (next().kind == Token::Kind::name && tokens_[at_ + 1].is("="))
        key(keys);
      else if (keys.members.empty())
        operands.push_back(expression(kComparison));
      else
        fail_expected("a key, as the operands come before the keys");
    } while (accept(","));
    expect(")", "an operator, a comma or )");
    if (operands.size() != function->operands)
      fail(token, fmt::format("{} takes {} operand{}, got {}: {}", function->spec.name, function->operands,
                              function->operands == 1 ? "" : "s", operands.size(), function->spec.doc));
    return add(token, {0, 0, function, {}, 0, std::move(operands), complete(keys, *function)});
  }

  static std::vector<std::string_view> function_names() {
    std::vector<std::string_view> names;
    for (const ExpressionFunction &function : expression_functions())
      names.push_back(function.spec.name);
    return names;
  }

  void key(JsonValue &keys) {
    const Token name = next();
    at_ += 2;
    if (keys.find(name.text))
      fail(name, fmt::format("duplicate key '{}'", name.text));
    keys.members.push_back({std::string(name.text), {0, name.begin, name.end()}, value()});
  }

  /// A number, a truth value or a list of numbers.
  JsonValue value() {
    const Token &token = next();
    if (!accept("["))
      return scalar();
    JsonValue list = JsonValue::array({0, token.begin, token.end()});
    do
      list.items.push_back(scalar());
    while (accept(","));
    list.span.end = next().end();
    expect("]", "a comma or ]");
    return list;
  }

  JsonValue scalar() {
    const size_t begin = next().begin;
    const bool negative = accept("-");
    const Token &token = next();
    const Span span{0, begin, token.end()};
    const bool truth = token.kind == Token::Kind::name && !negative && (token.text == "true" || token.text == "false");
    if (token.kind != Token::Kind::number && !truth)
      fail_expected("a number, true, false or [");
    ++at_;
    if (truth)
      return JsonValue::of(token.text == "true", span);
    int64_t integer = 0;
    const char *end = token.text.data() + token.text.size();
    const bool whole = std::from_chars(token.text.data(), end, integer).ptr == end;
    if (whole)
      return JsonValue::of(negative ? -integer : integer, span);
    return JsonValue::of(negative ? -token.number : token.number, span);
  }

  /// The keys with their defaults, checked as those of the file are.
  JsonValue complete(const JsonValue &keys, const ExpressionFunction &function) {
    JsonValue result = resolve(keys, function.spec, std::string(function.spec.name), DType::f32, of_keys_);
    for (const Diagnostic &error : of_keys_.errors())
      throw ExpressionError(error.message, error.span->begin, error.span->end);
    return result;
  }

  struct Depth {
    explicit Depth(Parser &parser) : parser(parser) {
      if (++parser.depth_ > kMaxExpressionDepth)
        parser.fail(parser.next(), fmt::format("nested deeper than {} levels", kMaxExpressionDepth));
    }
    ~Depth() { --parser.depth_; }
    Parser &parser;
  };

  const std::vector<Token> tokens_;
  const size_t length_; // of the text
  Diagnostics of_keys_;
  size_t at_ = 0, depth_ = 0;
  std::map<std::string_view, size_t> numbers_; // of the names
  Expression result_;
};

} // namespace

Expression parse_expression(std::string_view text) { return Parser(text).parse(); }

} // namespace gradc
