// What PyTorch, Keras and their kin call the keys, types and values of the model format.
#pragma once

#include <string_view>
#include <vector>

namespace gradc {

/// A word of the model format, and what others call it.
struct Synonyms {
  std::string_view ours;
  std::string_view words; // separated by blanks
};
const std::vector<Synonyms> &synonyms();

/// Words for what the model format does without, and what to do about it.
struct Foreign {
  std::string_view words; // separated by blanks
  std::string_view note;
};
const std::vector<Foreign> &foreign_words();

/// Is it one of the `words`? Case, "_" and "-" do not count: "CrossEntropyLoss" is "cross_entropy_loss".
bool is_among(std::string_view word, std::string_view words);

} // namespace gradc
