// Text -> graph. Every node goes through Graph::add, so a graph that parses is typed and its attributes are complete.
#include "ir/error.h"
#include "ir/text/lexer.h"
#include "ir/op.h"
#include "ir/suggest.h"

#include <algorithm>
#include <limits>
#include <tuple>
#include <unordered_map>

namespace gradc {
namespace {

class GraphParser {
public:
  explicit GraphParser(std::string_view text) : lex_(text, Lexer::Lines::significant) {}

  Graph run() {
    lex_.skip_lines();
    if (!lex_.accept_word("graph"))
      lex_.fail_expected("'graph'");
    if (lex_.accept("@"))
      graph_.name = lex_.word("the name of the graph");
    lex_.expect("{");
    for (lex_.skip_lines(); !lex_.accept("}"); lex_.skip_lines()) {
      statement(kNoKernel);
      lex_.end_line();
    }
    lex_.skip_lines();
    if (!lex_.at_end())
      lex_.fail_expected("the end of the text");
    if (planned_) {
      places_.resize(graph_.size());
      plan_.places = std::move(places_);
      graph_.plan = std::move(plan_);
    }
    return std::move(graph_);
  }

private:
  void statement(int kernel) {
    if (lex_.peek("%"))
      return node(kernel);
    size_t begin = lex_.offset();
    if (!lex_.at_identifier())
      lex_.fail_expected("a statement or '}'");
    std::string_view word = lex_.identifier("a statement");
    if (kernel != kNoKernel)
      lex_.fail("only nodes such as '%0 = add %a, %b' may stand in a kernel, got '" + std::string(word) + "'", begin);
    for (const RoleInfo &info : roles())
      if (word == info.name)
        return declaration(info.role, begin);
    if (word == "kernel")
      return kernel_block();
    if (word == "return")
      return return_statement();
    if (word == "update")
      return update_statement();
    if (word == "gradient")
      return gradient_statement();
    if (word == "plan")
      return plan_statement(begin);
    std::vector<std::string_view> known = {"kernel", "return", "update", "gradient", "plan"};
    for (const RoleInfo &info : roles())
      known.push_back(info.name);
    lex_.fail("unknown statement '" + std::string(word) + "'" + did_you_mean(word, known), begin);
  }

  void kernel_block() {
    int number = kernel_number();
    lex_.expect("{");
    for (lex_.skip_lines(); !lex_.accept("}"); lex_.skip_lines()) {
      statement(number);
      lex_.end_line();
    }
  }

  int kernel_number() {
    size_t begin = lex_.offset();
    int64_t number = lex_.integer("the number of a kernel");
    if (number < 0 || number > std::numeric_limits<int>::max())
      lex_.fail("a kernel number lies between 0 and " + std::to_string(std::numeric_limits<int>::max()), begin);
    return static_cast<int>(number);
  }

  void plan_statement(size_t begin) {
    if (planned_ || graph_.size() > 0)
      lex_.fail("the plan comes once, before the first node", begin);
    planned_ = true;
    expect_word("workspace");
    plan_.arena_bytes = natural("bytes");
    expect_word("lower_bound");
    plan_.lower_bound = natural("bytes");
  }

  int64_t natural(std::string_view what) {
    size_t begin = lex_.offset();
    int64_t value = lex_.integer(what);
    if (value < 0)
      lex_.fail("expected " + std::string(what) + ", not a negative number", begin);
    return value;
  }

  void expect_word(std::string_view word) {
    if (!lex_.accept_word(word))
      lex_.fail_expected("'" + std::string(word) + "'");
  }

  void declaration(Role role, size_t begin) {
    std::string name = new_name();
    std::optional<BufferKind> kind;
    if (role == Role::buffer)
      kind = buffer_kind();
    lex_.expect(":");
    Type type = lex_.type();
    int64_t below = 0;
    std::optional<int64_t> ignored;
    if (role == Role::input && lex_.accept_word("below")) {
      size_t at = lex_.offset();
      below = lex_.integer("a bound of the values");
      if (below < 1 || !is_integer(type.dtype))
        lex_.fail("only integers have a bound, and it is positive", at);
      if (lex_.accept_word("or"))
        ignored = lex_.integer("a label besides");
    }
    std::optional<Domain> domain;
    if (lex_.accept_word("in"))
      domain = this->domain(role, type);
    Placement place = placement(type);
    std::string where = location();
    Value v = lex_.checked(begin, [&] {
      return kind ? graph_.declare_buffer(*kind, name, type, where) : graph_.declare(role, name, type, where);
    });
    graph_[v].below = below;
    graph_[v].ignored = ignored;
    graph_[v].domain = domain;
    define(name, v, place);
  }

