// What the table of runtime/gradc.h says about a model and what an entry follows of a call, whatever engine runs it.
#pragma once

#include "compiler/codegen/entries/emit_model.h"
#include "runtime/gradc.h"

namespace gradc {

/// What of a call a scalar of a graph is: the field of its name, or one of the hypers.
enum class CallField : uint8_t { seed, step, total_steps, hyper };
CallField call_field(std::string_view scalar);

/// The number of the arena that a space of the plan is, or -1.
int arena_of(Space);

/// What gradc_tensor.range says of a state.
int32_t range_of(const Node &state);

/// A value with a state role: the node that declares it, and where it lives.
struct StateTensor {
  const Node *node;
  const Placement *place;
};

struct ModelTable {
  std::vector<gradc_arena> arenas;
  std::vector<StateTensor> states;
  std::vector<const Node *> inputs; // with the batch as their first dim
};
/// `spec` must outlive it.
ModelTable model_table(const ModelSpec &spec);

/// What an entry takes of the workspace for the values of its plan.
int64_t workspace_bytes(const Graph &);

/// What a call must hold for an entry to run. All of it is checked before anything is changed.
struct CallNeeds {
  std::vector<int> arenas;   // numbers, ascending
  std::vector<Value> inputs; // the declarations that are read
  struct Hyper {
    Value scalar;
    int64_t position; // among the hypers
  };
  std::vector<Hyper> hypers; // that are read
};
CallNeeds call_needs(const Graph &);

} // namespace gradc
