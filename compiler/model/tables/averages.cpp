#include "compiler/model/tables/averages.h"

#include "ir/error.h"

#include <cmath>

namespace gradc {
namespace {

struct AverageDef {
  ObjectSpec spec;
  Var (*share)(const JsonValue &, Var count);
};

/// With a = d a + (1 - d) w from a = 0, what a has collected after n updates is 1 - d^n (Kingma and Ba 2015, section 3). The corrected
/// average a / (1 - d^n) is kept instead of a, so it moves by the share (1 - d) / (1 - d^n).
Var share_of_ema(const JsonValue &attrs, Var count) {
  const double decay = attrs.number_at("decay");
  if (!attrs.boolean_at("bias_correction") || decay == 0)
    return number_like(count, 1 - decay);
  return (1 - decay) / -expm1(std::log(decay) * count);
}

/// Polyak and Juditsky 1992: the mean of all parameters after the first `start` updates.
Var share_of_polyak(const JsonValue &attrs, Var count) {
  const Var first = number_like(count, 1);
  return 1 / maximum(count - static_cast<double>(attrs.integer_at("start")), first);
}

const std::vector<AverageDef> &table() {
  static const std::vector<AverageDef> defs = {
      {{"ema",
        "a = decay a + (1 - decay) w after every update",
        {attr::number("decay", "what stays of the average").at_least(0).below(1).used_in_f64().defaults_to("0.999"),
         attr::boolean("bias_correction", "divide by what a has collected, so that initial parameters do not count; else a begins "
                                          "with these, as torch.optim.swa_utils.get_ema_multi_avg_fn has it")
             .defaults_to("true")}},
       share_of_ema},
      {{"polyak",
        "the mean of the parameters after every update but the first ones",
        {attr::integer("start", "updates that do not count; the average follows the parameters until then").at_least(0).defaults_to("0")}},
       share_of_polyak},
  };
  return defs;
}

} // namespace

const Family &averages() {
  static const Family family = [] {
    Family f{"average", "An average of the parameters, kept beside them and saved with them as <parameter>.<type>."};
    f.common = {attr::boolean("use", "whether evaluation and prediction, and early stopping with them, take the averages in the place of the "
                                     "parameters")
                    .defaults_to("false")};
    f.by_name = true;
    for (const AverageDef &def : table())
      f.types.push_back(&def.spec);
    return f;
  }();
  return family;
}

Var share_of_new(const JsonValue &average, Var count) {
  for (const AverageDef &def : table())
    if (def.spec.name == average.string_at("type"))
      return def.share(average, count);
  throw InternalFault("no such average");
}

} // namespace gradc
