// Blocks of the model file are the layers that they stand for.
#include "compiler/model/layers/layer.h"
#include "compiler/model/model.h"
#include "ir/text/text.h"
#include "tests/support/json_schema.h"
#include "tests/support/models.h"

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include <fmt/format.h>
#include <fstream>

namespace gradc {
namespace {

using Json = nlohmann::ordered_json;
using tests::model_of;

/// A model of inputs x and y, shapes [4], with these blocks and layers.
std::string file(const std::string &blocks, const std::string &layers,
                 const std::string &loss = R"({"type": "mse", "target": "y"})") {
  return fmt::format(
      R"({{"name": "m", "inputs": {{"x": {{"shape": [4]}}, "y": {{"shape": [4]}}}}, "blocks": {{{}}}, "layers": [{}],
                         "loss": {}}})",
      blocks, layers, loss);
}

/// The resolved file and the graph of a train step.
std::string meaning(const Model &model) { return to_text(model.document, 1) + print(build_graph(model, Entry::train_step, 3)); }

/// Both files are the same model.
void check_same(const std::string &with_blocks, const std::string &flat, const std::vector<std::string> &overrides = {}) {
  const Model model = model_of(with_blocks, overrides);
  CHECK(meaning(model) == meaning(model_of(flat)));
  CHECK(to_text(model_of(to_text(model.document)).document) == to_text(model.document)); // which is a file like any other
}

const std::string kResidual = R"("residual": {
  "arguments": {"units": 4, "activation": "relu", "project": false},
  "layers": [
    {"name": "wide", "type": "dense", "units": "$units", "activation": "$activation"},
    {"name": "skip", "type": "dense", "units": "$units", "use_bias": false, "input": "input", "when": "$project"},
    {"type": "add", "input": ["wide", "skip"]}
  ]})";

TEST_CASE("a block is the layers that it stands for", "[model][blocks]") {
  check_same(file(kResidual, R"({"name": "net", "type": "block", "block": "residual"})"),
             file("", R"({"name": "net.wide", "type": "dense", "units": 4, "activation": "relu"},
                         {"name": "net.add_2", "type": "add", "input": ["net.wide", "x"]})"));
}

TEST_CASE("a repeated block reads the one before it, and its first may differ", "[model][blocks]") {
  check_same(file(kResidual, R"({"name": "net", "type": "block", "block": "residual", "repeat": 3, "set": {"units": 8},
                                 "first": {"project": true, "activation": {"type": "elu", "alpha": 0.5}}},
                                {"type": "dense", "units": 4})"),
             file("", R"({"name": "net.0.wide", "type": "dense", "units": 8, "activation": {"type": "elu", "alpha": 0.5}},
                         {"name": "net.0.skip", "type": "dense", "units": 8, "use_bias": false, "input": "x"},
                         {"name": "net.0.add_2", "type": "add", "input": ["net.0.wide", "net.0.skip"]},
                         {"name": "net.1.wide", "type": "dense", "units": 8, "activation": "relu"},
                         {"name": "net.1.add_2", "type": "add", "input": ["net.1.wide", "net.0.add_2"]},
                         {"name": "net.2.wide", "type": "dense", "units": 8, "activation": "relu"},
                         {"name": "net.2.add_2", "type": "add", "input": ["net.2.wide", "net.1.add_2"]},
                         {"name": "dense_1", "type": "dense", "units": 4})"));
}

TEST_CASE("blocks use blocks, and hand arguments and inputs on", "[model][blocks]") {
  check_same(file(R"("outer": {"arguments": {"n": null, "which": "inner"}, "inputs": ["a", "b"],
                       "layers": [{"name": "one", "type": "block", "block": "$which", "set": {"units": 4}, "input": ["b", "a"]},
                                  {"name": "two", "type": "block", "block": "$which", "set": {"units": 4}, "repeat": "$n", "input": ["one", "x"]}]},
                     "inner": {"arguments": {"units": null}, "inputs": ["left", "right"],
                       "layers": [{"name": "d", "type": "dense", "units": "$units"},
                                  {"name": "s", "type": "expression", "of": "d + tanh(right) * x"}]})",
                  R"({"name": "h", "type": "dense", "units": 4},
                     {"name": "net", "type": "block", "block": "outer", "set": {"n": 2}, "input": ["h", "x"]})"),
             file("", R"({"name": "h", "type": "dense", "units": 4},
                         {"name": "net.one.d", "type": "dense", "units": 4, "input": "x"},
                         {"name": "net.one.s", "type": "expression", "of": "net.one.d + tanh(h) * x"},
                         {"name": "net.two.0.d", "type": "dense", "units": 4},
                         {"name": "net.two.0.s", "type": "expression", "of": "net.two.0.d + tanh(x) * x"},
                         {"name": "net.two.1.d", "type": "dense", "units": 4},
                         {"name": "net.two.1.s", "type": "expression", "of": "net.two.1.d + tanh(x) * x"})"));
}

