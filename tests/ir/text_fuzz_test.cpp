// Damaged text: every text test, mutated, is either refused with a TextError inside the text or read as something that
// prints and reads back. Nothing else may happen.
#include "tests/support/text_file.h"

#include "ir/kernel.h"
#include "ir/text/text.h"
#include "ir/verifier.h"

#include <catch2/catch.hpp>

#include <algorithm>
#include <random>

namespace gradc {
namespace {

constexpr int kMutationsPerFile = 60;

// One to three random edits: drop, repeat, overwrite or cut.
std::string mutated(std::string text, std::mt19937 &random) {
  constexpr std::string_view characters = "%{}[](),:=@.\"\\-+*/<>$#0129eEaxk_ \n\xff";
  auto below = [&](size_t n) { return static_cast<size_t>(random()) % std::max<size_t>(n, 1); };
  for (size_t edits = 1 + below(3); edits > 0 && !text.empty(); --edits) {
    size_t at = below(text.size()), length = 1 + below(12);
    switch (below(5)) {
    case 0: text.erase(at, length); break;
    case 1: text.insert(at, text.substr(below(text.size()), length)); break;
    case 2: text[at] = characters[below(characters.size())]; break;
    case 3: text.insert(at, 1, characters[below(characters.size())]); break;
    default: text.resize(at + 1); break;
    }
  }
  return text;
}

void read_graph(const std::string &text) {
  Graph graph = parse_graph(text);
  std::string once = print(graph);
  CHECK(print(parse_graph(once)) == once);
  problems_of(graph);
}

void read_kernel(const std::string &text) {
  std::string once = print(parse_kernel(text));
  CHECK(print(parse_kernel(once)) == once);
}

TEST_CASE("damaged text is refused or read, never worse", "[text][fuzz]") {
  std::mt19937 random(20240607);
  for (const std::filesystem::path &path : text_files(std::filesystem::path(GRADC_SOURCE_DIR) / "tests" / "text")) {
    TextFile file = read_text_file(path);
    for (int i = 0; i < kMutationsPerFile; ++i) {
      std::string text = mutated(file.input, random);
      INFO(path.string() << "\n" << text);
      try {
        file.run.back() == "kernel" ? read_kernel(text) : read_graph(text);
      } catch (const TextError &e) {
        CHECK(e.offset <= text.size());
      }
    }
  }
}

} // namespace
} // namespace gradc
