// Names of models, inputs, layers and metrics in C: whatever gradc accepts makes a header that C and C++ compilers take, beside
// every header of C's library and beside the headers of other models.
#include "compiler/codegen/entries/c_name.h"
#include "compiler/engines/build_model.h"
#include "compiler/engines/model_header.h"
#include "tests/support/compiled_library.h"

#include <catch2/catch.hpp>

#include <fmt/format.h>
#include <iterator>
#include <regex>
#include <set>
#include <sstream>

namespace gradc {
namespace {

using Names = std::vector<std::string>;
using tests::shell;

const std::string kLibraryHeaders = [] {
  std::string text;
  for (const char *header : {"assert",  "complex", "ctype",   "dirent",    "dlfcn",   "errno",  "fcntl",   "fenv",    "float",
                             "inttypes", "iso646", "limits",  "locale",    "math",    "pthread", "regex",  "sched",   "semaphore",
                             "setjmp",  "signal",  "stdarg",  "stdbool",   "stddef",  "stdint", "stdio",   "stdlib",  "string",
                             "strings", "sys/mman", "sys/stat", "sys/time", "sys/wait", "time", "uchar",   "unistd",  "wchar"})
    text += fmt::format("#include <{}.h>\n", header);
  return text;
}();

Names words(const std::string &text) {
  std::istringstream stream(text);
  return {std::istream_iterator<std::string>(stream), {}};
}

// Keywords and tokens of C23 and C++23, as the standards list them.
const Names kKeywords = words(
    "alignas alignof and and_eq asm auto bitand bitor bool break case catch char char8_t char16_t char32_t class co_await "
    "co_return co_yield compl concept const const_cast consteval constexpr constinit continue decltype default delete do double "
    "dynamic_cast else enum explicit export extern false final float for friend goto if import inline int long module mutable "
    "namespace new noexcept not not_eq nullptr operator or or_eq override private protected public register reinterpret_cast "
    "requires restrict return short signed sizeof static static_assert static_cast struct switch template this thread_local "
    "throw true try typedef typeid typename typeof typeof_unqual union unsigned using virtual void volatile wchar_t while xor "
    "xor_eq _Alignas _Alignof _Atomic _BitInt _Bool _Complex _Decimal32 _Generic _Imaginary _Noreturn _Static_assert "
    "_Thread_local __func__ __attribute__ __asm__ __x86_64__ __int128 __FILE__ __LINE__");

// What this header, gradc and the whole program mean by a name.
const Names kOurs = words(
    "gradc gradc_model gradc_call gradc_entry gradc_entry_at gradc_m gradc_c gradc_i gradc_batch gradc_in_x gradc_out_y GRADC "
    "GRADC_OK GRADC_H Gradc m i at mask seed threads model entry call batch inputs outputs hypers loss status step team memory "
    "arenas chosen problem main std posix linux unix i386 net net_run net_create net_create_from net_train_step net_predict "
    "NET_BATCH NET_MODEL_H pthread sem timer sched MSG sin exp log index random gamma free exit div abs NULL NAN INFINITY "
    "RAND_MAX EOF M_PI size_t int32_t uint8_t int64_t FILE errno assert isnan I");

Names all_names() {
  Names all = kKeywords;
  all.insert(all.end(), kOurs.begin(), kOurs.end());
  return all;
}

/// A model of that name; `body` has its inputs, layers and what else there is.
ModelSpec spec(const std::string &name, const std::string &body) {
  Diagnostics diagnostics;
  const std::optional<Model> model =
      load_model_text(fmt::format(R"({{"name": "{}", "optimizer": {{"type": "sgd", "accumulate": 2}}, {}}})", name, body),
                      "m.json", {}, diagnostics);
  INFO(diagnostics.render());
  REQUIRE(model);
  std::vector<EntryRequest> entries;
  for (Entry entry : entries_of(*model))
    entries.push_back({entry, takes_examples(entry) ? 2 : 0});
  return build_graphs(*model, entries, DType::f32);
}

const std::string kTiny = R"("inputs": {"x": {"shape": [2]}, "y": {"shape": [1]}},
  "layers": [{"name": "o", "type": "dense", "units": 1, "input": "x"}], "loss": {"type": "mse", "target": "y"})";

/// The pattern once for each name, which stands in it as NAME.
std::string for_each(const Names &names, const std::string &pattern) {
  std::string list;
  for (const std::string &name : names)
    list += (list.empty() ? "" : ", ") + std::regex_replace(pattern, std::regex("NAME"), name);
  return list;
}

/// Classes to predict, and their labels, have these names.
std::string with_inputs(const Names &names) {
  return R"("inputs": {"q": {"shape": [2]}, )" + for_each(names, R"("NAME": {"shape": [], "dtype": "i32"})") + R"(},
    "layers": [{"name": "scores", "type": "dense", "units": 2, "input": "q", "weight_initializer": "lsuv"}],
    "loss": [)" + for_each(names, R"({"type": "softmax_cross_entropy", "logits": "scores", "labels": "NAME"})") + R"(],
    "train": {"data": {"path": "d.csv", "q": {"columns": [0, 1], "standardize": true},
      )" + for_each(names, R"("NAME": {"column": "NAME", "labels": ["a", "b"]})") + "}}";
}