TEST_CASE("arguments keep their JSON type", "[model][blocks]") {
  const std::string block = R"("any": {
    "arguments": {"axes": [0], "keep": true, "rate": 0.5, "of": "input + $1", "initializer": {"type": "constant", "value": 2}},
    "layers": [{"name": "drop", "type": "dropout", "rate": "$rate"}, {"name": "mean", "type": "mean", "axes": "$axes", "keep": "$keep"},
               {"name": "d", "type": "dense", "units": 4, "weight_initializer": "$initializer"},
               {"name": "e", "type": "expression", "of": "$of"}]})";
  check_same(
      file(block, R"({"name": "net", "type": "block", "block": "any", "set": {"of": "input + d"}})"),
      file(
          "",
          R"({"name": "net.drop", "type": "dropout", "rate": 0.5}, {"name": "net.mean", "type": "mean", "axes": [0], "keep": true},
                         {"name": "net.d", "type": "dense", "units": 4, "weight_initializer": {"type": "constant", "value": 2}},
                         {"name": "net.e", "type": "expression", "of": "x + net.d"})"));
}

TEST_CASE("two dollars in a block stand for one", "[model][blocks]") {
  const Model model = model_of(file(
      R"("b": {"layers": [{"type": "dense", "units": 4, "weight_initializer": {"type": "from_file", "path": "$$weights.npy"}}]})",
      R"({"name": "net", "type": "block", "block": "b"})"));
  CHECK(model.params[0].initializer.string_at("path") == "$weights.npy");
}

TEST_CASE("a layer that is left out is its input", "[model][blocks]") {
  check_same(file("", R"({"name": "a", "type": "dense", "units": 4}, {"name": "drop", "type": "dropout", "when": false},
                         {"name": "b", "type": "dense", "units": 4}, {"name": "sum", "type": "add", "input": ["b", "drop"]})"),
             file("", R"({"name": "a", "type": "dense", "units": 4}, {"name": "b", "type": "dense", "units": 4, "input": "a"},
                         {"name": "sum", "type": "add", "input": ["b", "a"]})"));
  check_same(
      file(kResidual, R"({"name": "no", "type": "block", "block": "residual", "when": false}, {"type": "dense", "units": 4})"),
      file("", R"({"name": "dense_1", "type": "dense", "units": 4, "input": "x"})"));
}

TEST_CASE("the name of a block is that of its output", "[model][blocks]") {
  const std::string flat_loss = R"json([{"type": "mse", "prediction": "net.1.add_2", "target": "y"},
                                    {"type": "expression", "of": "mean(abs(net.0.add_2 - net.1.add_2))"}])json";
  check_same(
      file(
          kResidual, R"({"name": "net", "type": "block", "block": "residual", "repeat": 2})",
          R"json([{"type": "mse", "prediction": "net", "target": "y"}, {"type": "expression", "of": "mean(abs(net.0 - net))"}])json"),
      file("", R"({"name": "net.0.wide", "type": "dense", "units": 4, "activation": "relu"},
                         {"name": "net.0.add_2", "type": "add", "input": ["net.0.wide", "x"]},
                         {"name": "net.1.wide", "type": "dense", "units": 4, "activation": "relu"},
                         {"name": "net.1.add_2", "type": "add", "input": ["net.1.wide", "net.0.add_2"]})",
           flat_loss));
}

TEST_CASE("repetitions share the weights of the first", "[model][blocks]") {
  const std::string layers = R"({"name": "net", "type": "block", "block": "residual", "repeat": 3, "share": true},
                                {"name": "again", "type": "block", "block": "residual", "share": "net.1"})";
  const Model model = model_of(file(kResidual, layers));
  REQUIRE(model.params.size() == 2);
  CHECK(model.params[0].name == "net.0.wide.weight");
  check_same(file(kResidual, layers), file("", R"({"name": "net.0.wide", "type": "dense", "units": 4, "activation": "relu"},
                         {"name": "net.0.add_2", "type": "add", "input": ["net.0.wide", "x"]},
                         {"name": "net.1.wide", "type": "dense", "units": 4, "activation": "relu", "share": "net.0.wide"},
                         {"name": "net.1.add_2", "type": "add", "input": ["net.1.wide", "net.0.add_2"]},
                         {"name": "net.2.wide", "type": "dense", "units": 4, "activation": "relu", "share": "net.0.wide"},
                         {"name": "net.2.add_2", "type": "add", "input": ["net.2.wide", "net.1.add_2"]},
                         {"name": "again.wide", "type": "dense", "units": 4, "activation": "relu", "share": "net.0.wide"},
                         {"name": "again.add_2", "type": "add", "input": ["again.wide", "net.2.add_2"]})"));
}

