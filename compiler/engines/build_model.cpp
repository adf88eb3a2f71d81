#include "compiler/engines/build_model.h"

#include "ir/error.h"
#include "runtime/gradc.h"

namespace gradc {
namespace {

int32_t kind_of(Entry entry) {
  switch (entry) {
  case Entry::init: return GRADC_INIT;
  case Entry::fit: return GRADC_FIT;
  case Entry::calibrate: return GRADC_CALIBRATE;
  case Entry::train_step: return GRADC_TRAIN_STEP;
  case Entry::grad_step: return GRADC_GRAD_STEP;
  case Entry::accumulate_step: return GRADC_ACCUMULATE_STEP;
  case Entry::apply: return GRADC_APPLY;
  case Entry::evaluate: return GRADC_EVALUATE;
  case Entry::predict: return GRADC_PREDICT;
  case Entry::schedule: return GRADC_SCHEDULE;
  }
  return GRADC_OTHER;
}

} // namespace

Entry entry_of(int32_t kind) {
  for (Entry entry : kEntries)
    if (kind_of(entry) == kind)
      return entry;
  throw InternalFault("no entry of a model is of kind " + std::to_string(kind));
}

SumOrder sum_order(Entry entry) { return entry == Entry::predict ? SumOrder::fixed : SumOrder::fast; }

EntrySpec entry_spec(Entry entry, int64_t batch, Graph graph) {
  return {std::string(to_string(entry)), batch, std::move(graph), kind_of(entry), sum_order(entry)};
}

ModelSpec build_graphs(const Model &model, const std::vector<EntryRequest> &requests, DType float_dtype) {
  ModelSpec spec;
  spec.name = model.name;
  spec.signature = signature(model, float_dtype);
  spec.optimizer = optimizer_state(model);
  for (const ModelHyper &hyper : model.hypers)
    spec.hypers.emplace_back(hyper.name, hyper.value);
  for (const ModelInput &input : model.inputs)
    if (!input.labels.empty())
      spec.labels.emplace_back(input.name, input.labels);
  for (const EntryRequest &request : requests) {
    Graph graph = build_graph(model, request.entry, request.batch, float_dtype);
    spec.entries.push_back(entry_spec(request.entry, request.batch, std::move(graph)));
  }
  return spec;
}

ModelSpec build_model(const Model &model, const std::vector<EntryRequest> &requests, DType float_dtype,
                      const RunOptions &options) {
  ModelSpec spec = build_graphs(model, requests, float_dtype);
  for (EntrySpec &entry : spec.entries)
    run_passes(entry.graph, options);
  return spec;
}

} // namespace gradc
