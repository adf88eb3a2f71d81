#include "tests/support/compiled_engine.h"

#include "compiler/codegen/entries/model_table.h"
#include "compiler/engines/aot.h"
#include "compiler/engines/jit.h"
#include "compiler/engines/shared_model.h"
#include "passes/fuse.h"
#include "passes/order.h"
#include "passes/plan.h"
#include "passes/storage.h"
#include "tests/support/guarded_block.h"
#include "tests/support/native_guard.h"

#include <algorithm>
#include <unistd.h>

namespace gradc::tests {
namespace {

bool is_call_field(const std::string &name) { return name == "seed" || name == "step" || name == "total_steps"; }

// One entry called "run" a graph. The entries are run one by one with memory of their own, so that states of the same
// name in different graphs do not matter.
ModelSpec wrap(std::vector<Graph> &graphs) {
  ModelSpec spec;
  spec.name = "test", spec.signature = "{}";
  size_t hypers = 0;
  for (Graph &graph : graphs) {
    if (graph.kernel_count() == 0)
      fuse(graph);
    if (!graph.plan) {
      order(graph);
      plan(graph);
    }
    hypers = std::max<size_t>(hypers, static_cast<size_t>(std::count_if(graph.nodes.begin(), graph.nodes.end(), [](const Node &n) {
                                return n.role == Role::scalar && !is_call_field(n.name);
                              })));
    spec.entries.push_back({"run", 0, graph});
  }
  for (size_t i = 0; i < hypers; ++i)
    spec.hypers.emplace_back("hyper" + std::to_string(i), 0.0);
  return spec;
}

// The memory of one call.
class Call {
public:
  Call(const gradc_model &model, const gradc_entry &entry, int threads, const Graph &graph, const Bindings &bindings)
      : graph_(graph) {
    call_.struct_size = sizeof call_;
    std::vector<int64_t> bytes(static_cast<size_t>(model.arena_count), 0);
    each_state([&](const Node &, const Placement &place) {
      int64_t &end = bytes[static_cast<size_t>(arena_of(place.space))];
      end = std::max(end, place.offset + place.bytes);
    });
    bytes[static_cast<size_t>(arena_of(Space::workspace))] =
        entry.thread_bytes == 0 ? graph.plan->arena_bytes : entry.workspace_bytes + threads * entry.thread_bytes;
    for (int64_t size : bytes) {
      arenas_.emplace_back(size, kAlignment);
      arena_pointers_.push_back(arenas_.back().data());
    }
    call_.arenas = arena_pointers_.data();
    call_.arena_count = model.arena_count;
    bind(bindings);
    for (const Return &r : graph.returns) {
      outputs_.emplace_back(graph.type(r.value).bytes(), size_of(graph.type(r.value).dtype));
      output_pointers_.push_back(outputs_.back().data());
    }
    call_.inputs = input_pointers_.data();
    call_.outputs = output_pointers_.data();
    call_.hypers = hypers_.data();
  }

  gradc_call &operator*() { return call_; }

  std::vector<Tensor> results(Bindings &bindings) const {
    const auto intact = [](const GuardedBlock &block) { return block.intact(); };
    if (!std::all_of(arenas_.begin(), arenas_.end(), intact) || !std::all_of(outputs_.begin(), outputs_.end(), intact) ||
        !std::all_of(inputs_.begin(), inputs_.end(), intact))
      throw std::runtime_error("a kernel wrote beside its memory");
    for (const auto &[block, bytes] : given_)
      if (!std::equal(bytes.begin(), bytes.end(), inputs_[block].data()))
        throw std::runtime_error("a kernel wrote to an input");
    each_state([&](const Node &node, const Placement &place) {
      bindings.at(node.name) = Tensor::from_bytes(node.type, address(place));
    });
    std::vector<Tensor> values;
    for (size_t i = 0; i < outputs_.size(); ++i)
      values.push_back(Tensor::from_bytes(graph_.type(graph_.returns[i].value), outputs_[i].data()));
    return values;
  }

private:
  template <typename Visit> void each_state(Visit visit) const {
    for (Value v = 0; v < graph_.size(); ++v)
      if (is_state(graph_[v].role))
        visit(graph_[v], graph_.plan->places[v]);
  }
  std::byte *address(const Placement &place) const {
    return arenas_[static_cast<size_t>(arena_of(place.space))].data() + place.offset;
  }

