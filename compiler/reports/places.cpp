#include "compiler/reports/places.h"

namespace gradc {

std::string place_name(const Model &model, const std::string &location) {
  if (auto layer = index_in("/layers", location))
    return model.layers.at(*layer).name;
  if (auto metric = index_in("/metrics", location))
    return model.metrics.at(*metric).name;
  constexpr std::string_view kInputs = "/inputs/"; // what preprocesses one
  if (location.starts_with(kInputs))
    return location.substr(kInputs.size());
  for (const char *section : {"loss", "optimizer"})
    if (location.starts_with("/" + std::string(section)))
      return section;
  return "";
}

PlaceNames place_names(const Model &model) {
  return [&model](const std::string &location) { return place_name(model, location); };
}

} // namespace gradc
