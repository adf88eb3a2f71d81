// The published schema and the loader take and refuse the same files.
//
// A schema cannot say everything: that names lead somewhere, that shapes fit, that a key of train.data is an input. So what it refuses
// the loader refuses, and what the loader refuses before it looks at names and shapes, the schema refuses.
#include "compiler/model/json/json_reader.h"
#include "compiler/model/linking/resolve.h"
#include "compiler/model/model.h"
#include "compiler/model/tables/sections.h"
#include "tests/support/json_schema.h"
#include "tests/support/model_maker.h"

#include <catch2/catch.hpp>

#include <fstream>

namespace gradc {
namespace {

using Json = nlohmann::ordered_json;
constexpr int kFiles = 500; // of each kind

/// What is wrong with the file before names and shapes are looked at; "" when nothing is.
std::string mistakes_of(const Json &file) {
  Diagnostics diagnostics;
  const auto root = read_json(diagnostics.add_source("model.json", file.dump(1)), diagnostics);
  resolve(*root, model_spec(), "", DType::f32, diagnostics);
  return diagnostics.render();
}

bool loads(const Json &file) {
  Diagnostics diagnostics;
  return load_model_text(file.dump(), "model.json", {}, diagnostics).has_value();
}

/// Keys of train.data, or of the files of a part, that are no inputs.
bool has_data_of_no_input(const Json &file) {
  const auto at = [](const Json &json, const char *key) { return json.is_object() ? json.value(key, Json()) : Json(); };
  const Json inputs = at(file, "inputs"), train = at(file, "train");
  for (const char *section : {"data", "validation", "test"})
    for (const char *name : {"x", "_a1"})
      if (const Json data = at(train, section);
          data.is_object() && data.contains(name) && !(inputs.is_object() && inputs.contains(name)))
        return true;
  return false;
}

struct Counts {
  int right = 0, wrong = 0, loaded = 0;
};

void compare(const Json &file, const Json &schema, Counts &counts) {
  const bool taken = tests::satisfies(file, schema);
  const std::string mistakes = mistakes_of(file);
  INFO(file.dump(1) << "\n" << (taken ? "the schema takes it" : "the schema refuses it") << "; the loader says:\n" << mistakes);
  ++(taken ? counts.right : counts.wrong);
  if (!taken) {
    CHECK_FALSE(loads(file));
    CHECK(!mistakes.empty());
    return;
  }
  if (!mistakes.empty())
    CHECK(has_data_of_no_input(file));
  counts.loaded += loads(file);
}

Json published_schema() {
  std::ifstream file(GRADC_SOURCE_DIR "/examples/gradc-model-1.schema.json");
  return Json::parse(file);
}

TEST_CASE("the schema and the loader agree on files from the tables", "[model]") {
  const Json schema = published_schema();
  tests::ModelMaker maker(1);
  Counts counts;
  for (int i = 0; i < kFiles; ++i)
    compare(maker.file(i % 3), schema, counts);
  CHECK(counts.right > kFiles / 4); // and both verdicts are tried
  CHECK(counts.wrong > kFiles / 4);
}

TEST_CASE("the schema and the loader agree on models from the tables", "[model]") {
  const Json schema = published_schema();
  tests::ModelMaker maker(2);
  Counts counts;
  for (int i = 0; i < kFiles; ++i)
    compare(maker.model(i % 3), schema, counts);
  CHECK(counts.loaded > kFiles / 8);
  CHECK(counts.wrong > kFiles / 8);
}

TEST_CASE("the schema and the loader agree on names, numbers and shorthands", "[model]") {
  const Json schema = published_schema();
  const Json base = {{"inputs", {{"x", {{"shape", {3}}}}, {"y", {{"shape", {1}}}}}},
                     {"layers", {{{"type", "dense"}, {"units", 1}}}},
                     {"loss", {{"type", "mse"}, {"target", "y"}}}};
  struct Case {
    const char *path;
    Json value;
    bool right;
  };
  for (const Case &c : std::vector<Case>{{"/name", "a-b", false},
                                         {"/name", std::string(64, 'a'), true},
                                         {"/name", std::string(65, 'a'), false},
                                         {"/name", "a\n", false},
                                         {"/inputs/a b", {{"shape", {1}}}, false},
                                         {"/train", {{"batch_size", 1 << 24}}, true},
                                         {"/train", {{"batch_size", (1 << 24) + 1}}, false},
                                         {"/train", {{"epochs", 0}}, false},
                                         {"/train", {{"epochs", 2.0}}, true},
                                         {"/train", {{"epochs", 2.5}}, false},
                                         {"/train", {{"epochs", 1e300}}, false},
                                         {"/train", {{"seed", 9223372036854775807}}, true},
                                         {"/train", {{"test_split", 1}}, false},
                                         {"/optimizer", "sgd", true},
                                         {"/optimizer", {{"learning_rate", 0}}, true},
                                         {"/optimizer", {{"learning_rate", {{"initial", 0.5}}}}, true},
                                         {"/optimizer", {{"learning_rate", {{"type", "step"}, {"initial", 0.5}}}}, false},
                                         {"/optimizer", {{"learning_rate", -0.5}}, false},
                                         {"/optimizer", nullptr, true},
                                         {"/loss", "mse", false},
                                         {"/loss/target", nullptr, false},
                                         {"/layers/0/bias_initializer", "constant", false},
                                         {"/layers/0/type", nullptr, false},
                                         {"/layers/0/activation", "softmax", true}}) {
    Json file = base;
    file[Json::json_pointer(c.path)] = c.value;
    INFO(c.path << " = " << c.value);
    CHECK(tests::satisfies(file, schema) == c.right);
    CHECK(loads(file) == c.right);
  }
}

} // namespace
} // namespace gradc
