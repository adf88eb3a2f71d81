// The gradients that compiled code computes, beside differences of the loss that the same code computes.
#pragma once

#include "compiler/codegen/entries/emit_model.h"
#include "compiler/reports/places.h"
#include "runtime/gradc.h"

namespace gradc {

struct GradientCheckOptions {
  int64_t sample = 10; // elements of each tensor, drawn by the seed of the call, beside the one with the largest gradient
  bool all = false;    // every element instead
};

/// The gradient of one element: as the code computes it, and as differences of the loss have it.
struct ElementCheck {
  int64_t element = 0;
  double gradient = 0, difference = 0;
  double error = 0; // |a - n| / (|a| + |n|); small gradients are taken for larger, so that rounding of the loss is no error
  std::optional<std::string> kink = {}; // the place in the model file where the loss has a kink beside this value
};

struct TensorCheck {
  std::string name;     // of the parameter
  std::string location; // in the model file
  Shape shape;
  int64_t checked = 0, kinks = 0; // elements; those at a kink are not among the checked
  std::string kink = {};          // the place of the first; "" where the file has none
  ElementCheck worst = {};        // of the checked
  /// A gradient is wrong where two numbers that ought to agree in f64 do not in their first five digits.
  bool is_wrong() const { return worst.error > kTolerance; }
  static constexpr double kTolerance = 1e-5;
};

/// Checks every gradient that `entry`, a grad_step of f64, writes at the parameters that lie in the arenas of `call`, which is
/// one that it takes; `source` is the planned graph that it was compiled from, one of `spec`. Afterwards the parameters are
/// what they were. The worst comes first. Throws Error when the loss is not finite there.
///
/// An element x is moved by h = 1e-3 max(1, |x|) and h/2 both ways: D(h) = (f(x+h) - f(x-h)) / 2h, and (4 D(h/2) - D(h)) / 3 is
/// exact up to h^4 (Richardson 1911). Where that is not the gradient, h shrinks down to 1e-6: for functions that bend
/// a lot, and because the graph may have decided otherwise at one end (see choices.h), which makes the difference one
/// across a kink. An element is at a kink when this is so for every h.
std::vector<TensorCheck> check_gradients(const gradc_entry &entry, const gradc_call &call, const ModelSpec &spec,
                                         const EntrySpec &source, const GradientCheckOptions &);

/// Throws Error, with the place of the first, when some are wrong. The worst come first.
void require_right(const std::vector<TensorCheck> &);

/// A line for each tensor.
std::string gradient_table(const std::vector<TensorCheck> &, const PlaceNames &);

} // namespace gradc
