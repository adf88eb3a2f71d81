// A model compiled into this process.
#pragma once

#include "compiler/engines/object.h"
#include "runtime/gradc.h"

namespace gradc {

/// Owns the code; the table is valid as long as this lives.
class JitModel {
public:
  JitModel(const CompiledModel &, const Target &lowest);
  JitModel(const ModelSpec &spec, const CodegenOptions &options) : JitModel(compile_model(spec, options), options.target) {}
  ~JitModel();
  JitModel(JitModel &&) noexcept;
  JitModel &operator=(JitModel &&) noexcept;
  const gradc_model *table() const;

private:
  struct State;
  std::unique_ptr<State> state_;
};

} // namespace gradc
