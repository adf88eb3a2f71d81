// The header is a fixed text around the table, then one wrapper for each entry point with the model's own arguments.
#include "compiler/engines/model_header.h"

#include "compiler/codegen/entries/c_name.h"
#include "compiler/engines/model_header_text.h"
#include "runtime/gradc.h"

#include <algorithm>
#include <cctype>
#include <fmt/format.h>
#include <set>

extern "C" {
extern const char gradc_abi_header[];
extern const char gradc_abi_header_end[];
}

namespace gradc {
namespace {

/// C identifiers for names of the model, no two equal.
class Identifiers {
public:
  std::string unique(std::string text) {
    for (char &c : text)
      if (!std::isalnum(static_cast<unsigned char>(c)))
        c = '_';
    while (!used_.insert(text).second)
      text += '_';
    return text;
  }

private:
  std::set<std::string> used_;
};

const char *c_type(DType dtype) {
  switch (dtype) {
  case DType::f32: return "float";
  case DType::f64: return "double";
  case DType::i32: return "int32_t";
  case DType::i64: return "int64_t";
  case DType::boolean: return "uint8_t";
  }
  return "void";
}

/// What a wrapper takes for one input or output of its entry.
struct Argument {
  std::string name;
  const Type *type = nullptr;
  bool used = true;
};

// "[batch][64]"; "[1]" for a number over the whole batch.
std::string extents(const Type &type, bool per_example) {
  std::string text = per_example ? "[batch]" : type.shape.empty() ? "[1]" : "";
  for (size_t i = per_example; i < type.shape.size(); ++i)
    text += fmt::format("[{}]", type.shape[i]);
  return text;
}

int64_t elements_of_example(const Type &type) {
  return type.shape.empty() || type.shape[0] == 0 ? 1 : type.elements() / type.shape[0];
}

class HeaderWriter {
public:
  explicit HeaderWriter(const ModelSpec &spec)
      : spec_(spec), name_(c_name(spec.name)), prefix_(in_capitals(name_)) {}
  std::string text();

private:
  const EntrySpec *find(int32_t kind) const;
  std::string batches(int32_t kind) const;
  static std::vector<Argument> inputs(const Graph &);
  static std::vector<Argument> outputs(const Graph &);
  std::string opening() const;
  std::string macros() const;
  std::string fixed_text() const;
  std::string labels() const;
  std::string schedule_text() const;
  std::string wrapper(int32_t kind, std::string_view doc) const;
  std::string filled(std::string_view text) const { return fmt::format(fmt::runtime(text), name_, prefix_); }
  bool has_hyper(std::string_view name) const {
    return std::any_of(spec_.hypers.begin(), spec_.hypers.end(), [&](const auto &hyper) { return hyper.first == name; });
  }

