// The list of engines.
#include "tests/support/engines.h"

#if GRADC_COMPILER
#include "tests/support/compiled_engine.h"
#endif

namespace gradc {
namespace {

std::vector<Tensor> run_interpreter(const Graph &graph, Bindings &bindings) { return interpret(graph, bindings); }
#if GRADC_COMPILER
std::vector<Tensor> run_native(const Graph &graph, Bindings &bindings) { return tests::run_jit(graph, bindings); }
std::vector<Tensor> run_narrow(const Graph &graph, Bindings &bindings) {
  return tests::run_jit(graph, bindings, "x86-64-v2");
}
std::vector<Tensor> run_shared_object(const Graph &graph, Bindings &bindings) {
  return tests::run_aot(graph, bindings);
}
#endif

// The interpreter leaves transcendental functions to the C library, whose last bit differs from machine to machine; the
// tolerance of compiled code is the worst stated bound of its functions (vector_math.h).
constexpr Engine kEngines[] = {
    {"interpreter", run_interpreter, 0x1p-22, 0x1p-50},
#if GRADC_COMPILER
    {"jit", run_native, 0x1p-20, 0x1p-48},
    {"jit without AVX", run_narrow, 0x1p-20, 0x1p-48},
    {"shared object", run_shared_object, 0x1p-20, 0x1p-48},
#endif
};

} // namespace

std::span<const Engine> engines() { return kEngines; }

} // namespace gradc
