// Metrics of answers, from the graph of `evaluate` to the number, against scikit-learn (reference/make_metrics.py).
#include "compiler/model/model.h"
#include "ir/interpreter.h"
#include "runtime/train/metrics.h"
#include "tests/support/models.h"

#include <catch2/catch.hpp>
#include <fmt/format.h>

#include <cmath>
#include <fstream>
#include <sstream>

namespace gradc {
namespace {

/// The generator of make_metrics.py.
struct Generator {
  uint64_t state;
  uint64_t next() {
    state = state * 6364136223846793005u + 1442695040888963407u;
    return state >> 33;
  }
};

struct Data {
  bool classes; // one answer of several, or yes/no answers
  int64_t width, rows;
  std::vector<double> scores, targets;
  std::string ignore = {}; // a key of the loss
};

Data draw(uint64_t number) {
  Generator g{number};
  g.next();
  constexpr std::pair<bool, int64_t> kKinds[] = {{true, 2}, {true, 3}, {true, 5}, {false, 1}, {false, 3}};
  Data data{kKinds[number % 5].first, kKinds[number % 5].second, 0, {}, {}};
  data.rows = static_cast<int64_t>(2 + g.next() % 16);
  const auto width = static_cast<uint64_t>(data.width);
  for (int64_t row = 0; row < data.rows; ++row) {
    for (uint64_t i = 0; i < width; ++i)
      data.scores.push_back(data.classes ? std::ldexp(static_cast<double>(g.next()), -31) * 8 - 4
                                         : (static_cast<double>(g.next() % 9) - 4) / 2);
    for (uint64_t i = 0; i < (data.classes ? 1 : width); ++i)
      data.targets.push_back(static_cast<double>(g.next() % (data.classes ? width : 2)));
  }
  return data;
}

std::string model_text(const Data &data) {
  std::string metrics;
  for (const char *type : {"precision", "recall", "f1"})
    for (const char *average : {"macro", "weighted", "micro"})
      metrics += fmt::format(R"({{"type": "{0}", "average": "{1}", "name": "{0}_{1}"}}, )", type, average);
  if (!data.classes)
    metrics += R"({"type": "accuracy", "threshold": 0.3, "name": "early"},
                   {"type": "confusion", "threshold": 0.3, "name": "early_counts"}, )";
  return fmt::format(R"({{"inputs": {{"x": {{"shape": [{0}]}}, "t": {{"shape": [{1}]{2}}}}},
    "layers": [{{"name": "z", "type": "scale", "factor": 1, "input": "x"}},
               {{"name": "trained", "type": "dense", "units": {0}, "input": "x"}}],
    "loss": [{{"type": "{3}", "logits": "z", "labels": "t"{5}}}, {{"type": "mse", "prediction": "trained", "target": "x"}}], "metrics": [{4} "accuracy", "auc", "confusion"]}})",
                     data.width, data.classes ? "" : fmt::format("{}", data.width), data.classes ? R"(, "dtype": "i32")" : "",
                     data.classes ? "softmax_cross_entropy" : "binary_cross_entropy", metrics, data.ignore);
}

/// Runs `evaluate` on the rows [begin, end) and adds what it puts out.
void evaluate(const Model &model, const Data &data, int64_t begin, int64_t end, const runtime::Signature &signature,
              runtime::Terms &terms) {
  if (begin == end)
    return;
  const Graph graph = build_graph(model, Entry::evaluate, end - begin, DType::f64);
  Bindings bindings;
  for (const Node &node : graph.nodes) {
    if (!node.is_declaration())
      continue;
    Tensor tensor(node.type);
    const std::vector<double> &source = node.name == "x" ? data.scores : data.targets;
    for (int64_t i = 0; node.role == Role::input && i < node.type.elements(); ++i)
      tensor.set(i, source[static_cast<size_t>(begin * (node.type.elements() / (end - begin)) + i)]);
    bindings.insert_or_assign(node.name, tensor);
  }
  const std::vector<Tensor> values = interpret(graph, bindings);
  for (size_t i = 0; i < values.size(); ++i)
    runtime::add_batch(signature, graph.returns[i].name, values[i].floats, terms);
}

