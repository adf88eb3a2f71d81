// What training does to a model, layer by layer: for those who want to see why it does not learn.
#pragma once

#include "runtime/train/instance.h"
#include "runtime/train/reports/events.h"

#include <map>

namespace gradc::runtime {

/// Looks at each step through an entry called `watch`, which changes nothing (compiler/model/graphs/watch.h says what it returns),
/// and at the parameters before and after: so a run is the same to the bit with and without it.
class Watch {
public:
  /// Throws Error when the model was compiled without that entry for batches of `batch`.
  Watch(Instance &instance, int64_t batch);

  /// Before and after the update by these inputs. `batch`: how many examples; Throws Error as above.
  void before(const void *const *inputs, int64_t batch, const Position &position);
  std::vector<LayerWatch> after();

  /// Of the steps since the last call: norms of gradients and updates are their means, parameters have that of now, and a unit is
  /// dead that was so in every step.
  std::vector<LayerWatch> epoch();

private:
  struct Layer {
    std::string name;
    std::vector<const gradc_tensor *> tensors;
    std::vector<double> before;       // their elements, one tensor after the other
    double gradients = 0, updates = 0; // sums over the epoch
    double gradient = 0;               // of the step
    std::vector<double> active, active_in_epoch; // of units with a rectifier: examples with an output that is not 0
  };
  Layer &layer(const std::string &name);
  std::vector<double> elements(const Layer &layer) const;
  struct Look {
    const gradc_entry *entry;
    Outputs outputs;
  };
  Look &look(int64_t batch);

  Instance &instance_;
  std::map<int64_t, Look> looks_; // by batch
  std::vector<Layer> layers_;          // in the order of the entry's outputs
  int64_t steps_ = 0;                  // since the epoch began
};

} // namespace gradc::runtime
