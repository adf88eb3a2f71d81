#include "compiler/reports/call_sites.h"

#include "compiler/codegen/entries/emit_entry.h"
#include "compiler/reports/places.h"
#include "ir/error.h"
#include "runtime/gradc.h"

#include <algorithm>
#include <fmt/format.h>

namespace gradc {
namespace {

bool trains(int32_t kind) { return gradc_computes_gradients(kind) || kind == GRADC_APPLY; }

class SiteBuilder {
public:
  SiteBuilder(const Graph &graph, const Model &model, bool trains)
      : graph_(graph), model_(model), trains_(trains), forward_(graph.forward()),
        nodes_(static_cast<size_t>(graph.kernel_count())), updated_(nodes_.size()) {
    for (Value v = 0; v < graph.size(); ++v)
      if (graph[v].kernel != kNoKernel)
        nodes_[static_cast<size_t>(graph[v].kernel)].push_back(v);
    for (const Update &update : graph.updates)
      if (graph[update.value].kernel != kNoKernel)
        updated_[static_cast<size_t>(graph[update.value].kernel)].push_back(update.target);
  }

  CallSite site(const LoweredKernel &lowered) {
    const std::vector<Param> &params = lowered.kernel.params;
    const auto result = std::find_if(params.begin(), params.end(), [](const Param &p) { return p.written; });
    internal_check(result != params.end(), "a kernel writes nothing");
    const auto number = static_cast<size_t>(graph_[lowered.values[static_cast<size_t>(result - params.begin())]].kernel);
    CallSite site{.kernel = lowered.kernel.name, .phase = "", .layers = {}, .cost = cost_of(lowered.kernel)};
    bool phases[3] = {};
    for (Value v : nodes_[number]) {
      const std::string place = place_name(model_, graph_[v].location);
      const bool updates = place == "optimizer";
      add(site, updates ? "" : place);
      phases[forward_[v] ? 0 : updates ? 2 : 1] = true;
    }
    for (Value state : updated_[number])
      add(site, place_name(model_, graph_[state].location));
    if (site.layers.empty())
      site.layers.push_back("optimizer");
    constexpr const char *kPhases[] = {"forward", "backward", "update"};
    for (size_t p = 0; p < 3 && trains_; ++p)
      if (phases[p])
        site.phase += (site.phase.empty() ? "" : "+") + std::string(kPhases[p]);
    return site;
  }

private:
  static void add(CallSite &site, const std::string &layer) {
    if (!layer.empty() && std::find(site.layers.begin(), site.layers.end(), layer) == site.layers.end())
      site.layers.push_back(layer);
  }

  const Graph &graph_;
  const Model &model_;
  const bool trains_;
  const std::vector<bool> forward_;
  std::vector<std::vector<Value>> nodes_, updated_; // of each kernel: its nodes, the states that it writes
};

} // namespace

std::vector<CallSite> call_sites(const EntrySpec &entry, const Model &model) {
  SiteBuilder builder(entry.graph, model, trains(entry.kind));
  std::vector<CallSite> sites;
  for (const LoweredKernel &lowered : called_kernels(entry.graph))
    sites.push_back(builder.site(lowered));
  return sites;
}

std::string layers_text(const CallSite &site) {
  constexpr size_t kShown = 3;
  std::vector<std::string> shown = site.layers;
  shown.resize(std::min(shown.size(), kShown));
  const std::string text = fmt::format("{}", fmt::join(shown, ", "));
  return shown == site.layers ? text : fmt::format("{} and {} more", text, site.layers.size() - kShown);
}

} // namespace gradc
