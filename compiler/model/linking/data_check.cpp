// train.data against the inputs: every input has one source of the right width. What it says about values and labels becomes
// part of the model.
#include "compiler/model/linking/linker.h"

#include "compiler/model/linking/resolve.h"
#include "compiler/model/tables/metrics.h"
#include "ir/suggest.h"

#include <algorithm>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <set>
#include <utility>

namespace gradc {
namespace {

using Json = JsonValue::Kind;

class DataCheck {
public:
  DataCheck(const Model &model, const JsonValue &data, Diagnostics &diagnostics)
      : model_(model), data_(data), diagnostics_(diagnostics) {}

  void file() {
    if (const std::string &delimiter = data_.string_at("delimiter");
        delimiter.size() != 1 || delimiter == "\"" || delimiter == "\n" || delimiter == "\r")
      error(data_.at("delimiter"),
            "train: data: 'delimiter' must be one character, neither a quote nor a line break");
  }

  /// The arrays of a .npz file are found by the names of the inputs.
  void missing_inputs() {
    if (is_npz(data_.find("path")))
      return;
    std::vector<std::string> missing;
    for (const ModelInput &input : model_.inputs)
      if (!data_.find(input.name))
        missing.push_back(input.name);
    if (!missing.empty())
      diagnostics_.error(anchor(data_), fmt::format("train: data: nothing says where input{} '{}' come{} from; give {} an entry of "
                                                    "its name: \"{}\": {{\"column\": ...}}",
                                                    missing.size() == 1 ? "" : "s", fmt::join(missing, "', '"),
                                                    missing.size() == 1 ? "s" : "", missing.size() == 1 ? "it" : "each", missing[0]));
  }

  /// Where the type of the input is unknown, what depends on it is not checked.
  void input(ModelInput &input, bool type_known) {
    const std::string context = fmt::format("train: data: input '{}'", input.name);
    const JsonValue *entry = data_.find(input.name);
    if (!entry || !entry->valid)
      return;
    if (!source(*entry, context) || !type_known)
      return;
    width(*entry, input, context);
    labels(*entry, input, context);
    preprocessing(*entry, input, context);
  }

private:
  void error(const JsonValue &at, std::string message) { diagnostics_.error(at.span, std::move(message)); }

  static bool is_npz(const JsonValue *path) { return path && path->text.ends_with(".npz"); }

  /// Columns of the CSV file, an array of the .npz file, or a file of its own: one of them. False after a message.
  bool source(const JsonValue &entry, const std::string &context) {
    const JsonValue *given = nullptr, *shared = data_.find("path"), *own = entry.find("path");
    const auto wrong = [&](const JsonValue &at, const char *what) {
      if (shared || !std::exchange(told_of_file_, true)) // without a file most inputs are wrong for one reason
        error(at, context + ": " + what);
      return false;
    };
    for (const char *key : {"column", "columns", "path"})
      if (const JsonValue *value = entry.find(key)) {
        if (given)
          return wrong(*value, "give only one of 'column', 'columns' and 'path'");
        given = value;
      }
    if (const JsonValue *array = entry.find("array"); array && !is_npz(own ? own : shared))
      return wrong(*array, "'array' is the name of an array in a .npz file, but 'path' names none");
    if (!given && !is_npz(shared))
      return wrong(entry, "one of 'column', 'columns' and 'path' is needed");
    if (given && !own && !shared)
      return wrong(*given, "columns of which file? train.data has no 'path'");
    if (given && !own && is_npz(shared))
      return wrong(*given, "columns are those of a CSV file; in a .npz file give the name of the 'array'");
    return true;
  }

  void width(const JsonValue &entry, const ModelInput &input, const std::string &context) {
    const JsonValue *columns = entry.find("columns"), *column = entry.find("column");
    int64_t count = 1;
    if (columns) {
      const auto &items = columns->items;
      // Two columns of an input of two elements are the same as list and as range, where they can be both.
      const bool range = items.size() == 2 && items[0].is(Json::integer) && items[1].is(Json::integer) && element_count(input.shape) != 2;
      if (range && items[0].integer > items[1].integer)
        return error(*columns, context + ": 'columns' ends before it begins");
      count = range ? items[1].integer - items[0].integer + 1 : static_cast<int64_t>(items.size());
    }
    if ((columns || column) && count != element_count(input.shape))
      error(columns ? *columns : *column,
            fmt::format("{}: {} column{} for {} element{} of shape {}", context, count, count == 1 ? "" : "s",
                        element_count(input.shape), element_count(input.shape) == 1 ? "" : "s",
                        to_string(input.shape)));
  }

  void labels(const JsonValue &entry, ModelInput &input, const std::string &context) {
    const JsonValue *labels = entry.find("labels");
    if (!labels)
      return;
    const auto count = static_cast<int64_t>(labels->items.size());
    const bool columns = entry.find("column") || entry.find("columns");
    if (!is_integer(input.dtype) || !columns)
      error(*labels, context + ": 'labels' are for columns of an integer input" +
                         (columns ? fmt::format("; give it \"dtype\": \"i32\"") : ""));
    else if (input.classes > 0 && count > input.classes)
      error(*labels, fmt::format("{}: {} labels for {} classes", context, count, input.classes));
    std::set<std::string_view> seen;
    for (const JsonValue &label : labels->items) {
      if (!seen.insert(label.text).second)
        error(label, fmt::format("{}: label '{}' is listed twice", context, label.text));
      input.labels.push_back(label.text);
    }
    for (const ModelLayer &layer : model_.layers)
      if (const JsonValue *classes = layer.attrs.find("classes"); classes && reads(layer, input) && classes->integer < count)
        error(*labels, fmt::format("{}: {} labels, but layer '{}' has {} classes", context, count, layer.name, classes->integer));
    if (input.classes == 0) // no loss says how many there are: then these are all
      input.classes = count;
  }

