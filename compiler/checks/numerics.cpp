#include "compiler/checks/numerics.h"

#include "compiler/checks/element_index.h"
#include "compiler/engines/call_values.h"
#include "ir/op.h"
#include "ir/text/text.h"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>
#include <fmt/ranges.h>

namespace gradc {
namespace {

bool is_finite(double x) { return std::isfinite(x); }
bool is_finite(const Tensor &tensor) { return std::ranges::all_of(tensor.floats, [](double x) { return is_finite(x); }); }

template <typename Float> bool are_finite(const char *bytes, int64_t count) {
  const auto *values = reinterpret_cast<const Float *>(bytes);
  return std::all_of(values, values + count, [](Float x) { return std::isfinite(x); });
}

bool are_finite(const Type &type, const void *values) {
  const auto *bytes = static_cast<const char *>(values);
  return type.dtype == DType::f32   ? are_finite<float>(bytes, type.elements())
         : type.dtype == DType::f64 ? are_finite<double>(bytes, type.elements())
                                    : true;
}

/// Is all that the entry has returned and written to state finite?
bool results_are_finite(const Graph &graph, const gradc_call &call) {
  for (size_t i = 0; i < graph.returns.size(); ++i)
    if (!are_finite(graph.type(graph.returns[i].value), call.outputs[i]))
      return false;
  return std::ranges::all_of(graph.updates, [&](const Update &update) {
    return are_finite(graph.type(update.target), address_of(call, graph.plan->places[update.target]));
  });
}

/// The bytes of the state that an entry writes.
class WrittenState {
public:
  WrittenState(const Graph &graph, const gradc_call &call) : graph_(graph), call_(call) {
    for (const Update &update : graph.updates)
      bytes_.emplace_back(address(update), address(update) + graph.type(update.target).bytes());
  }
  /// What is there now becomes what is kept, and the other way round.
  void exchange() {
    for (size_t i = 0; i < bytes_.size(); ++i)
      std::swap_ranges(bytes_[i].begin(), bytes_[i].end(), address(graph_.updates[i]));
  }

private:
  char *address(const Update &update) const { return address_of(call_, graph_.plan->places[update.target]); }
  const Graph &graph_;
  const gradc_call &call_;
  std::vector<std::vector<char>> bytes_;
};

/// "3 inf and 1 nan of 320"; "" where all are finite.
std::string faults_text(const Tensor &tensor) {
  const auto nan = std::ranges::count_if(tensor.floats, [](double x) { return std::isnan(x); });
  const auto infinite = std::ranges::count_if(tensor.floats, [](double x) { return std::isinf(x); });
  if (nan + infinite == 0)
    return "";
  return (infinite ? fmt::format("{} inf", infinite) : "") + (nan && infinite ? " and " : "") +
         (nan ? fmt::format("{} nan", nan) : "") + fmt::format(" of {}", tensor.floats.size());
}

/// "-3.1 to 104, mean 2.03", of those that are finite, and how many are not.
std::string statistics_text(const Tensor &tensor) {
  if (tensor.type.elements() == 1)
    return fmt::format("{:.6g}", tensor.number(0));
  double least = std::numeric_limits<double>::infinity(), most = -least, sum = 0, count = 0;
  for (int64_t i = 0; i < tensor.type.elements(); ++i)
    if (const double x = tensor.number(i); is_finite(x)) {
      least = std::min(least, x), most = std::max(most, x);
      sum += x, ++count;
    }
  const std::string faults = faults_text(tensor);
  const std::string range = count == 0 ? "" : fmt::format("{:.6g} to {:.6g}, mean {:.6g}", least, most, sum / count);
  return range + (faults.empty() || range.empty() ? "" : ", ") + faults;
}

/// "%21 = exp %20 : f32[32,10]"
std::string node_text(const Graph &graph, const std::vector<std::string> &names, Value v) {
  const Node &node = graph[v];
  const std::string type = to_string(node.type);
  if (node.is_declaration())
    return fmt::format("{} {} : {}", to_string(node.role), names[v], type);
  std::vector<std::string> inputs;
  for (Value input : node.inputs)
    inputs.push_back(names[input]);
  return fmt::format("{} = {} {} : {}", names[v], node.op->name, fmt::join(inputs, ", "), type);
}

/// The value, and below it what it was made from; of an elementwise op also at the first place that is not finite.
std::string origin_text(const Graph &graph, const std::vector<Tensor> &values, Value origin) {
  const std::vector<std::string> names = value_names(graph);
  const Tensor &made = values[origin];
  const auto first = std::ranges::find_if_not(made.floats, [](double x) { return is_finite(x); }) - made.floats.begin();
  const std::vector<int64_t> at = index_of(made.type.shape, first);
  std::string text =
      fmt::format("  {}: {}, the first at {}", node_text(graph, names, origin), faults_text(made), to_string(at));
  std::vector<Value> told;
  for (const Value input : graph[origin].inputs) {
    if (std::ranges::find(told, input) != told.end())
      continue;
    told.push_back(input);
    text += fmt::format("\n  {}: {}", node_text(graph, names, input), statistics_text(values[input]));
    if (graph[origin].op->kind == OpKind::elementwise && values[input].type.elements() > 1)
      text += fmt::format("; there {:.6g}", values[input].number(flat_index(values[input].type.shape, at)));
  }
  return text;
}

} // namespace

std::optional<Value> first_not_finite(const Graph &graph, const std::vector<Tensor> &values) {
  std::vector<bool> reached(graph.size(), false);
  const auto reach = [&](Value v) { reached[v] = reached[v] || (!is_constant(graph[v]) && !is_finite(values[v])); };
  for (const Return &r : graph.returns)
    reach(r.value);
  for (const Update &update : graph.updates)
    reach(update.value);
  std::optional<Value> first;
  for (Value v = static_cast<Value>(graph.size()); v-- > 0;)
    if (reached[v]) {
      first = v;
      std::ranges::for_each(graph[v].inputs, reach);
    }
  return first;
}

NumericsCheck::NumericsCheck(ModelSpec spec, PlaceNames place, const gradc_model &compiled)
    : spec_(std::move(spec)), place_(std::move(place)), entries_(spec_.entries.size()), model_(compiled) {
  for (int32_t i = 0; i < compiled.entry_count; ++i)
    table_.push_back(*gradc_entry_at(&compiled, i));
  internal_check(table_.size() == entries_.size(), "the code is of another model");
  for (size_t i = 0; i < entries_.size(); ++i) {
    entries_[i] = {this, &spec_.entries[i], table_[i]};
    table_[i].run = &NumericsCheck::run;
    table_[i].context = &entries_[i];
  }
  model_.entries = table_.data();
  model_.entry_size = sizeof(gradc_entry);
}

int32_t NumericsCheck::run(const gradc_entry *self, const gradc_call *call) {
  const CheckedEntry &entry = *static_cast<const CheckedEntry *>(self->context);
  const Graph &graph = entry.source->graph;
  const bool trains = gradc_computes_gradients(entry.source->kind);
  if (!trains && entry.source->kind != GRADC_EVALUATE)
    return entry.compiled.run(&entry.compiled, call);
  WrittenState before(graph, *call);
  const int32_t status = entry.compiled.run(&entry.compiled, call);
  if (!gradc_succeeded(status) || results_are_finite(graph, *call))
    return status;
  if (!entry.check->finding_) {
    before.exchange();
    entry.check->finding_ = entry.check->explain(*entry.source, *call);
    before.exchange();
  }
  return trains ? int32_t{GRADC_NOT_FINITE} : status;
}

NumericsCheck::Finding NumericsCheck::explain(const EntrySpec &entry, const gradc_call &call) const {
  const Graph &graph = entry.graph;
  const std::vector<Tensor> values = interpret_all(graph, call_values(call, spec_, graph));
  const std::string name = entry.batch > 0 ? fmt::format("{} {}", entry.name, entry.batch) : entry.name;
  const std::optional<Value> origin = first_not_finite(graph, values);
  if (!origin)
    return {fmt::format("the reference interpreter finds all of '{}' finite: compiled code adds in another order, and a sum of "
                        "a part has overflowed",
                        name),
            ""};
  const Node &node = graph[*origin];
  const std::string layer = place_(node.location);
  std::string text = "the first value that is not finite is ";
  if (node.is_declaration())
    text += fmt::format("given: {} '{}' of {}", to_string(node.role), node.name, name);
  else
    text += fmt::format("made by '{}'{}, in kernel {} of {}, {}", node.op->name,
                        layer.empty() ? "" : fmt::format(" of '{}'", layer), node.kernel, name,
                        graph.forward()[*origin] ? "on the way to the loss" : "on the way back or in the update");
  return {text + "\n" + origin_text(graph, values, *origin), node.location};
}

} // namespace gradc
