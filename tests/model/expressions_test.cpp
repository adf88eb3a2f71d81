// Expressions: what they compute, beside PyTorch; what they are as losses, metrics and layers; and how long they may be.
#include "compiler/model/expressions/expression.h"
#include "compiler/model/model.h"
#include "compiler/model/tables/activations.h"
#include "ir/verifier.h"
#include "passes/differentiate.h"
#include "tests/support/gradient_check.h"
#include "tests/support/models.h"

#include <catch2/catch.hpp>

#include <cmath>
#include <fmt/format.h>
#include <fstream>
#include <nlohmann/json.hpp>
#include <set>

namespace gradc {
namespace {

using Json = nlohmann::json;
using tests::model_of;
using Numbers = std::vector<double>;

const Json &reference() {
  static const Json json = Json::parse(std::ifstream(GRADC_SOURCE_DIR "/tests/reference/expressions.json"));
  return json;
}

void flatten(const Json &value, Numbers &numbers) {
  if (value.is_number())
    return numbers.push_back(value);
  for (const Json &item : value)
    flatten(item, numbers);
}

Tensor tensor_of(const Json &value, DType dtype) {
  Shape shape;
  for (const Json *at = &value; at->is_array(); at = &at->front())
    shape.push_back(static_cast<int64_t>(at->size()));
  Numbers numbers;
  flatten(value, numbers);
  Tensor tensor(Type{dtype, std::move(shape)});
  for (size_t i = 0; i < numbers.size(); ++i)
    tensor.set(static_cast<int64_t>(i), numbers[i]);
  return tensor;
}

/// The graph of an expression over the values of the reference, k as integers and the others as parameters.
struct Expanded {
  Graph graph;
  StandIns stand_ins;
  std::vector<Value> params;
  Bindings values;
  Value result = 0, total = 0; // the total is the sum of the result over all examples

