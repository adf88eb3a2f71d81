#include "compiler/engines/build_model.h"

namespace gradc {

ModelSpec build_model(const Model &model, const std::vector<EntryRequest> &requests, DType float_dtype,
                      const RunOptions &options) {
  ModelSpec spec;
  spec.name = model.name;
  spec.signature = signature(model, float_dtype);
  for (const ModelHyper &hyper : model.hypers)
    spec.hypers.emplace_back(hyper.name, hyper.value);
  for (const EntryRequest &request : requests) {
    Graph graph = build_graph(model, request.entry, request.batch, float_dtype);
    run_passes(graph, options);
    spec.entries.push_back({std::string(to_string(request.entry)), request.batch, std::move(graph)});
  }
  return spec;
}

} // namespace gradc