  // [0, 1] rows 3 in [0.999, 1.001], behind "in".
  Domain domain(Role role, const Type &type) {
    const size_t begin = lex_.offset();
    Domain domain;
    std::tie(domain.least, domain.most) = interval();
    if (!may_have_domain(role, type))
      lex_.fail("only an input, a scalar or a buffer of floats has a domain", begin);
    if (!lex_.accept_word("rows"))
      return domain;
    const size_t at = lex_.offset();
    domain.row = lex_.integer("the elements of a row");
    if (domain.row < 1 || type.elements() % domain.row != 0)
      lex_.fail("the elements are no whole number of such rows", at);
    expect_word("in");
    std::tie(domain.sum_least, domain.sum_most) = interval();
    return domain;
  }

  std::pair<double, double> interval() {
    const size_t begin = lex_.offset();
    lex_.expect("[");
    const double least = lex_.number("the least number");
    lex_.expect(",");
    const double most = lex_.number("the largest number");
    lex_.expect("]");
    if (!(least <= most))
      lex_.fail("the interval is empty", begin);
    return {least, most};
  }

  // {lifetime="model", writer="fit"}, in any order.
  BufferKind buffer_kind() {
    const size_t begin = lex_.offset();
    const Attrs attrs = attributes();
    auto text = [&](const char *name, const char *values) {
      auto it = attrs.find(name);
      const std::string *value = it == attrs.end() ? nullptr : std::get_if<std::string>(&it->second);
      if (!value)
        lex_.fail(std::string("a buffer needs ") + name + "=" + values, begin);
      return *value;
    };
    constexpr const char *lifetimes = "\"model\", \"run\" or \"call\"", *writers = "\"fit\", \"data\" or \"update\"";
    const std::optional<Lifetime> lifetime = parse_lifetime(text("lifetime", lifetimes));
    const std::optional<Writer> writer = parse_writer(text("writer", writers));
    if (!lifetime)
      lex_.fail(std::string("the lifetime of a buffer is ") + lifetimes, begin);
    if (!writer)
      lex_.fail(std::string("the writer of a buffer is ") + writers, begin);
    if (attrs.size() != 2)
      lex_.fail("a buffer has the attributes 'lifetime' and 'writer' alone", begin);
    return {*lifetime, *writer};
  }

  void node(int kernel) {
    std::string name = new_name();
    lex_.expect("=");
    size_t begin = lex_.offset();
    std::string op_name(lex_.identifier("the name of an op"));
    const OpDef *op = known_op(op_name, begin);
    std::vector<Value> inputs;
    if (lex_.peek("%"))
      do
        inputs.push_back(value());
      while (lex_.accept(","));
    Attrs attrs = attributes();
    std::optional<Type> written;
    size_t type_begin = lex_.offset();
    if (lex_.accept(":")) {
      type_begin = lex_.offset();
      written = lex_.type();
    }
    Placement place = written ? placement(*written) : Placement{};
    std::string where = location();
    Value v = lex_.checked(begin, [&] {
      return graph_.add(*op, inputs, attrs, where, op->type_rule != TypeRule::derived ? written : std::nullopt);
    });
    if (written && *written != graph_.type(v))
      lex_.fail(op_name + ": the result is " + to_string(graph_.type(v)) + ", not " + to_string(*written), type_begin);
    graph_[v].kernel = kernel;
    define(name, v, place);
  }

  const OpDef *known_op(const std::string &name, size_t begin) {
    if (const OpDef *op = find_op(name))
      return op;
    std::vector<std::string_view> known;
    for (const OpDef *op : all_ops())
      known.push_back(op->name);
    lex_.fail("unknown op '" + name + "'" + did_you_mean(name, known), begin);
  }

