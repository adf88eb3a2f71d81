// Loading: defaults, overrides, the signature, and the pages made from the tables.
#include "compiler/model/layers/layer.h"
#include "compiler/model/model.h"
#include "compiler/model/tables/optimizers.h"
#include "tests/support/difference.h"
#include "tests/support/models.h"
#include "tests/support/text_file.h"

#include <catch2/catch.hpp>

#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

namespace gradc {
namespace {

using Json = nlohmann::json;

Model load(const std::string &text, const std::vector<std::string> &overrides = {}) {
  return tests::model_of(text, overrides, "some/folder/tiny-model.json");
}

const std::string kModel = R"({
  "inputs": {"x": {"shape": [4]}, "y": {"shape": [], "dtype": "i32"}},
  "layers": [{"type": "dense", "units": 8, "activation": "relu"}, {"type": "dropout"},
             {"name": "scores", "type": "dense", "units": 3}],
  "loss": {"type": "softmax_cross_entropy", "labels": "y"},
  "metrics": ["accuracy"]
})";

TEST_CASE("a resolved model has every default", "[model]") {
  const Model model = load(kModel);
  CHECK(model.name == "tiny_model");
  CHECK(model.folder == "some/folder");
  const Json document = Json::parse(to_text(model.document));
  CHECK(document["layers"][0] == Json::parse(R"({
    "type": "dense", "name": "dense_0", "input": ["x"], "units": 8, "activation": {"type": "relu"}, "use_bias": true,
    "weight_initializer": {"type": "he_uniform"}, "bias_initializer": {"type": "zeros"}, "drop_connect": 0,
    "l1": 0, "l2": 0, "proximal_l1": 0, "activity_l1": 0, "activity_l2": 0, "weight_noise": 0, "spectral_norm": false,
    "trainable": true, "when": true})"));
  CHECK(document["layers"][1]["rate"] == 0.5);
  CHECK(document["layers"][2]["weight_initializer"]["type"] == "xavier_uniform");
  CHECK(document["loss"][0] ==
        Json::parse(R"({"type": "softmax_cross_entropy", "weight": 1, "logits": "scores", "labels": "y", "label_smoothing": 0})"));
  CHECK(document["optimizer"]["learning_rate"] ==
        Json::parse(R"({"type": "constant", "initial": 0.001, "warmup_steps": 0})"));
  CHECK(document["train"]["batch_size"] == 32);
  CHECK(document["outputs"] == Json::parse(R"(["scores"])"));
}

TEST_CASE("a resolved model loads as itself", "[model]") {
  const Model model = load(kModel);
  CHECK(to_text(load(to_text(model.document)).document) == to_text(model.document));
}

TEST_CASE("numbers that can change at run time come in a fixed order", "[model]") {
  const Model model =
      load(kModel, {"optimizer.weight_decay=0.1", "layers.scores.l2=0.01", "optimizer.learning_rate=0.5"});
  std::vector<std::pair<std::string, double>> hypers;
  for (const ModelHyper &hyper : model.hypers)
    hypers.emplace_back(hyper.name, hyper.value);
  CHECK(hypers ==
        std::vector<std::pair<std::string, double>>{
            {"learning_rate", 0.5}, {"weight_decay", 0.1}, {"dropout_1.rate", 0.5}, {"scores.l2", 0.01}});
}

TEST_CASE("overrides replace, add and reach into shorthands", "[model]") {
  const Model model =
      load(kModel, {"optimizer=sgd", "optimizer.learning_rate.type=cosine",
                    "optimizer.learning_rate.initial=0.2", "layers.0.units=5", "train.seed=9"});
  CHECK(model.optimizer->spec.name == "sgd");
  CHECK(model.params[0].shape == Shape{4, 5});
  const Json document = Json::parse(to_text(model.document));
  CHECK(document["optimizer"]["learning_rate"]["type"] == "cosine");
  CHECK(document["train"]["seed"] == 9);
}

TEST_CASE("layers may stand in any order", "[model]") {
  const Model model = load(R"({
    "inputs": {"x": {"shape": [4]}, "y": {"shape": [2]}},
    "layers": [{"name": "out", "type": "dense", "units": 2, "input": "hidden"},
               {"name": "hidden", "type": "dense", "units": 3, "input": "x"}],
    "loss": {"type": "mse", "prediction": "out", "target": "y"}})");
  CHECK(model.order == std::vector<size_t>{1, 0});
  CHECK(model.params[0].shape == Shape{3, 2});
}

