#include "tests/support/planted_rule.h"

#include "passes/differentiate.h"

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

void replace(Graph &graph, const OpDef &from, const OpDef &to) {
  for (Node &node : graph.nodes)
    if (node.op == &from)
      node.op = &to;
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

std::vector<Value> wrongly_differentiated(Graph &graph, Value loss, const std::vector<Value> &wrt, const OpDef &right,
                                          const OpDef &wrong) {
  replace(graph, right, wrong);
  std::vector<Value> gradients = differentiate(graph, loss, wrt);
  replace(graph, wrong, right);
  return gradients;
}

} // namespace gradc::tests