  std::string new_name() {
    lex_.expect("%");
    size_t begin = lex_.offset();
    std::string name(lex_.name("a name"));
    if (values_.contains(name))
      lex_.fail("'%" + name + "' is defined twice", begin);
    return name;
  }

  void define(const std::string &name, Value v, const Placement &place) {
    values_[name] = v;
    places_.push_back(place);
  }

  Value value() {
    lex_.expect("%");
    size_t begin = lex_.offset();
    std::string name(lex_.name("a name"));
    if (auto it = values_.find(name); it != values_.end())
      return it->second;
    std::vector<std::string_view> known;
    for (const Node &node : graph_.nodes)
      if (node.is_declaration())
        known.push_back(node.name);
    lex_.fail("'%" + name + "' is not defined here" + did_you_mean(name, known), begin);
  }

  Attrs attributes() {
    Attrs attrs;
    if (!lex_.accept("{") || lex_.accept("}"))
      return attrs;
    do {
      size_t begin = lex_.offset();
      std::string name(lex_.identifier("the name of an attribute"));
      lex_.expect("=");
      if (!attrs.emplace(name, attribute()).second)
        lex_.fail("attribute '" + name + "' is given twice", begin);
    } while (lex_.accept(","));
    lex_.expect("}");
    return attrs;
  }

  AttrValue attribute() {
    if (lex_.accept("\""))
      return lex_.string();
    if (lex_.accept_word("true"))
      return true;
    if (lex_.accept_word("false"))
      return false;
    if (lex_.accept("["))
      return list();
    return std::visit([](auto number) { return AttrValue(number); }, lex_.integer_or_number("a value"));
  }

  // A list of integers, or of numbers as soon as one is not an integer.
  AttrValue list() {
    std::vector<int64_t> integers;
    std::vector<double> numbers;
    if (lex_.accept("]"))
      return integers;
    do {
      auto number = lex_.integer_or_number("a number");
      if (auto *i = std::get_if<int64_t>(&number))
        integers.push_back(*i);
      numbers.push_back(std::visit([](auto n) { return static_cast<double>(n); }, number));
    } while (lex_.accept(","));
    lex_.expect("]");
    if (integers.size() == numbers.size())
      return integers;
    return numbers;
  }

  Placement placement(const Type &type) {
    size_t begin = lex_.offset();
    if (!lex_.accept("["))
      return {};
    if (!planned_)
      lex_.fail("a place in memory needs a 'plan' line at the start of the graph", begin);
    Placement place{.space = space(), .bytes = type.bytes()};
    if (lex_.accept("+"))
      place.offset = natural("an offset");
    else
      place.index = natural("a position");
    if (lex_.at_number())
      place.bytes = natural("bytes");
    if (lex_.accept_word("live")) {
      place.first = kernel_number();
      lex_.expect("..");
      place.last = kernel_number();
    }
    place.in_place = lex_.accept_word("in_place");
    lex_.expect("]");
    return place;
  }

  Space space() {
    size_t begin = lex_.offset();
    std::string_view word = lex_.identifier("a space such as workspace");
    std::vector<std::string_view> known;
    for (const SpaceInfo &info : spaces()) {
      if (word == info.name)
        return info.space;
      known.push_back(info.name);
    }
    lex_.fail("unknown space '" + std::string(word) + "'" + did_you_mean(word, known), begin);
  }

  std::string location() { return lex_.accept("@") ? lex_.location() : ""; }

  // Each of these may list several, separated by commas.

  void return_statement() {
    do {
      Value v = value();
      std::string name = lex_.accept_word("as") ? lex_.word("the name of the result") : "";
      graph_.returns.push_back({std::move(name), v});
    } while (lex_.accept(","));
  }

  void update_statement() {
    do {
      Value target = value();
      lex_.expect("=");
      graph_.updates.push_back({target, value()});
    } while (lex_.accept(","));
  }

  void gradient_statement() {
    do {
      Value param = value();
      lex_.expect("=");
      graph_.gradients.push_back({param, value()});
    } while (lex_.accept(","));
  }

  Lexer lex_;
  Graph graph_;
  std::unordered_map<std::string, Value> values_;
  std::vector<Placement> places_;
  Plan plan_;
  bool planned_ = false;
};

} // namespace

Graph parse_graph(std::string_view text) { return GraphParser(text).run(); }

} // namespace gradc
