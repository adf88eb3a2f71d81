// The list of engines.
#include "engines.h"

namespace gradc {

static std::vector<Tensor> run_interpreter(const Graph &graph, Bindings &bindings) {
  return interpret(graph, bindings);
}

// The interpreter leaves transcendental functions to the C library, whose last bit differs from machine to machine.
static constexpr Engine kEngines[] = {
    {"interpreter", run_interpreter, 0x1p-22, 0x1p-50},
};

std::span<const Engine> engines() { return kEngines; }

} // namespace gradc
