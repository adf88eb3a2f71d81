// Checks the structure of a graph; memory is checked in plan_verifier.cpp, and only where the structure holds.
#include "ir/verifier.h"

#include "ir/op.h"
#include "ir/plan_verifier.h"
#include "ir/text/text.h"

#include <algorithm>
#include <map>
#include <set>

namespace gradc {

static std::string joined(const std::vector<std::string> &lines) {
  std::string text;
  for (const std::string &line : lines)
    text += (text.empty() ? "" : "\n") + line;
  return text;
}

VerifyError::VerifyError(std::vector<std::string> problems)
    : std::runtime_error(joined(problems)), problems(std::move(problems)) {}

namespace {

class Verifier {
public:
  explicit Verifier(const Graph &graph) : graph_(graph), names_(value_names(graph)) {}

  std::vector<std::string> run() {
    if (!references_exist())
      return std::move(problems_); // nothing else can be asked of such a graph
    check_names();
    for (Value v = 0; v < graph_.size(); ++v)
      if (graph_[v].is_declaration())
        check_declaration(v);
      else
        check_result(v);
    check_updates();
    check_gradients();
    check_kernels();
    if (graph_.plan && problems_.empty())
      problems_ = plan_problems(graph_);
    return std::move(problems_);
  }

private:
  void problem(std::string text) { problems_.push_back(std::move(text)); }
  void problem(Value v, const std::string &text) { problem(names_[v] + ": " + text); }

  bool references_exist() {
    for (Value v = 0; v < graph_.size(); ++v)
      for (Value input : graph_[v].inputs)
        if (input >= graph_.size())
          problem(v, "an operand does not exist");
        else if (input >= v)
          problem(v, "the operand " + names_[input] + " comes later");
    auto exists = [&](Value v, const char *what) {
      if (v >= graph_.size())
        problem(std::string("a value in ") + what + " does not exist");
    };
    for (const Return &r : graph_.returns)
      exists(r.value, "return");
    for (const Update &u : graph_.updates) {
      exists(u.target, "update");
      exists(u.value, "update");
    }
    for (const GradientOf &g : graph_.gradients) {
      exists(g.param, "gradient");
      exists(g.value, "gradient");
    }
    return problems_.empty();
  }

  void check_names() {
    std::set<std::string_view> seen;
    for (const Node &node : graph_.nodes)
      if (node.is_declaration() && !seen.insert(node.name).second)
        problem("%" + node.name + " is declared twice");
    std::set<std::string_view> results;
    for (const Return &r : graph_.returns)
      if (!r.name.empty() && !results.insert(r.name).second)
        problem("'" + r.name + "' is returned twice");
  }

  void check_declaration(Value v) {
    const Node &node = graph_[v];
    if (node.role == Role::none)
      problem(v, "a declaration has no role");
    if (!node.inputs.empty() || !node.attrs.empty())
      problem(v, "a declaration has operands or attributes");
    if (node.kernel != kNoKernel)
      problem(v, "a declaration stands in a kernel");
    if (node.buffer.has_value() != (node.role == Role::buffer))
      problem(v, "lifetime and writer belong to buffers, and to them alone");
    if (node.below != 0 && (node.below < 0 || node.role != Role::input || !is_integer(node.type.dtype)))
      problem(v, "only an input of integers has a bound, which is positive");
    if (node.ignored && node.below == 0)
      problem(v, "a label besides, but no bound of the others");
    if (node.domain)
      check_domain(v);
    if (node.role == Role::scalar && node.type.rank() != 0)
      problem(v, "a scalar must have rank 0, got " + to_string(node.type));
  }

  void check_domain(Value v) {
    const Node &node = graph_[v];
    const Domain &domain = *node.domain;
    if (!may_have_domain(node.role, node.type))
      problem(v, "only an input, a scalar or a buffer of floats has a domain");
    if (!(domain.least <= domain.most) || !(domain.sum_least <= domain.sum_most))
      problem(v, "the domain is empty");
    if (domain.row < 0 || (domain.row > 0 && node.type.elements() % domain.row != 0))
      problem(v, "the elements are no whole number of rows of " + std::to_string(domain.row));
  }

  // Adds the node again to an empty graph that holds its operands, and compares.
  void check_result(Value v) {
    const Node &node = graph_[v];
    if (node.role != Role::none)
      problem(v, "the result of an op has a role");
    if (node.below != 0 || node.ignored || node.domain)
      problem(v, "the result of an op has a bound or a domain");
    Graph alone;
    std::vector<Value> inputs;
    for (Value input : node.inputs) {
      inputs.push_back(static_cast<Value>(alone.size()));
      alone.nodes.emplace_back();
      alone.nodes.back().type = graph_.type(input);
    }
    std::optional<Type> declared;
    if (node.op->type_rule != TypeRule::derived)
      declared = node.type;
    try {
      Value again = alone.add(*node.op, inputs, node.attrs, "", declared);
      if (alone.type(again) != node.type)
        problem(v, std::string(node.op->name) + " gives " + to_string(alone.type(again)) + ", but the type is " +
                       to_string(node.type));
      if (alone[again].attrs.size() != node.attrs.size())
        problem(v, "the attributes are not complete");
    } catch (const Error &e) {
      problem(v, e.what());
    }
  }

  void check_updates() {
    std::set<Value> seen;
    for (const Update &u : graph_.updates) {
      if (!is_state(graph_[u.target].role))
        problem("update " + names_[u.target] + ": the target is not a param, slot, grad or buffer");
      else if (graph_.type(u.target) != graph_.type(u.value))
        problem("update " + names_[u.target] + ": the target is " + to_string(graph_.type(u.target)) +
                ", the value " + to_string(graph_.type(u.value)));
      if (!seen.insert(u.target).second)
        problem("update " + names_[u.target] + ": updated twice");
    }
  }

  void check_gradients() {
    std::set<Value> seen;
    for (const GradientOf &g : graph_.gradients) {
      if (graph_[g.param].role != Role::param)
        problem("gradient " + names_[g.param] + ": not a param");
      else if (graph_.type(g.param) != graph_.type(g.value))
        problem("gradient " + names_[g.param] + ": the param is " + to_string(graph_.type(g.param)) +
                ", the gradient " + to_string(graph_.type(g.value)));
      if (!seen.insert(g.param).second)
        problem("gradient " + names_[g.param] + ": a second gradient of the same param");
    }
    if (seen.empty())
      return;
    for (const Update &u : graph_.updates)
      if (graph_[u.target].role == Role::param && !seen.contains(u.target))
        problem("update " + names_[u.target] + ": the param has no gradient, others have");
  }

  void check_kernels() {
    int previous = kNoKernel;
    for (Value v = 0; v < graph_.size(); ++v) {
      int kernel = graph_[v].kernel;
      if (kernel == kNoKernel || kernel == previous)
        continue;
      if (kernel < previous)
        problem(v, "kernel " + std::to_string(kernel) + " comes after kernel " + std::to_string(previous));
      else if (kernel > previous + 1)
        problem(v, "kernel " + std::to_string(kernel) + " follows " +
                       (previous == kNoKernel ? "no kernel" : "kernel " + std::to_string(previous)));
      previous = std::max(previous, kernel);
    }
  }

  const Graph &graph_;
  std::vector<std::string> names_;
  std::vector<std::string> problems_;
};

} // namespace

std::vector<std::string> problems_of(const Graph &graph) { return Verifier(graph).run(); }

void verify(const Graph &graph) {
  std::vector<std::string> problems = problems_of(graph);
  if (!problems.empty())
    throw VerifyError(std::move(problems));
}

} // namespace gradc
