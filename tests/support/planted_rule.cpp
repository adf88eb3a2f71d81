#include "tests/support/planted_rule.h"

#include "passes/differentiate.h"

#include <utility>

namespace gradc::tests {
namespace {

// A rule is a plain function, so what it knows lies here.
Gradients (*right_rule)(const Adjoint &);
int wrong_operand, given;

Gradients wrong_rule(const Adjoint &adjoint) {
  Gradients gradients = right_rule(adjoint);
  for (size_t i = 0; i < gradients.size(); ++i)
    if (gradients[i] && (wrong_operand < 0 || static_cast<size_t>(wrong_operand) == i)) {
      gradients[i] = 1.01 * *gradients[i];
      ++given;
    }
  return gradients;
}

} // namespace

OpDef with_wrong_rule(const OpDef &op, int wrong) {
  right_rule = op.gradient;
  wrong_operand = wrong;
  given = 0;
  OpDef result = op;
  result.gradient = wrong_rule;
  return result;
}

int wrong_gradients() { return given; }

std::vector<Value> wrongly_differentiated(Graph &graph, Value loss, const std::vector<Value> &wrt, const std::vector<Value> &nodes,
                                          const OpDef &planted) {
  std::vector<const OpDef *> own;
  for (Value v : nodes)
    own.push_back(std::exchange(graph[v].op, &planted));
  std::vector<Value> gradients = differentiate(graph, loss, wrt);
  for (size_t i = 0; i < nodes.size(); ++i)
    graph[nodes[i]].op = own[i];
  return gradients;
}

} // namespace gradc::tests