  const ModelSpec &spec_;
  std::string name_, prefix_;
};

// The entry of that kind with the largest batch; null when there is none.
const EntrySpec *HeaderWriter::find(int32_t kind) const {
  const EntrySpec *best = nullptr;
  for (const EntrySpec &e : spec_.entries)
    if (e.kind == kind && (!best || e.batch > best->batch))
      best = &e;
  return best;
}

std::string HeaderWriter::batches(int32_t kind) const {
  std::set<int64_t> sizes;
  for (const EntrySpec &e : spec_.entries)
    if (e.kind == kind)
      sizes.insert(e.batch);
  return fmt::format("{}", fmt::join(sizes, ", "));
}

std::vector<Argument> HeaderWriter::inputs(const Graph &graph) {
  Identifiers names;
  std::vector<std::vector<Value>> users = graph.users();
  std::vector<Argument> list;
  for (Value v = 0; v < graph.size(); ++v)
    if (graph[v].role == Role::input)
      list.push_back({names.unique(graph[v].name), &graph[v].type, !users[v].empty()});
  return list;
}

std::vector<Argument> HeaderWriter::outputs(const Graph &graph) {
  Identifiers names;
  std::vector<Argument> list;
  for (const Return &r : graph.returns)
    list.push_back({names.unique(r.name), &graph.type(r.value)});
  return list;
}

std::string HeaderWriter::opening() const {
  const EntrySpec *train = find(GRADC_TRAIN_STEP);
  std::string arguments;
  for (const Argument &input : train ? inputs(train->graph) : std::vector<Argument>{})
    arguments += input.used ? ", " + input.name : "";
  const std::string other_name =
      name_ == spec_.name ? ""
                          : fmt::format("\n * It is called {} here, as C, C++ or gradc has given the name '{}' away, or what begins with it.",
                                        name_, spec_.name);
  return fmt::format(R"(/* The model '{1}' as a library, made by gradc together with the shared object, or object, to link with.{4}
 *
 *   {0} *m = {0}_create(7, 1);
 *   double loss = {0}_train_step(m, {2}_BATCH{3});
 *   {0}_save(m, "{0}.safetensors");
 *   {0}_destroy(m);
 *
 * Functions return a status, GRADC_OK or what {0}_message explains, unless they say otherwise; a null pointer is a status,
 * too. An instance is used by one thread at a time; any number of instances may live in one process. A function takes at
 * most GRADC_STACK_BYTES of the stack of the thread that calls it.
 *
 * After fork, parent and child each have every instance, go on with it and destroy it. In the child the calling thread
 * does the work of all threads, with the same results. Only an instance that another thread is using while the process
 * forks is of no use to the child.
 *
 * Names of this header begin with {0}_, {2}_ or gradc; parameters and local variables begin with gradc_. */
#ifndef {0}_MODEL_H
#define {0}_MODEL_H

)", name_, spec_.name, prefix_, arguments, other_name);
}

// Sizes of one example, and where the hyperparameters are.
std::string HeaderWriter::macros() const {
  Identifiers names;
  std::string text = "\n/* Examples a training step takes, and elements of one example. */\n";
  auto define = [&](const std::string &name, int64_t value) {
    const std::string wanted = prefix_ + in_capitals(name), macro = names.unique(wanted);
    text += fmt::format("#define {} {}{}\n", macro, value, macro.starts_with(wanted + "_") ? " /* of " + name.substr(1) + " */" : "");
  };
  const EntrySpec *train = find(GRADC_TRAIN_STEP), *predict = find(GRADC_PREDICT);
  if (train) {
    define("_BATCH", train->batch);
    for (const Argument &input : inputs(train->graph))
      define("_" + input.name + "_SIZE", elements_of_example(*input.type));
  }
  if (predict)
    for (const Argument &output : outputs(predict->graph))
      define("_" + output.name + "_SIZE", elements_of_example(*output.type));
  if (!spec_.hypers.empty())
    text += "\n/* Indices of `hypers`: what may change from call to call. */\n";
  for (size_t i = 0; i < spec_.hypers.size(); ++i)
    define("_HYPER_" + spec_.hypers[i].first, static_cast<int64_t>(i));
  return text;
}

std::string HeaderWriter::fixed_text() const {
  std::string tensor = "hidden.weight";
  if (const EntrySpec *train = find(GRADC_TRAIN_STEP)) {
    const auto &nodes = train->graph.nodes;
    auto first = std::find_if(nodes.begin(), nodes.end(), [](const Node &n) { return n.role == Role::param; });
    tensor = first == nodes.end() ? tensor : first->name;
  }
  return fmt::format(fmt::runtime(kFixedText), fmt::arg("name", name_), fmt::arg("NAME", prefix_),
                     fmt::arg("symbol", exported_symbol(spec_.name)), fmt::arg("tensor", tensor),
                     fmt::arg("schedule", schedule_text()));
}

// Statements that write what the schedule makes of `hypers` over them, and return a status.
std::string HeaderWriter::schedule_text() const {
  const EntrySpec *schedule = find(GRADC_SCHEDULE);
  if (!schedule)
    return "  return gradc_m->status = GRADC_OK;";
  std::vector<std::string> outputs;
  for (const Return &r : schedule->graph.returns)
    for (size_t i = 0; i < spec_.hypers.size(); ++i)
      if (spec_.hypers[i].first == r.name)
        outputs.push_back(fmt::format("&gradc_hypers[{}]", i));
  return fmt::format(R"(  if (gradc_m->use_schedule) {{
    void *gradc_outputs[] = {{{}}};
    return {}_run(gradc_m, GRADC_SCHEDULE, 0, 0, gradc_outputs, 0);
  }}
  return gradc_m->status = GRADC_OK;)",
                     fmt::join(outputs, ", "), name_);
}

// A function that calls one entry for a batch size given at run time. Training entries return their loss.
std::string HeaderWriter::wrapper(int32_t kind, std::string_view doc) const {
  const EntrySpec *e = find(kind);
  if (!e)
    return "";
  const bool returns_loss = gradc_computes_gradients(kind);
  std::vector<Argument> in = inputs(e->graph);
  std::vector<Argument> out = returns_loss ? std::vector<Argument>{} : outputs(e->graph);
  std::string notes;
  std::vector<std::string> parameters, from, to;
  for (const Argument &a : in) {
    const std::string parameter = "gradc_in_" + a.name;
    from.push_back(a.used ? parameter : "0");
    if (a.used) {
      parameters.push_back(fmt::format("const {} *{}", c_type(a.type->dtype), parameter));
      notes += fmt::format("\n *   {} {}", a.name, extents(*a.type, true));
    }
  }
  for (const Argument &a : out) {
    to.push_back("gradc_out_" + a.name);
    parameters.push_back(fmt::format("{} *{}", c_type(a.type->dtype), to.back()));
    notes += fmt::format("\n *   {} {}, written", a.name, extents(*a.type, kind == GRADC_PREDICT));
  }
  auto array = [](const std::vector<std::string> &items) {
    return items.empty() ? "0" : fmt::format("{}", fmt::join(items, ", "));
  };
  const std::string constant = "GRADC_" + in_capitals(e->name);
  const std::string call = kind == GRADC_TRAIN_STEP
                               ? fmt::format("{}_update(gradc_m, {}, gradc_batch, gradc_inputs, gradc_outputs)", name_, constant)
                               : fmt::format("{}_run(gradc_m, {}, gradc_batch, gradc_inputs, gradc_outputs, 0)", name_, constant);
  std::string text = fmt::format("\n/* {}{}\n * Compiled for batch {}. */\n", doc, notes, batches(kind));
  std::string opening = fmt::format("static inline {} {}_{}(", returns_loss ? "double" : "int32_t", name_, e->name);
  text += fmt::format("{}{} *gradc_m, int64_t gradc_batch", opening, name_);
  for (const std::string &parameter : parameters)
    text += fmt::format(",\n{:{}}{}", "", opening.size(), parameter);
  text += ") {\n";
  text += fmt::format("  const void *gradc_inputs[] = {{{}}};\n", array(from));
  if (!returns_loss)
    return text + fmt::format("  void *gradc_outputs[] = {{{}}};\n  return {};\n}}\n", array(to), call);
  text += "  double gradc_loss = 0;\n  void *gradc_outputs[] = {&gradc_loss};\n";
  return text + fmt::format("  return gradc_succeeded({}) ? gradc_loss : (double)NAN;\n}}\n", call);
}