  explicit Expanded(const std::string &text) {
    const Scope scope{graph, "", &stand_ins};
    const Expression expression = parse_expression(text);
    std::vector<Var> operands;
    for (const Expression::Name &name : expression.names) {
      const bool integers = name.text == "k";
      const Tensor value = tensor_of(reference()["values"].at(name.text), integers ? DType::i32 : DType::f64);
      operands.push_back({&scope, graph.declare(integers ? Role::input : Role::param, name.text, value.type)});
      values.emplace(name.text, value);
      if (!integers)
        params.push_back(operands.back().value);
    }
    const Var whole = expand(expression, operands, DType::f64);
    result = whole.value, total = sum(whole).value;
    graph.returns = {{"result", result}, {"total", total}};
  }
};

void check_near(const Numbers &got, const Numbers &wanted) {
  REQUIRE(got.size() == wanted.size());
  for (size_t i = 0; i < got.size(); ++i)
    CHECK(got[i] == Approx(wanted[i]).epsilon(1e-12).margin(1e-14));
}

TEST_CASE("expressions have the values and gradients of PyTorch", "[model]") {
  for (const Json &reference : reference()["cases"]) {
    INFO(reference["text"]);
    Expanded e(reference["text"]);
    const std::vector<Value> gradients = differentiate(e.graph, e.total, e.params);
    drop_stand_ins(e.graph, e.stand_ins);
    verify(e.graph);
    const std::vector<Tensor> all = interpret_all(e.graph, e.values);
    CHECK(all[e.result].type == Type{DType::f64, reference["shape"].get<Shape>()});
    check_near(all[e.graph.returns[0].value].floats, reference["value"]);
    for (size_t p = 0; p < e.params.size(); ++p) {
      const std::string &name = e.graph[e.params[p]].name;
      INFO("gradient of " << name);
      const Numbers zeros(all[gradients[p]].floats.size(), 0);
      check_near(all[gradients[p]].floats, reference["gradients"].value(name, zeros));
    }
  }
}

TEST_CASE("gradients of expressions agree with finite differences", "[model]") {
  for (const Json &reference : reference()["cases"]) {
    const std::string text = reference["text"];
    if (text.find("stop_gradient") != std::string::npos)
      continue;
    INFO(text);
    const Expanded e(text);
    CHECK(tests::check_gradients(e.graph, e.total, e.params, e.values).error < 1e-8);
  }
}

TEST_CASE("every function of expressions that is no activation has a case in the reference", "[model]") {
  std::set<std::string_view> used;
  for (const Json &reference : reference()["cases"])
    for (const Expression::Node &node : parse_expression(reference["text"].get<std::string>()).nodes)
      if (node.function)
        used.insert(node.function->spec.name);
  std::set<std::string_view> activation_names;
  for (const ObjectSpec *spec : activations().types)
    activation_names.insert(spec->name);
  for (const ExpressionFunction &function : expression_functions()) {
    INFO(function.spec.name);
    CHECK((used.contains(function.spec.name) || activation_names.contains(function.spec.name)));
  }
}

/// A call of the function whose operands are x, y and z, or conditions on them.
std::string call_of(const ExpressionFunction &function) {
  std::string operands;
  for (size_t i = 0; i < function.operands; ++i)
    operands += fmt::format("{}{}{}", i == 0 ? "" : ", ", "xyz"[i], i < function.conditions ? " > 0" : "");
  return fmt::format("{}({})", function.spec.name, operands);
}

/// Its value for `batch` examples of that shape, which begin at number `first` of a sequence of examples.
Numbers value_of(const Expression &expression, Shape shape, int64_t first, int64_t batch) {
  const int64_t elements = element_count(shape);
  shape.insert(shape.begin(), batch);
  Graph graph;
  StandIns stand_ins;
  const Scope scope{graph, "", &stand_ins};
  std::vector<Var> values;
  Bindings bindings;
  for (const Expression::Name &name : expression.names) {
    Tensor tensor(Type{DType::f64, shape});
    for (int64_t i = 0; i < tensor.type.elements(); ++i)
      tensor.set(i, std::sin(static_cast<double>(first * elements + i) + static_cast<double>(name.text[0])));
    values.push_back({&scope, graph.declare(Role::input, name.text, tensor.type)});
    bindings.emplace(name.text, std::move(tensor));
  }
  graph.returns.push_back({"value", expand(expression, values, DType::f64).value});
  drop_stand_ins(graph, stand_ins);
  return interpret(graph, bindings)[0].floats;
}

void check_rows(const ExpressionFunction &function, const Shape &shape) {
  const Expression expression = parse_expression(call_of(function));
  try {
    shape_of(expression, std::vector<Type>(function.operands, Type{DType::f32, shape}));
  } catch (const ExpressionError &) {
    return; // it takes no such operands
  }
  INFO(call_of(function) << " of " << to_string(shape));
  Numbers apart = value_of(expression, shape, 0, 1);
  for (double number : value_of(expression, shape, 1, 1))
    apart.push_back(number);
  const Numbers together = value_of(expression, shape, 0, 2);
  REQUIRE(together.size() == apart.size());
  for (size_t i = 0; i < apart.size(); ++i)
    CHECK((together[i] == apart[i] || (std::isnan(together[i]) && std::isnan(apart[i]))));
}

TEST_CASE("no function of expressions looks from one example to another", "[model]") {
  for (const ExpressionFunction &function : expression_functions())
    for (const Shape &shape : {Shape{}, Shape{3}, Shape{2, 2}})
      check_rows(function, shape);
}

/// A network with three outputs, a target and weights of examples; `rest` has the loss and what may follow.
Model network(const std::string &rest) {
  return model_of(R"({"inputs": {"x": {"shape": [4]}, "y": {"shape": [3]}, "w": {"shape": []}},
    "layers": [{"name": "hidden", "type": "dense", "units": 5, "activation": "tanh", "input": "x"},
               {"name": "out", "type": "dense", "units": 3}], )" + rest + "}");
}

/// What an entry returns, and the gradients it leaves, for three examples and parameters that are all different.
std::vector<Numbers> run(const Model &model, Entry entry) {
  const Graph graph = build_graph(model, entry, 3, DType::f64);
  verify(graph);
  Bindings state;
  for (const Node &node : graph.nodes)
    if (node.is_declaration()) {
      Tensor tensor(node.type);
      for (int64_t i = 0; i < tensor.type.elements() && is_float(node.type.dtype); ++i)
        tensor.set(i, 0.3 + std::sin(1.3 * static_cast<double>(i + static_cast<int64_t>(node.name.size()))));
      if (node.name == "w")
        tensor.floats = {0.5, 0, 2};
      state.emplace(node.name, tensor);
    }
  std::vector<Numbers> results;
  for (const Tensor &tensor : interpret(graph, state))
    results.push_back(tensor.floats);
  for (const auto &[name, tensor] : state)
    if (name.ends_with(".grad"))
      results.push_back(tensor.floats);
  return results;
}

/// The loss, its gradients, and each loss of an evaluation.
std::vector<Numbers> trained_and_evaluated(const std::string &loss) {
  const Model model = network("\"loss\": " + loss);
  std::vector<Numbers> results = run(model, Entry::grad_step);
  const std::vector<Numbers> evaluated = run(model, Entry::evaluate); // sums and weights, then the penalty
  for (size_t i = 0; i + 1 < evaluated.size(); i += 2)
    results.push_back({evaluated[i][0] / evaluated[i + 1][0]});
  return results;
}

TEST_CASE("an expression that says what a loss says trains and evaluates as it does", "[model]") {
  const std::pair<const char *, const char *> pairs[] = {
      {R"({"type": "mse", "target": "y", "example_weights": "w"})",
       R"json({"type": "expression", "of": "mean(square(out - y))", "example_weights": "w"})json"},
      {R"({"type": "mae", "target": "y", "weight": 2, "example_weights": "w"})",
       R"json({"type": "expression", "of": "abs(y - out)", "weight": 2, "example_weights": "w"})json"},
      {R"({"type": "softmax_cross_entropy", "labels": "y", "example_weights": "w"})",
       R"json({"type": "expression", "of": "-sum(y * log_softmax(out))", "example_weights": "w"})json"},
      {R"([{"type": "mse", "target": "y", "example_weights": "w"},
           {"type": "mae", "target": "y", "weight": 0.1, "example_weights": "w"}])",
       R"json([{"type": "expression", "of": "(out - y) ^ 2", "example_weights": "w"},
               {"type": "expression", "of": "mean(abs(out - y))", "weight": 0.1, "example_weights": "w"}])json"}};
  for (const auto &[known, expression] : pairs) {
    INFO(expression);
    const std::vector<Numbers> wanted = trained_and_evaluated(known), got = trained_and_evaluated(expression);
    REQUIRE(got.size() == wanted.size());
    for (size_t i = 0; i < got.size(); ++i)
      check_near(got[i], wanted[i]);
  }
}

