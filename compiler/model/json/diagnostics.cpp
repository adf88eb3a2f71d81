// Rendering of errors with the source line and a caret.
#include "compiler/model/json/diagnostics.h"

#include <algorithm>
#include <fmt/format.h>
#include <tuple>

namespace gradc {
namespace {

constexpr size_t kMaxLine = 120; // bytes of source shown around a caret

bool continues_character(char c) { return (static_cast<unsigned char>(c) & 0xC0) == 0x80; } // UTF-8

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
  for (size_t i = begin; i < std::min(span.begin, end); ++i)
    if (!continues_character(text[i]))
      carets += text[i] == '\t' ? '\t' : ' ';
  carets += '^';
  for (size_t i = span.begin + 1; i < std::min(span.end, end); ++i)
    if (!continues_character(text[i]))
      carets += '~';
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

void Diagnostics::error(Span span, std::string message) { errors_.push_back({span, std::move(message), {}}); }
void Diagnostics::error(std::string message) { errors_.push_back({std::nullopt, std::move(message), {}}); }
void Diagnostics::note(Span span, std::string message) {
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