std::map<std::string, runtime::Metric> metrics_of(const Data &data) {
  const Model model = tests::model_of(model_text(data));
  const runtime::Signature signature = runtime::parse_signature(gradc::signature(model, DType::f64));
  runtime::Terms terms;
  const int64_t middle = data.rows / 3;
  evaluate(model, data, 0, middle, signature, terms);
  evaluate(model, data, middle, data.rows, signature, terms);
  std::map<std::string, runtime::Metric> found;
  for (const runtime::MetricInfo &metric : signature.metrics)
    found[metric.name] = runtime::finish(signature, metric, terms, static_cast<double>(data.rows));
  return found;
}

std::vector<std::string> cells(const std::string &line, char separator) {
  std::vector<std::string> found;
  std::stringstream stream(line);
  for (std::string cell; std::getline(stream, cell, separator);)
    found.push_back(cell);
  return found;
}

TEST_CASE("metrics of answers are those of scikit-learn", "[model]") {
  std::ifstream file(std::string(GRADC_SOURCE_DIR) + "/tests/reference/metrics.csv");
  std::string line;
  REQUIRE(std::getline(file, line));
  const std::vector<std::string> names = cells(line, ',');
  int checked = 0;
  for (; std::getline(file, line); ++checked) {
    const std::vector<std::string> expected = cells(line, ',');
    const std::map<std::string, runtime::Metric> found = metrics_of(draw(std::stoull(expected[0])));
    for (size_t i = 1; i + 1 < names.size(); ++i) {
      const double wanted = std::stod(expected[i]), value = found.at(names[i]).value;
      INFO("case " << expected[0] << ", " << names[i] << ": " << value << ", and scikit-learn has " << wanted);
      REQUIRE((std::isnan(wanted) ? std::isnan(value) : std::abs(value - wanted) < 1e-9));
    }
    std::vector<double> table;
    for (const std::string &cell : cells(expected.back(), ' '))
      table.push_back(std::stod(cell));
    INFO("case " << expected[0] << ", confusion");
    REQUIRE(found.at("confusion").table == table);
  }
  CHECK(checked == 1000);
}

TEST_CASE("an answer is a yes above the threshold", "[model]") {
  for (uint64_t number : {3, 4, 13, 14}) { // data of yes/no answers
    const Data data = draw(number);
    std::vector<double> counts(4, 0);
    for (size_t i = 0; i < data.scores.size(); ++i)
      ++counts[static_cast<size_t>(2 * data.targets[i]) + (1 / (1 + std::exp(-data.scores[i])) > 0.3)];
    auto found = metrics_of(data);
    INFO("data " << number);
    CHECK(found.at("early_counts").table == counts);
    CHECK(found.at("early").value == Approx((counts[0] + counts[3]) / static_cast<double>(data.scores.size())));
    CHECK(found.at("early_counts").table != found.at("confusion").table);
  }
}

TEST_CASE("rows whose label is ignored change no metric", "[model]") {
  for (uint64_t number : {5, 6, 7, 31, 32}) { // data of classes
    const Data data = draw(number);
    Data more = data;
    more.rows += 3;
    more.ignore = R"(, "ignore": -7)";
    for (int64_t row = 0; row < 3; ++row) {
      for (int64_t i = 0; i < data.width; ++i)
        more.scores.insert(more.scores.begin(), static_cast<double>(row - 2 * i));
      more.targets.insert(more.targets.begin(), -7);
    }
    const auto expected = metrics_of(data), found = metrics_of(more);
    for (const auto &[name, metric] : expected) {
      if (name == "loss" || name == "loss.trained")
        continue; // these have a part that needs no label
      INFO("data " << number << ", " << name << ": " << found.at(name).value << " for " << metric.value);
      CHECK((std::isnan(metric.value) ? std::isnan(found.at(name).value) : found.at(name).value == Approx(metric.value)));
      CHECK(found.at(name).table == metric.table);
    }
  }
}

} // namespace
} // namespace gradc
