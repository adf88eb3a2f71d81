// Any text as a model file: diagnostics, or a model whose graphs are well formed.
#include "compiler/model/model.h"
#include "ir/error.h"
#include "ir/verifier.h"
#include "passes/differentiate.h"

#include <cstdint>

using namespace gradc;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  Diagnostics diagnostics;
  const std::optional<Model> model =
      load_model_text(std::string(reinterpret_cast<const char *>(data), size), "fuzz.json", {}, diagnostics);
  if (!model) {
    if (diagnostics.errors().empty())
      __builtin_trap(); // refused without saying why
    diagnostics.render();
    return 0;
  }
  try {
    signature(*model);
    summary(*model, 2);
    for (Entry entry : entries_of(*model))
      verify(build_graph(*model, entry, 2));
  } catch (const InternalFault &) {
    __builtin_trap();
  } catch (const NotDifferentiable &) {
  } catch (const Error &) {
  }
  return 0;
}
