#include "compiler/codegen/entries/c_name.h"

#include <algorithm>
#include <cctype>
#include <unordered_set>

namespace gradc {
namespace {

constexpr std::string_view kLibraryNames =
#include "compiler/codegen/entries/taken_names.inc"
    ;

// Of C up to C23 and of C++ up to C++23, with what compilers and preprocessors add in their default modes.
constexpr std::string_view kKeywords =
    "alignas alignof and and_eq asm auto bitand bitor bool break case catch char char8_t char16_t char32_t class co_await "
    "co_return co_yield compl concept const const_cast consteval constexpr constinit continue decltype default defined delete "
    "do double dynamic_cast else enum explicit export extern false far final float for friend goto i386 if import inline int "
    "linux long main module mutable namespace new noexcept not not_eq nullptr operator or or_eq override posix private "
    "protected public register reinterpret_cast requires restrict return short signed sizeof static static_assert static_cast "
    "std struct switch template this thread_local throw true try typedef typeid typename typeof typeof_unqual union unix "
    "unsigned using virtual void volatile wchar_t while xor xor_eq";

void add_words(std::unordered_set<std::string_view> &set, std::string_view text) {
  for (size_t at = 0; (at = text.find_first_not_of(" \n", at)) != text.npos;) {
    const size_t end = std::min(text.find_first_of(" \n", at), text.size());
    set.insert(text.substr(at, end - at));
    at = end;
  }
}

const std::unordered_set<std::string_view> &taken_words() {
  static const std::unordered_set<std::string_view> words = [] {
    std::unordered_set<std::string_view> set;
    add_words(set, kKeywords);
    add_words(set, kLibraryNames);
    return set;
  }();
  return words;
}

// gradc's macros begin with GRADC.
bool begins_like_gradc(std::string_view name) {
  constexpr std::string_view gradc = "gradc";
  return name.size() >= gradc.size() && std::equal(gradc.begin(), gradc.end(), name.begin(), [](char lower, char given) {
           return lower == std::tolower(static_cast<unsigned char>(given));
         });
}

// Could `word` be a function or macro in the header of a model of that name?
bool could_be_of(std::string_view word, const std::string &name, const std::string &capitals) {
  const std::vector<std::string_view> &functions = header_functions();
  if (word.size() <= name.size() || word[name.size()] != '_')
    return false;
  if (word.starts_with(capitals) && (word.ends_with("_BATCH") || word.ends_with("_SIZE")))
    return true;
  return word.starts_with(name) && std::find(functions.begin(), functions.end(), word.substr(name.size() + 1)) != functions.end();
}

// Could it be a function or macro in the header of a model of a shorter name?
bool could_be_of_another(const std::string &name) {
  const std::vector<std::string_view> &functions = header_functions();
  return std::any_of(functions.begin(), functions.end(),
                     [&](std::string_view function) { return name.ends_with("_" + std::string(function)); }) ||
         name.ends_with("_label") || name.ends_with("_BATCH") || name.ends_with("_SIZE") || name.ends_with("_MODEL_H") ||
         name.find("_HYPER_") != name.npos;
}

} // namespace

const std::vector<std::string_view> &header_functions() {
  static const std::vector<std::string_view> names = {
      "accumulate_step", "apply",          "arena_bytes",   "calibrate", "choose", "create",  "create_from", "destroy", "evaluate", "fit",        "grad_step",
      "hypers_of_step", "learning_rate", "load",   "message", "predict",     "resume",  "run",      "save",       "tensor",
      "train_step",     "update"};
  return names;
}

std::string in_capitals(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(), [](unsigned char c) { return std::toupper(c); });
  return text;
}

bool is_taken(const std::string &name) {
  if (name.starts_with('_') || begins_like_gradc(name) || taken_words().contains(name))
    return true;
  if (could_be_of_another(name))
    return true;
  const std::string capitals = in_capitals(name);
  return std::any_of(taken_words().begin(), taken_words().end(),
                     [&](std::string_view word) { return could_be_of(word, name, capitals); });
}

std::string c_name(const std::string &model_name) { return is_taken(model_name) ? "model_" + model_name : model_name; }

std::string exported_symbol(const std::string &model_name) { return c_name(model_name) + "_model"; }

} // namespace gradc
