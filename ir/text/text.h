// The text form of graphs: parse(print(g)) is g at every stage. Grammar and examples: ir/README.md.
#pragma once

#include "ir/graph.h"

#include <stdexcept>

namespace gradc {

/// A mistake in IR text, at a byte offset of it.
struct TextError : std::runtime_error {
  TextError(const std::string &message, size_t offset) : std::runtime_error(message), offset(offset) {}
  size_t offset;
};

std::string print(const Graph &);
/// Throws TextError. Types that are written must agree with those the ops infer.
Graph parse_graph(std::string_view text);

/// How each value is written: "%hidden.weight" for a declaration, "%7" for the eighth result of an op.
std::vector<std::string> value_names(const Graph &);

} // namespace gradc