TEST_CASE("the signature describes inputs and metrics", "[model]") {
  const Json json = Json::parse(signature(load(kModel), DType::f64));
  CHECK(json["gradc"] == 1);
  CHECK(json["inputs"]["x"] == Json::parse(R"({"shape": [4], "dtype": "f64"})"));
  CHECK(json["inputs"]["y"] == Json::parse(R"({"shape": [], "dtype": "i32", "classes": 3})"));
  CHECK(json["metrics"][0]["terms"][0] == "loss.sum");
  CHECK(json["metrics"][1]["terms"][0] == "accuracy.sum");
}

TEST_CASE("errors found later are located by their JSON pointer", "[model]") {
  const Model model = load(kModel);
  const std::optional<Span> span = find_location(model, "/layers/2");
  REQUIRE(span);
  CHECK(kModel.substr(span->begin, span->end - span->begin) == "\"dense\"");
  CHECK(!find_location(model, "/layers/7"));
}

TEST_CASE("the summary counts parameters and multiply-adds", "[model]") {
  const std::vector<SummaryRow> rows = summary(load(kModel), 10);
  REQUIRE(rows.size() == 5);
  CHECK(rows[0].params == 4 * 8 + 8);
  CHECK(rows[2].params == 8 * 3 + 3);
  CHECK(rows[2].flops >= 3 * 2 * 10 * 8 * 3); // y, dx and dW
}

TEST_CASE("the schema names every layer and is strict about keys", "[model]") {
  const nlohmann::ordered_json json = schema();
  CHECK(json["$schema"] == "http://json-schema.org/draft-07/schema#");
  CHECK(json["additionalProperties"] == false);
  CHECK(json["definitions"]["layer"]["anyOf"][0]["allOf"].size() == layers().types.size());
}

std::string read(const std::filesystem::path &path) {
  std::ifstream file(path);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

TEST_CASE("class weights by label are a list in the order of the labels", "[model]") {
  const Model model = load(R"({
    "inputs": {"x": {"shape": [2]}, "y": {"shape": [], "dtype": "i32"}},
    "layers": [{"type": "dense", "units": 3}],
    "loss": {"type": "softmax_cross_entropy", "labels": "y", "class_weights": {"a spam": 5, "ham": 0.5, "": 0}},
    "train": {"data": {"path": "d.csv", "x": {"columns": [0, 1]}, "y": {"column": 2, "labels": ["ham", "", "a spam"]}}}})");
  CHECK(Json::parse(to_text(model.losses[0].attrs.at("class_weights"))) == Json({0.5, 0, 5}));
  CHECK(model.losses[0].is_weighted());
}

TEST_CASE("the published schema and reference are those of the tables", "[model]") {
  const std::filesystem::path root = GRADC_SOURCE_DIR;
  const std::filesystem::path schema_file = root / "examples" / "gradc-model-1.schema.json";
  const std::filesystem::path reference_file = root / "compiler" / "model" / "REFERENCE.md";
  const std::string reference =
      "# Model file reference\n\nMade by `gradc schema --markdown`.\n\n" + reference_markdown();
  if (blessing()) {
    std::ofstream(schema_file) << schema().dump(2) << '\n';
    std::ofstream(reference_file) << reference;
  }
  tests::check_same_text(read(schema_file), schema().dump(2) + '\n');
  tests::check_same_text(read(reference_file), reference);
}

TEST_CASE("the examples load", "[model]") {
  int loaded = 0;
  for (const auto &folder : std::filesystem::directory_iterator(std::filesystem::path(GRADC_SOURCE_DIR) / "examples")) {
    const auto path = folder.path() / "model.json";
    if (!std::filesystem::exists(path))
      continue;
    INFO(path);
    Diagnostics diagnostics;
    CHECK(load_model(path.string(), {}, diagnostics));
    CHECK(diagnostics.render().empty());
    ++loaded;
  }
  CHECK(loaded > 0);
}

} // namespace
} // namespace gradc
