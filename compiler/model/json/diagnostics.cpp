// Rendering of errors with the source line and a caret.
#include "compiler/model/json/diagnostics.h"

#include "compiler/model/json/characters.h"

#include <algorithm>
#include <fmt/format.h>
#include <tuple>

namespace gradc {
namespace {

constexpr size_t kMaxLine = 120; // bytes of source shown around a caret

struct Line {
  size_t begin, end, number;
};

std::vector<size_t> lines_of(std::string_view text) {
  std::vector<size_t> lines{0};
  for (size_t at = 0; (at = text.find('\n', at)) != std::string_view::npos;)
    lines.push_back(++at);
  return lines;
}

Line line_of(const Diagnostics::Source &source, size_t at) {
  const auto next = std::upper_bound(source.lines.begin(), source.lines.end(), std::min(at, source.text.size()));
  const size_t begin = *(next - 1), end = next == source.lines.end() ? source.text.size() : *next - 1;
  return {begin, end, static_cast<size_t>(next - source.lines.begin())};
}

/// The part of the line to show: all of it, or a window that holds `at`.
std::pair<size_t, size_t> window(std::string_view text, const Line &line, size_t at) {
  size_t begin = line.begin, end = line.end;
  if (end - begin > kMaxLine) {
    begin = std::max(begin, at > kMaxLine / 2 ? at - kMaxLine / 2 : 0);
    end = std::min(end, begin + kMaxLine);
    while (begin > line.begin && continues_character(text[begin]))
      --begin;
    while (end < line.end && continues_character(text[end]))
      ++end;
  }
  return {begin, end};
}

std::string excerpt(std::string_view text, const Line &line, Span span) {
  auto [begin, end] = window(text, line, span.begin);
  std::string shown = begin > line.begin ? "..." : "", carets(shown.size(), ' ');
  for (size_t i = begin; i < end; ++i) {
    bool control = static_cast<unsigned char>(text[i]) < 0x20 && text[i] != '\t';
    shown += control ? ' ' : text[i];
  }
  shown += end < line.end ? "..." : "";
  for (std::string_view before = text.substr(begin, std::min(span.begin, end) - begin); !before.empty();) {
    const size_t tab = std::min(before.find('\t'), before.size());
    carets += std::string(display_columns(before.substr(0, tab)), ' ');
    carets += tab < before.size() ? "\t" : "";
    before.remove_prefix(std::min(tab + 1, before.size()));
  }
  const size_t marked = std::min(span.end, end);
  const size_t columns = marked > span.begin ? display_columns(text.substr(span.begin, marked - span.begin)) : 1;
  carets += '^' + std::string(std::max<size_t>(columns, 1) - 1, '~');
  return shown + '\n' + carets + '\n';
}

std::string render_at(const Diagnostics::Source &source, Span span, std::string_view severity,
                      std::string_view message) {
  const Line line = line_of(source, span.begin);
  return fmt::format("{}:{}:{}: {}: {}\n{}", source.name, line.number, span.begin - line.begin + 1, severity,
                     message, excerpt(source.text, line, span));
}

} // namespace

uint32_t Diagnostics::add_source(std::string name, std::string text) {
  std::vector<size_t> lines = lines_of(text);
  sources_.push_back({std::move(name), std::move(text), std::move(lines)});
  return static_cast<uint32_t>(sources_.size() - 1);
}

uint32_t Diagnostics::add_expansion(std::string name, Span use) {
  expansions_.push_back({std::move(name), use});
  return static_cast<uint32_t>(expansions_.size());
}

void Diagnostics::error(Span span, std::string message) {
  const auto [at, fresh] = reported_.try_emplace({span.source, span.begin, span.end}, span.expansion);
  repeated_ = !fresh && at->second != span.expansion;
  if (repeated_)
    return;
  errors_.push_back({span, std::move(message), {}});
  size_t inner = 0; // of a long chain of copies in copies the innermost and the outermost say enough
  for (uint32_t number = span.expansion; number > 0; ++inner) {
    const Expansion &copy = expansions_[number - 1];
    number = copy.use.expansion;
    if (inner < 2 || number == 0)
      note(copy.use, "in " + copy.name + ", which this makes");
  }
}

void Diagnostics::error(std::string message) {
  repeated_ = false;
  errors_.push_back({std::nullopt, std::move(message), {}});
}

bool Diagnostics::has_errors_in(Span span) const {
  return std::ranges::any_of(errors_, [&](const Diagnostic &error) {
    return error.span && error.span->source == span.source && error.span->begin >= span.begin && error.span->end <= span.end;
  });
}

void Diagnostics::note(Span span, std::string message) {
  if (!repeated_)
    errors_.back().notes.push_back({span, std::move(message)});
}

std::string Diagnostics::render() const {
  std::vector<const Diagnostic *> sorted;
  for (const Diagnostic &error : errors_)
    sorted.push_back(&error);
  std::stable_sort(sorted.begin(), sorted.end(), [](const Diagnostic *a, const Diagnostic *b) {
    auto place = [](const Diagnostic *d) {
      return d->span ? std::tuple(1, d->span->source, d->span->begin) : std::tuple(0, uint32_t{0}, size_t{0});
    };
    return place(a) < place(b);
  });
  std::string text;
  for (const Diagnostic *error : sorted) {
    if (error->span)
      text += render_at(sources_[error->span->source], *error->span, "error", error->message);
    else
      text += "error: " + error->message + '\n';
    for (const Diagnostic::Note &note : error->notes)
      text += render_at(sources_[note.span.source], note.span, "note", note.message);
  }
  return text;
}

} // namespace gradc
