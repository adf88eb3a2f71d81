// The loss whose formula stands in the model file.
#include "compiler/model/expressions/expression.h"
#include "compiler/model/tables/losses/rows.h"

namespace gradc {

static LossTerms expression(const LossBuild &b) {
  return {expand(parse_expression(b.attrs.string_at("of")), b.named, b.dtype)};
}

std::vector<LossDef> formula_losses() {
  return {
      loss_row("expression",
               "The mean over all examples, and over all elements where an example has several, of a formula over the layers "
               "and inputs that it names. Reductions work within one example. It sees inputs as layers see them, and what "
               "predict returns is as the layers compute it.",
               {}, {attr::expression("of", "the formula, such as \"mean(square(a - b)) + 0.1 * mean(abs(h))\"")}, expression),
  };
}

} // namespace gradc
