// See rates.h.
#include "compiler/driver/rates.h"

#include "compiler/driver/named_files.h"
#include "compiler/reports/rates.h"
#include "ir/error.h"
#include "runtime/train/io/console.h"
#include "runtime/train/io/file.h"
#include "runtime/train/reports/plot.h"
#include "runtime/train/trainer.h"

namespace gradc::driver {
namespace {

int64_t planned_steps(const Model &model) {
  if (!model.document.at("train").find("data"))
    throw Error("the model names no data, so the length of a run is unknown; give --steps");
  const runtime::Signature signature = runtime::parse_signature(gradc::signature(model));
  runtime::TrainOptions options;
  options.base_folder = model.folder;
  const runtime::RunPlan plan =
      runtime::plan_run(signature, options, runtime::load_training_data(signature, options).sizes().train);
  return plan.epochs * plan.steps_per_epoch;
}

} // namespace

void draw_rates(const Model &model, int64_t steps, const std::string &path) {
  std::vector<runtime::Curve> curves;
  for (const RateCurve &rate :
       rate_curves(model, steps > 0 || !has_entry(model, Entry::schedule) ? steps : planned_steps(model))) {
    curves.push_back({rate.name, {}});
    for (const auto &[step, value] : rate.values)
      curves.back().points.push_back({static_cast<double>(step), value});
  }
  if (!path.empty())
    return runtime::write_file(path, runtime::curves_svg(model.name + ": rates", curves));
  for (const runtime::Curve &curve : curves)
    runtime::print(runtime::curve_text(curve));
}

} // namespace gradc::driver
