// Everything that is wrong with a model file, shown at once, in the order of the file, each with its line and
// a caret.
#pragma once

#include "compiler/model/json/json_tree.h"

#include <map>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

namespace gradc {

struct Diagnostic {
  struct Note {
    Span span;
    std::string message;
  };
  std::optional<Span> span; // none: about the source as a whole
  std::string message;
  std::vector<Note> notes;
};

class Diagnostics {
public:
  struct Source {
    std::string name; // as it is shown, e.g. "model.json"
    std::string text;
    std::vector<size_t> lines = {}; // where each begins
  };

  /// Returns the number spans refer to it by.
  uint32_t add_source(std::string name, std::string text);
  const Source &source(uint32_t number) const { return sources_[number]; }

  /// Text of which copies are made, as that of a block, has one expansion for each copy. Errors in a copy point into the text
  /// and name the copy, `name`, and the place `use` that asked for it; one place is reported by one of its copies only. Returns
  /// the number that the spans of the copy have.
  uint32_t add_expansion(std::string name, Span use);

  void error(Span span, std::string message);
  /// About a file as a whole, e.g. one that cannot be read.
  void error(std::string message);
  /// A second place that explains the latest error.
  void note(Span span, std::string message);

  bool has_errors() const { return !errors_.empty(); }
  /// In the bytes of the span.
  bool has_errors_in(Span) const;
  /// In the order they were found.
  const std::vector<Diagnostic> &errors() const { return errors_; }

  /// All errors sorted by position, as
  ///   model.json:7:45: error: layer 'scores': unknown activation 'rleu'; did you mean 'relu'?
  ///   {"name": "scores", "activation": "rleu"},
  ///                                    ^~~~~~
  /// Columns count bytes from 1; the caret line counts characters. Long lines are cut around the caret.
  std::string render() const;

private:
  struct Expansion {
    std::string name;
    Span use;
  };

  std::vector<Source> sources_;
  std::vector<Expansion> expansions_; // number 1 comes first
  std::vector<Diagnostic> errors_;
  std::map<std::tuple<uint32_t, size_t, size_t>, uint32_t> reported_; // which expansion reports a place
  bool repeated_ = false; // was the latest error one of another copy, so that it is not kept?
};

} // namespace gradc
