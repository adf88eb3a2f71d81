// The reference interpreter behind the C ABI: the same table as compiled code, for comparing engines.
#pragma once

#include "compiler/codegen/entries/emit_model.h"
#include "runtime/gradc.h"

namespace gradc {

/// The table is valid as long as this lives.
class InterpretedModel {
public:
  explicit InterpretedModel(ModelSpec);
  ~InterpretedModel();
  const gradc_model *table() const;

private:
  struct State;
  std::unique_ptr<State> state_;
};

} // namespace gradc
