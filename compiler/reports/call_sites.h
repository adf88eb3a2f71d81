// The kernel calls of an entry point, as its profile names them.
#pragma once

#include "compiler/codegen/entries/emit_model.h"
#include "compiler/reports/kernel_cost.h"
#include "compiler/model/model.h"

namespace gradc {

struct CallSite {
  std::string kernel;              // as the plan and the kernels of this entry are numbered: "k3"
  std::string phase;               // "forward", "backward", "update", joined by "+"; "" in an entry that does not train
  std::vector<std::string> layers; // where its nodes come from: names of layers and metrics, "loss"; or "optimizer" alone
  KernelCost cost;                 // of one call
};

/// In the order in which the entry calls them. What returned values depend on is forward; an update belongs to the layer
/// whose parameter it changes.
std::vector<CallSite> call_sites(const EntrySpec &, const Model &);

/// "hidden, drop", and from the fourth on how many more.
std::string layers_text(const CallSite &);

} // namespace gradc
