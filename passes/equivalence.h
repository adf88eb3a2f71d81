// Do two graphs compute the same? Asked of the reference interpreter, on random data.
#pragma once

#include "ir/interpreter.h"

namespace gradc {

/// A value for every declaration; the same for every graph that declares the same. Floats lie in (-1, 1), those of slots
/// and scalars in (0, 1), as second moments and rates do; integers are 0, 1, 2 or 3.
Bindings random_bindings(const Graph &, uint64_t seed = 0);

/// What a call leaves behind.
struct Outcome {
  std::vector<Tensor> returns;
  Bindings state; // every declaration, after the updates
};
/// Runs the interpreter in double precision, so that little but real differences shows.
Outcome interpret_widely(const Graph &, Bindings);

/// Says in one line what differs first among the returns of `graph` and the state, beyond what reordered float
/// arithmetic and rounded constants explain. nullopt when nothing does.
std::optional<std::string> find_difference(const Graph &graph, const Outcome &expected, const Outcome &actual);
/// The same for two graphs with equal declarations, on random data.
std::optional<std::string> find_difference(const Graph &expected, const Graph &actual);

} // namespace gradc