  void bind(const Bindings &bindings) {
    each_state([&](const Node &node, const Placement &place) {
      const std::vector<std::byte> bytes = bindings.at(node.name).to_bytes();
      std::copy(bytes.begin(), bytes.end(), address(place));
    });
    for (const Node &node : graph_.nodes) {
      if (node.role == Role::input)
        give(bindings.at(node.name));
      else if (node.role == Role::scalar && !is_call_field(node.name))
        hypers_.push_back(bindings.at(node.name).number(0));
      else if (node.role == Role::scalar)
        (node.name == "seed" ? call_.seed : node.name == "step" ? call_.step : call_.total_steps) =
            bindings.at(node.name).integers[0];
    }
  }
  void give(const Tensor &tensor) {
    std::vector<std::byte> bytes = tensor.to_bytes();
    inputs_.emplace_back(static_cast<int64_t>(bytes.size()), size_of(tensor.type.dtype));
    std::copy(bytes.begin(), bytes.end(), inputs_.back().data());
    input_pointers_.push_back(inputs_.back().data());
    given_.emplace_back(inputs_.size() - 1, std::move(bytes));
  }

  const Graph &graph_;
  gradc_call call_{};
  std::vector<GuardedBlock> arenas_, inputs_, outputs_;
  std::vector<const void *> input_pointers_;
  std::vector<void *> arena_pointers_, output_pointers_;
  std::vector<std::pair<size_t, std::vector<std::byte>>> given_; // what the inputs must still be afterwards
  std::vector<double> hypers_;
};

std::vector<Graph> planned(ModelSpec &spec) {
  std::vector<Graph> graphs;
  for (EntrySpec &entry : spec.entries)
    graphs.push_back(std::move(entry.graph));
  return graphs;
}

} // namespace

CompiledGraphs CompiledGraphs::jit(std::vector<Graph> graphs, const char *target, const char *wish, SumOrder sums) {
  ModelSpec spec = wrap(graphs);
  for (EntrySpec &entry : spec.entries)
    entry.sums = sums;
  CodegenOptions options;
  options.target = parse_target(target);
  options.target.schedule = parse_schedule_override(wish);
  auto model = std::make_shared<JitModel>(spec, options);
  const gradc_model *table = model->table();
  return CompiledGraphs(planned(spec), std::move(model), table);
}

CompiledGraphs CompiledGraphs::shared_object(std::vector<Graph> graphs) {
  ModelSpec spec = wrap(graphs);
  CodegenOptions options;
  options.target = host_target();
  char folder[] = "/tmp/gradc-aot-XXXXXX";
  if (!mkdtemp(folder))
    throw std::runtime_error("no temporary folder");
  const std::string path = std::string(folder) + "/test.so";
  write_shared_object(compile_model(spec, options), path);
  auto model = std::make_shared<SharedModel>(path);
  unlink(path.c_str());
  rmdir(folder);
  const gradc_model *table = model->table();
  return CompiledGraphs(planned(spec), std::move(model), table);
}

std::vector<Tensor> CompiledGraphs::run(size_t i, Bindings &bindings, int threads) const {
  const gradc_entry &entry = *gradc_entry_at(table_, static_cast<int32_t>(i));
  gradc_team *team = table_->team_create(threads);
  auto call = std::make_unique<Call>(*table_, entry, table_->team_threads(team), graphs_[i], bindings);
  (**call).team = team;
  int32_t status = GRADC_OK;
  try {
    call_guarded([&] { status = entry.run(&entry, &**call); });
  } catch (const std::runtime_error &) { // threads may still be in it
    call.release();
    new std::shared_ptr<const void>(code_);
    throw;
  }
  table_->team_destroy(team);
  if (status != GRADC_OK)
    throw std::runtime_error(table_->status_message(status));
  return call->results(bindings);
}

std::vector<Tensor> run_jit(const Graph &graph, Bindings &bindings, const char *target, int threads) {
  return CompiledGraphs::jit({graph}, target).run(0, bindings, threads);
}

std::vector<Tensor> run_aot(const Graph &graph, Bindings &bindings) {
  return CompiledGraphs::shared_object({graph}).run(0, bindings);
}

} // namespace gradc::tests
