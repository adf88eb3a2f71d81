#include "tests/support/models.h"

#include <catch2/catch.hpp>

namespace gradc::tests {

Model model_of(const std::string &text, const std::vector<std::string> &overrides, const std::string &path) {
  Diagnostics diagnostics;
  std::optional<Model> model = load_model_text(text, path, overrides, diagnostics);
  INFO(diagnostics.render());
  REQUIRE(model);
  return std::move(*model);
}

} // namespace gradc::tests