TEST_CASE("a layer that shares within a shared block has the weights of the first", "[model][blocks]") {
  const Model model = model_of(file(R"("two": {"layers": [{"name": "a", "type": "dense", "units": 4, "l2": 0.5},
                                                          {"name": "b", "type": "dense", "units": 4, "share": "a"}]})",
                                    R"({"name": "net", "type": "block", "block": "two", "repeat": 3, "share": true})"));
  REQUIRE(model.params.size() == 2);
  for (size_t i = 1; i < model.layers.size(); ++i)
    CHECK(model.layers[i].weights_of == size_t{0});
  REQUIRE(model.hypers.size() == 2); // the learning rate, and l2 once
  CHECK(model.hypers[1].name == "net.0.a.l2");
}

TEST_CASE("overrides reach blocks, their uses and their layers", "[model][blocks]") {
  const std::string text =
      file(kResidual, R"({"name": "net", "type": "block", "block": "residual", "repeat": 2}, {"type": "dense", "units": 4})");
  const auto units = [&](const std::vector<std::string> &overrides) {
    std::vector<int64_t> all;
    for (const ModelLayer &layer : model_of(text, overrides).layers)
      if (layer.name.ends_with("wide"))
        all.push_back(layer.output[0]);
    return all;
  };
  const std::string project = "layers.net.first.project=true";
  CHECK(units({}) == std::vector<int64_t>{4, 4});
  CHECK(units({"blocks.residual.arguments.units=6", project}) == std::vector<int64_t>{6, 6});
  CHECK(units({"layers.net.set.units=5", project}) == std::vector<int64_t>{5, 5});
  CHECK(units({"layers.net.repeat=1"}) == std::vector<int64_t>{4});
  const Model model = model_of(text, {"layers.net.1.wide.activation=tanh", "layers.net.1.wide.l2=0.5"});
  CHECK(model.layers[0].attrs.at("activation").string_at("type") == "relu");
  CHECK(model.layers[2].attrs.at("activation").string_at("type") == "tanh");
  CHECK(model.hypers[1].name == "net.1.wide.l2");
}

TEST_CASE("what blocks expand to is bounded", "[model][blocks]") {
  std::string blocks = R"("b0": {"layers": [{"type": "activation", "activation": "tanh"}]})";
  for (int i = 1; i <= 40; ++i)
    blocks +=
        fmt::format(R"(, "b{}": {{"layers": [{{"name": "a", "type": "block", "block": "b{}", "repeat": 2}}]}})", i, i - 1);
  for (const char *start : {"b20", "b40"}) {
    Diagnostics diagnostics;
    CHECK(!load_model_text(file(blocks, fmt::format(R"({{"name": "net", "type": "block", "block": "{}"}})", start)),
                           "model.json", {}, diagnostics));
    CHECK(diagnostics.errors().size() == 1);
  }
}

TEST_CASE("long values are not copied without end", "[model][blocks]") {
  const std::string text = "\"" + std::string(1 << 20, 'a') + "\"";
  Diagnostics diagnostics;
  CHECK(
      !load_model_text(file(R"("b": {"arguments": {"of": null}, "layers": [{"type": "expression", "of": "$of"}]})",
                            R"({"name": "net", "type": "block", "block": "b", "repeat": 10000, "set": {"of": )" + text + "}}"),
                       "model.json", {}, diagnostics));
  CHECK(diagnostics.errors().size() == 1);
}

TEST_CASE("the schema takes blocks as the loader does", "[model][blocks]") {
  const Json schema = Json::parse(std::ifstream(GRADC_SOURCE_DIR "/examples/gradc-model-1.schema.json"));
  struct Case {
    const char *path;
    Json value;
    bool right;
  };
  const Json base = Json::parse(
      file(kResidual, R"({"name": "net", "type": "block", "block": "residual", "repeat": 2, "set": {"units": 4}})"));
  for (const Case &c : std::vector<Case>{{"/layers/0/repeat", 0, false},
                                         {"/layers/0/repeat", "2", false},
                                         {"/layers/0/first", {{"activation", {{"type", "elu"}, {"alpha", 2}}}}, true},
                                         {"/layers/0/share", true, true},
                                         {"/layers/0/share", 1, false},
                                         {"/layers/0/units", 1, false},
                                         {"/layers/0/block", nullptr, false},
                                         {"/blocks/residual/layers/0/units", "units", false},
                                         {"/blocks/residual/layers/0/unit", 4, false},
                                         {"/blocks/residual/layers/1/activation", {{"type", "elu"}, {"alpha", "$units"}}, true},
                                         {"/blocks/residual/layers/0/use_bias", "$project", true},
                                         {"/blocks/residual/layers/0/use_bias", "$ project", false},
                                         {"/blocks/residual/layers", Json::array(), false},
                                         {"/blocks/residual/size", 1, false},
                                         {"/blocks/residual/inputs", "input", false}}) {
    Json changed = base;
    changed[Json::json_pointer(c.path)] = c.value;
    Diagnostics diagnostics;
    load_model_text(changed.dump(), "model.json", {}, diagnostics);
    INFO(c.path << " = " << c.value << "\n" << diagnostics.render());
    CHECK(tests::satisfies(changed, schema) == c.right);
    CHECK(diagnostics.has_errors() != c.right);
  }
}

} // namespace
} // namespace gradc
