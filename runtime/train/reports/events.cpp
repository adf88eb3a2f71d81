// Events as JSON; see events.h.
#include "runtime/train/reports/events.h"

#include "runtime/train/reports/metric_text.h"

#include <cmath>
#include <fmt/format.h>

namespace gradc::runtime {
namespace {

using Json = nlohmann::ordered_json;

/// Text that may hold bytes of a user's file: invalid UTF-8 is replaced, not refused.
std::string dump(const Json &json) { return json.dump(-1, ' ', false, Json::error_handler_t::replace); }

std::string number(double value) { return std::isfinite(value) ? fmt::format("{}", value) : "null"; }

Json watch_json(const std::vector<LayerWatch> &layers) {
  Json json = Json::object();
  for (const LayerWatch &layer : layers) {
    json[layer.layer] = {{"parameters", layer.parameters}, {"gradients", layer.gradients}, {"updates", layer.updates}};
    if (layer.dead)
      json[layer.layer]["dead"] = *layer.dead;
  }
  return json;
}

} // namespace

std::string to_json(const StartEvent &event) {
  Json json = {{"event", "start"},
               {"model", event.model},
               {"parameters", event.parameters},
               {"seed", event.seed},
               {"batch_size", event.batch_size},
               {"epochs", event.epochs},
               {"steps_per_epoch", event.steps_per_epoch},
               {"step", event.step},
               {"epoch", event.epoch},
               {"rows",
                {{"train", event.rows.train}, {"validation", event.rows.validation}, {"test", event.rows.test}}},
               {"test_rows", event.test_rows}};
  if (!event.standardized_targets.empty())
    json["standardized_targets"] = event.standardized_targets;
  if (!event.taken.empty())
    json["loaded"] = {{"taken", event.taken}, {"left", event.left}};
  return dump(json);
}

std::string to_json(const StepEvent &event) { // by hand: written once a step
  return fmt::format(R"({{"event":"step","step":{},"epoch":{},"loss":{},"learning_rate":{}{}}})", event.step,
                     event.epoch, number(event.loss), number(event.learning_rate),
                     event.watch.empty() ? "" : ",\"watch\":" + dump(watch_json(event.watch)));
}

std::string to_json(const EpochEvent &event) {
  Json json = {{"event", "epoch"},
               {"epoch", event.epoch},
               {"step", event.step},
               {"complete", event.complete},
               {"loss", event.loss},
               {"learning_rate", event.learning_rate},
               {"seconds", event.seconds},
               {"validation", metrics_json(event.validation)}};
  if (!event.training.empty())
    json["training"] = metrics_json(event.training);
  if (!event.watch.empty())
    json["watch"] = watch_json(event.watch);
  return dump(json);
}

std::string to_json(const EndEvent &event) {
  Json json = {{"event", "end"},
               {"step", event.step},
               {"seconds", event.seconds},
               {"stopped", event.stopped},
               {"test", metrics_json(event.test)},
               {"checkpoint", event.checkpoint.empty() ? Json() : Json(event.checkpoint)}};
  if (event.best_epoch > 0)
    json["best_epoch"] = event.best_epoch;
  return dump(json);
}

std::string to_json(const WarningEvent &event) {
  return dump({{"event", "warning"}, {"step", event.step}, {"message", event.message}});
}

std::string to_json(const FailureEvent &event) {
  return dump({{"event", "error"}, {"step", event.step}, {"message", event.message}});
}

} // namespace gradc::runtime
