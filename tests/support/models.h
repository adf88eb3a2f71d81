// Models from texts that are known to be right.
#pragma once

#include "compiler/model/model.h"

namespace gradc::tests {

/// The model of a text; fails the test, with all messages, when it is none.
Model model_of(const std::string &text, const std::vector<std::string> &overrides = {},
               const std::string &path = "model.json");

} // namespace gradc::tests