/// Layers that are outputs, and metrics, have these names.
std::string with_outputs(const Names &names) {
  return R"("inputs": {"q": {"shape": [2]}, "z": {"shape": [1]}},
    "layers": [)" + for_each(names, R"({"name": "NAME", "type": "dense", "units": 1, "input": "q"})") + R"(],
    "loss": [)" + for_each(names, R"({"type": "mse", "prediction": "NAME", "target": "z"})") + R"(],
    "metrics": [)" + for_each(names, R"({"type": "mae", "name": "NAME", "prediction": "NAME", "target": "z"})") + R"(],
    "outputs": [)" + for_each(names, R"("NAME")") + "]";
}

using Compilers = std::vector<std::string>;

void compile(const std::string &source, const Compilers &compilers = {"cc -x c -std=c99 -Wc++-compat", "c++ -x c++ -std=gnu++20"}) {
  const runtime::TemporaryFolder folder;
  runtime::write_text(folder / "use.c", source);
  const std::string flags = " -fsyntax-only -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Werror " + (folder / "use.c");
  for (const std::string &compiler : compilers)
    shell(compiler + flags);
}

} // namespace

TEST_CASE("names: headers of models whose names are those of C, C++ and gradc compile in one program", "[hosts][names]") {
  std::string source = kLibraryHeaders;
  Names names = kOurs;
  for (size_t i = 0; i < kKeywords.size(); i += 10) // the next test has them all
    names.push_back(kKeywords[i]);
  for (const std::string &name : names)
    if (name != "gradc_model") // is the function of the model `gradc`; the names of this kind are left to the user
      source += model_header(spec(name, kTiny));
  compile(source);
}

// The table in the tree was made on one machine; the library of this one may have more names.
TEST_CASE("names: no model has the name of a keyword, or of a macro, type or function of C's library", "[hosts][names]") {
  const runtime::TemporaryFolder folder;
  runtime::write_text(folder / "all.c", kLibraryHeaders);
  const std::string preprocess = "cc -D_GNU_SOURCE -E " + (folder / "all.c");
  Names names = all_names();
  const Names macros = words(shell(preprocess + " -dM | awk '{sub(/\\(.*/, \"\", $2); print $2}'"));
  const Names functions = words(shell(preprocess + " -P | grep -oE '\\b[A-Za-z_][A-Za-z0-9_]* *\\(' | tr -d '( ' | sort -u"));
  REQUIRE(macros.size() > 1500);
  REQUIRE(functions.size() > 1000);
  names.insert(names.end(), macros.begin(), macros.end());
  names.insert(names.end(), functions.begin(), functions.end());
  std::string source = kLibraryHeaders;
  std::set<std::string> declared;
  for (const std::string &name : names)
    if (const std::string c = c_name(name); declared.insert(c).second)
      source += fmt::format("typedef struct {0} {0};\n", c) + (c == name ? fmt::format("int {0}_create({0} *);\n", c) : "");
  compile(source);
}

TEST_CASE("names: inputs, labels, layers, outputs and metrics may have any of them", "[hosts][names]") {
  Names names = all_names(); // but those that gradc refuses in the model file
  std::erase_if(names, [](const std::string &name) { return name == "loss" || name == "seed" || name == "step"; });
  compile(kLibraryHeaders + model_header(spec("net", with_inputs(names))) + model_header(spec("other", with_outputs(names))),
          {"cc -x c -std=c99", "cc -x c -std=gnu17", "c++ -x c++ -std=c++98", "c++ -x c++ -std=c++17"});
}

TEST_CASE("names: what a header defines is what no other model can be called", "[names]") {
  const std::string header = model_header(spec("net", with_inputs({"kind"})));
  std::set<std::string> defined, known = {"kind_label"};
  for (std::string_view function : header_functions())
    known.emplace(function);
  const std::regex definition(R"(static inline [a-z0-9_ ]*\*?(?:const \*)?net_(\w+)\()"), macro(R"(#define (NET_\w+) )");
  for (std::sregex_iterator at(header.begin(), header.end(), definition), end; at != end; ++at)
    defined.insert((*at)[1]);
  CHECK(defined == known);
  for (std::sregex_iterator at(header.begin(), header.end(), macro), end; at != end; ++at)
    CHECK(c_name((*at)[1]) != (*at)[1]);
  CHECK(c_name("digits") == "digits");
  CHECK(c_name("tiny_model") == "tiny_model");
  CHECK(exported_symbol("gradc") == "model_gradc_model");
}

} // namespace gradc