TEST_CASE("a metric that is an expression is in the units of the data, as others are", "[model]") {
  const Model model = network(R"json("loss": {"type": "mse", "target": "y", "example_weights": "w"},
    "metrics": ["mae", {"type": "expression", "name": "error", "of": "mean(abs(y - out))"},
                {"type": "expression", "name": "worst", "of": "max(abs(y - out))", "higher_is_better": true}],
    "train": {"data": {"path": "d.csv", "x": {"columns": [0, 3]}, "w": {"column": 7},
                       "y": {"columns": [4, 6], "scale": 0.5, "offset": 1}}})json");
  const std::vector<Numbers> results = run(model, Entry::evaluate);
  REQUIRE(results.size() == 6); // the loss in three parts, three metrics
  CHECK(results[4][0] == Approx(results[3][0]).epsilon(1e-14));
  CHECK(results[5][0] > results[4][0]);
  const Json metrics = Json::parse(signature(model))["metrics"];
  CHECK(metrics[2] == Json::parse(R"({"name": "error", "kind": "mean", "terms": ["error.sum"], "higher_is_better": false})"));
  CHECK(metrics[3]["higher_is_better"] == true);
}

TEST_CASE("inputs that only an expression of a loss names are no features", "[model]") {
  const Model model = model_of(R"json({
    "inputs": {"x": {"shape": [4]}, "t": {"shape": [3]}, "k": {"shape": [], "dtype": "i32"}},
    "layers": [{"name": "hidden", "type": "dense", "units": 3},
               {"name": "twice", "type": "expression", "of": "2 * hidden + mean(x)"},
               {"name": "out", "type": "dense", "units": 3}],
    "loss": {"type": "expression", "of": "mean(square(out - t)) * (k == 1) + 0.1 * mean(abs(hidden))"}})json");
  CHECK(model.layers[0].sources == std::vector<Source>{0}); // the only input left
  CHECK(model.layers[1].sources == std::vector<Source>{3, 0});
  CHECK(model.layers[1].output == Shape{3});
  const Json json = Json::parse(signature(model));
  CHECK(json["features"] == Json::parse(R"(["x"])"));
  REQUIRE(json["outputs"].size() == 1);
  CHECK(json["outputs"][0] == Json::parse(R"({"name": "out"})"));
  CHECK_NOTHROW(verify(build_graph(model, Entry::predict, 2)));
}

std::string repeated(const std::string &part, size_t times, const std::string &between) {
  std::string text = part;
  for (size_t i = 1; i < times; ++i)
    text += between + part;
  return text;
}

TEST_CASE("deep expressions are refused, long ones make as many nodes as they have parts", "[model]") {
  for (const std::string &text : {std::string(100000, '('), repeated("-", 100000, ""), repeated("exp(", 100000, ""),
                                  repeated("a", 100000, "^"), "(" + repeated("a", 100000, "+(") + ")",
                                  repeated("f(", 100000, "x,")})
    CHECK_THROWS_AS(parse_expression(text), ExpressionError);
  CHECK_NOTHROW(parse_expression(std::string(60, '(') + "a" + std::string(60, ')')));
  CHECK_THROWS_AS(parse_expression(repeated("a", 5001, "+")), ExpressionError);
  for (size_t terms : {50, 500, 5000}) {
    const Expression expression = parse_expression(repeated("a", terms, " + "));
    CHECK(expression.nodes.size() == 2 * terms - 1);
    CHECK(expression.names.size() == 1);
    Graph graph;
    const Scope scope{graph, ""};
    expand(expression, {{&scope, graph.declare(Role::input, "a", {DType::f32, {2, 3}})}}, DType::f32);
    CHECK(graph.size() == terms);
  }
}

} // namespace
} // namespace gradc
