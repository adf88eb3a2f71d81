// Where in a step a number stopped being finite.
#pragma once

#include "compiler/codegen/entries/emit_model.h"
#include "compiler/reports/places.h"
#include "ir/tensor.h"
#include "runtime/gradc.h"

namespace gradc {

/// The first value, in the order of execution, that is not finite and that a result which is not finite was made of: there is a
/// chain of such values from it to something that the graph returns or writes to state. `values`: one a node. Nullopt where all
/// results are finite: an infinity that was divided by is none that matters. Constants are not looked at.
std::optional<Value> first_not_finite(const Graph &, const std::vector<Tensor> &values);

/// A model whose training steps and evaluations are watched.
class NumericsCheck {
public:
  struct Finding {
    std::string text;     // what made the value, in which kernel of which entry, and statistics of what it was made from
    std::string location; // in the model file; "" where it is not known
  };

  /// A table equal to `compiled`, which was made from the planned graphs of `spec`. An entry that leaves a number that is not
  /// finite, in what it returns or in what it writes to state, is run again from the state before it, by the reference
  /// interpreter; if it trains, its status is GRADC_NOT_FINITE. Takes a copy of what an entry writes before each call.
  /// The table is valid as long as this and the code, and for one thread at a time (with any team).
  NumericsCheck(ModelSpec spec, PlaceNames, const gradc_model &compiled);
  NumericsCheck(const NumericsCheck &) = delete;
  NumericsCheck &operator=(const NumericsCheck &) = delete;
  const gradc_model &checked() const { return model_; }
  /// Of the first call that left such a number.
  const std::optional<Finding> &finding() const { return finding_; }

private:
  struct CheckedEntry {
    NumericsCheck *check = nullptr;
    const EntrySpec *source = nullptr;
    gradc_entry compiled{};
  };
  static int32_t run(const gradc_entry *self, const gradc_call *call);
  Finding explain(const EntrySpec &, const gradc_call &) const;

  const ModelSpec spec_;
  const PlaceNames place_;
  std::vector<CheckedEntry> entries_;
  std::vector<gradc_entry> table_; // what the caller sees
  gradc_model model_;
  std::optional<Finding> finding_;
};

} // namespace gradc