  void preprocessing(const JsonValue &entry, ModelInput &input, const std::string &context) {
    input.preprocessing = {entry.number_at("scale"), entry.number_at("offset"), entry.boolean_at("standardize")};
    if (is_integer(input.dtype) && input.preprocessing.changes_values())
      error(entry, context + ": integers are neither scaled nor standardized");
    if (input.domain && input.preprocessing.standardize)
      error(entry.at("standardize"), context + ": its loss takes probabilities, counts or weights, which must not be standardized");
    if (input.preprocessing.scale == 0)
      error(entry.at("scale"), context + ": a scale of 0 makes all values equal");
  }

  bool reads(const ModelLayer &layer, const ModelInput &input) const {
    const auto &sources = layer.sources;
    return std::find(sources.begin(), sources.end(), static_cast<Source>(&input - model_.inputs.data())) != sources.end();
  }

  const Model &model_;
  const JsonValue &data_;
  Diagnostics &diagnostics_;
  bool told_of_file_ = false;
};

bool validates(const JsonValue &train) { return train.number_at("validation_split") > 0 || train.find("validation"); }

/// The metric that decides something in training. False after a message.
bool check_watched(const Model &model, const JsonValue &metric, const std::string &context, Diagnostics &diagnostics) {
  std::vector<std::string_view> names = {"loss"};
  for (const ModelMetric &metric : model.metrics)
    if (metric.def->kind != MetricKind::confusion) // a table cannot be better
      names.push_back(metric.name);
  const bool known = std::ranges::find(names, metric.text) != names.end();
  if (!known)
    diagnostics.error(metric.span, fmt::format("{}: the model has no metric '{}' that is a number{}", context, metric.text,
                                               did_you_mean(metric.text, names)));
  return known;
}

/// A rate that is lowered by a metric other than the loss needs rows that it is measured on.
void check_plateaus(const Model &model, const JsonValue &train, Diagnostics &diagnostics) {
  for (const ModelHyper &hyper : model.hypers)
    if (hyper.schedule && hyper.schedule->string_at("type") == "plateau") {
      const JsonValue &metric = hyper.schedule->at("metric");
      if (check_watched(model, metric, hyper.name, diagnostics) && metric.text != "loss" && !validates(train))
        diagnostics.error(metric.span, fmt::format("{}: no rows validate, so '{}' is not known; give a 'validation_split', or a file as "
                                                   "'validation'", hyper.name, metric.text));
    }
}

void check_early_stopping(const Model &model, const JsonValue &train, Diagnostics &diagnostics) {
  const JsonValue &early = train.at("early_stopping");
  if (!early.valid)
    return;
  check_watched(model, early.at("metric"), "train: early_stopping", diagnostics);
  if (!validates(train))
    diagnostics.error(anchor(early), "train: early_stopping: no rows validate; give a 'validation_split', or a file as 'validation'");
}

/// A part with files of its own has them for all that the training data has: what is left would be read twice.
void check_part(const JsonValue &train, const std::string &name, const JsonValue &data, const std::vector<ModelInput> &inputs,
                Diagnostics &diagnostics) {
  const JsonValue *part = train.find(name);
  if (!part || !part->valid)
    return;
  const auto error = [&](const std::string &message) {
    diagnostics.error(anchor(*part), fmt::format("train: {}: {}", name, message));
  };
  if (train.number_at(name + "_split") > 0)
    error(fmt::format("give either files or a '{}_split'", name));
  for (const ModelInput &input : inputs) {
    const JsonValue *entry = data.find(input.name);
    const bool own = entry && entry->find("path");
    if (own && !part->find(input.name))
      return error(fmt::format("input '{}' has a file of its own, so it needs one here, too: \"{}\": {{\"path\": ...}}", input.name,
                               input.name));
    if (!own && part->find(input.name))
      return error(fmt::format("input '{}' is read from the file of all, which 'path' names", input.name));
    if (!own && !part->find("path"))
      return error(fmt::format("missing 'path', which input '{}' is read from", input.name));
  }
}

void check_stratify(const Model &model, const JsonValue &name, Diagnostics &diagnostics) {
  const auto input = std::ranges::find(model.inputs, name.text, &ModelInput::name);
  if (input == model.inputs.end() || input->classes == 0 || element_count(input->shape) != 1)
    diagnostics.error(name.span, fmt::format("train: 'stratify' must be an input of one class label, got '{}'", name.text));
}

} // namespace

void check_data(Model &model, const std::vector<bool> &types_known, Diagnostics &diagnostics) {
  const JsonValue *train = model.document.find("train");
  if (train && train->number_at("validation_split") + train->number_at("test_split") >= 1)
    diagnostics.error(train->at("test_split").span,
                      "train: 'validation_split' and 'test_split' leave no row to train on");
  if (train && train->valid)
    check_plateaus(model, *train, diagnostics);
  if (train && train->find("early_stopping"))
    check_early_stopping(model, *train, diagnostics);
  if (train && train->find("stratify"))
    check_stratify(model, train->at("stratify"), diagnostics);
  const JsonValue *data = train ? train->find("data") : nullptr;
  if (!data || !data->is(Json::object))
    return;
  for (const char *part : {"validation", "test"})
    check_part(*train, part, *data, model.inputs, diagnostics);
  DataCheck check(model, *data, diagnostics);
  check.file();
  check.missing_inputs();
  for (size_t i = 0; i < model.inputs.size(); ++i)
    check.input(model.inputs[i], types_known[i]);
}

} // namespace gradc