constexpr std::string_view kApply = R"(
/* The update from the gradients that grad_step has left in their arena. */
static inline int32_t {0}_apply({0} *gradc_m) {{ return {0}_update(gradc_m, GRADC_APPLY, 0, 0, 0); }}
)";

constexpr std::string_view kLearningRate = R"(
/* The learning rate of the next step. NaN on failure. */
static inline double {0}_learning_rate({0} *gradc_m) {{
  double *gradc_hypers = gradc_m ? gradc_m->step_hypers : 0;
  return {0}_hypers_of_step(gradc_m, gradc_hypers) == GRADC_OK ? gradc_hypers[{1}_HYPER_LEARNING_RATE] : (double)NAN;
}}
)";

// Any bytes as a C string literal.
std::string literal(const std::string &text) {
  std::string quoted = "\"";
  for (const char c : text)
    if (c == '"' || c == '\\' || c == '?' || static_cast<unsigned char>(c) < 32)
      quoted += fmt::format("\\{:03o}", static_cast<unsigned char>(c)); // ?: no trigraphs
    else
      quoted += c;
  return quoted + "\"";
}

// A function from class to text for every input that has labels.
std::string HeaderWriter::labels() const {
  std::string text;
  for (const auto &[input, labels] : spec_.labels) {
    std::vector<std::string> literals;
    for (const std::string &label : labels)
      literals.push_back(literal(label));
    text += fmt::format(R"(
/* The text of a class of '{0}'; null when there is none. */
static inline const char *{1}_{0}_label(int64_t gradc_number) {{
  static const char *const gradc_labels[] = {{{2}}};
  return gradc_number >= 0 && gradc_number < {3} ? gradc_labels[gradc_number] : 0;
}}
)",
                        input, name_, fmt::join(literals, ", "), labels.size());
  }
  return text;
}

std::string HeaderWriter::text() {
  std::string text = opening();
  text += std::string_view(gradc_abi_header, static_cast<size_t>(gradc_abi_header_end - gradc_abi_header));
  text += "\n#include <math.h>\n#include <stdlib.h>\n#include <string.h>\n\n";
  text += "#ifdef __cplusplus\nextern \"C\" {\n#endif\n";
  text += macros() + fixed_text();
  text += wrapper(GRADC_FIT, filled("Takes a batch into the statistics by which inputs are standardized. Call it with the training data,\n"
                                    " * each example once, before the first step; {0}_load and {0}_resume bring the statistics along."));
  text += wrapper(GRADC_CALIBRATE, filled("Scales weights so that of these examples the linear output of each layer has variance 1. Call it once,\n"
                                          " * before the first step, with examples as they come in training."));
  text += wrapper(GRADC_TRAIN_STEP, "Forward, backward and update. Returns the loss of the batch before the update, NaN on failure;\n"
                                " * the status of the instance tells the two apart where the loss itself is not finite.");
  text += wrapper(GRADC_GRAD_STEP, filled("Forward and backward; the gradients are where {0}_tensor finds \"<parameter>.grad\".\n"
                                      " * Returns the loss, NaN on failure."));
  text += wrapper(GRADC_ACCUMULATE_STEP, filled("As {0}_grad_step, but gradients are added to those that are there. Of each call they count as often as\n"
                                      " * the run-time argument gradient_weight says, so those of k equal batches have the weight 1 / k each.\n"
                                      " * Returns the loss, NaN on failure."));
  if (find(GRADC_APPLY))
    text += filled(kApply);
  text += wrapper(GRADC_EVALUATE, "Sums over the batch. A metric that is a mean is its sum divided by the number of examples;\n"
                              " * \"metrics\" of the signature says how to compute the others.");
  text += wrapper(GRADC_PREDICT, "The model's outputs.");
  text += labels();
  if (has_hyper("learning_rate"))
    text += filled(kLearningRate);
  return text + "\n#ifdef __cplusplus\n}\n#endif\n#endif\n";
}

} // namespace

std::string model_header(const ModelSpec &spec) { return HeaderWriter(spec).text(); }

} // namespace gradc
