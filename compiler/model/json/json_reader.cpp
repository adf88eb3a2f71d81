// JSON text to tree by nlohmann's SAX interface. It reports no positions, so the reader counts the bytes the
// lexer pulls: at each event that is where the token ends.
#include "compiler/model/json/json_reader.h"

#include "ir/error.h"

#include <fmt/format.h>
#include <iterator>
#include <nlohmann/json.hpp>

namespace gradc {
namespace {

using Json = nlohmann::json;

/// An input iterator that tells how far it has been advanced.
struct CountingIterator {
  using iterator_category = std::input_iterator_tag;
  using value_type = char;
  using difference_type = std::ptrdiff_t;
  using pointer = const char *;
  using reference = const char &;

  const char *at;
  size_t *pulled;

  reference operator*() const { return *at; }
  CountingIterator &operator++() {
    ++at, ++*pulled;
    return *this;
  }
  CountingIterator operator++(int) {
    CountingIterator before = *this;
    ++*this;
    return before;
  }
  bool operator==(const CountingIterator &other) const { return at == other.at; }
  bool operator!=(const CountingIterator &other) const { return at != other.at; }
};

class TreeBuilder : public nlohmann::json_sax<Json> {
public:
  TreeBuilder(uint32_t source, Diagnostics &diagnostics)
      : source_(source), diagnostics_(diagnostics), text_(diagnostics.source(source).text) {}

  bool parse() {
    CountingIterator begin{text_.data(), &pulled_}, end{text_.data() + text_.size(), &pulled_};
    return Json::sax_parse(begin, end, this);
  }
  JsonValue take() { return std::move(root_); }

  bool null() override { return leaf(JsonValue{}); }
  bool boolean(bool value) override { return leaf(JsonValue::of(value, {})); }
  bool number_integer(int64_t value) override { return leaf(as_written(JsonValue::of(value, {}))); }
  bool number_unsigned(uint64_t value) override {
    if (value > static_cast<uint64_t>(INT64_MAX))
      return leaf(as_written(JsonValue::of(static_cast<double>(value), {})));
    return number_integer(static_cast<int64_t>(value));
  }
  bool number_float(double value, const std::string &) override {
    return leaf(as_written(JsonValue::of(value, {})));
  }
  bool string(std::string &value) override { return leaf(JsonValue::of(std::move(value), {})); }
  bool binary(Json::binary_t &) override { return false; }
  bool start_object(size_t) override { return open(JsonValue::object(token())); }
  bool start_array(size_t) override { return open(JsonValue::array(token())); }
  bool end_object() override { return close(); }
  bool end_array() override { return close(); }

  bool key(std::string &name) override {
    const Span span = token();
    JsonValue &object = open_.back();
    const JsonMember *first = object.find_member(name);
    duplicate_.back() = first != nullptr;
    if (first) {
      diagnostics_.error(span, fmt::format("duplicate key '{}'", name));
      diagnostics_.note(first->key_span, "it was first given here");
    }
    keys_.back() = {name, span, {}};
    return true;
  }

  bool parse_error(size_t position, const std::string &last_token, const Json::exception &error) override {
    report(std::min(position, text_.size()), last_token, error.what());
    return false;
  }

private:
  /// The bytes of the token just read.
  Span token() {
    size_t begin = last_end_;
    while (begin < text_.size() && std::string_view(" \t\r\n,:").find(text_[begin]) != std::string_view::npos)
      ++begin;
    if (begin == 0 && text_.starts_with("\xEF\xBB\xBF")) // a byte order mark
      return last_end_ = 3, token();
    size_t end = pulled_;
    const bool number =
        begin < end && (text_[begin] == '-' || std::isdigit(static_cast<unsigned char>(text_[begin])));
    if (number && !std::isdigit(static_cast<unsigned char>(text_[end - 1])))
      --end; // the lexer looks one character past a number
    last_end_ = end;
    return {source_, begin, end};
  }

  JsonValue as_written(JsonValue value) {
    value.span = token();
    value.text = text_.substr(value.span.begin, value.span.end - value.span.begin);
    return value;
  }

  bool leaf(JsonValue value) {
    if (value.span.end == 0)
      value.span = token();
    place(std::move(value));
    return true;
  }

  bool open(JsonValue container) {
    if (open_.size() >= kMaxJsonDepth) {
      diagnostics_.error(container.span, fmt::format("nested deeper than {} levels", kMaxJsonDepth));
      return false;
    }
    open_.push_back(std::move(container));
    keys_.emplace_back();
    duplicate_.push_back(false);
    return true;
  }

  bool close() {
    JsonValue value = std::move(open_.back());
    value.span.end = token().end;
    open_.pop_back();
    keys_.pop_back();
    duplicate_.pop_back();
    place(std::move(value));
    return true;
  }

  void place(JsonValue value) {
    if (open_.empty())
      root_ = std::move(value);
    else if (open_.back().is(JsonValue::Kind::array))
      open_.back().items.push_back(std::move(value));
    else if (!duplicate_.back())
      open_.back().members.push_back({std::move(keys_.back().key), keys_.back().key_span, std::move(value)});
  }

  void report(size_t end, const std::string &last_token, std::string_view what) {
    size_t begin = last_end_; // of the offending token: after the separators, unless it is one itself
    while (begin + 1 < end && std::string_view(" \t\r\n,:").find(text_[begin]) != std::string_view::npos)
      ++begin;
    for (std::string_view name : {"NaN", "Infinity", "-Infinity", "nan", "inf", "-inf"})
      if (std::string_view(text_).substr(begin).starts_with(name))
        return diagnostics_.error({source_, begin, begin + name.size()},
                                  fmt::format("{} is not a JSON number; numbers must be finite", name));
    if (what.find("number overflow") != std::string_view::npos)
      return diagnostics_.error({source_, begin, end},
                                fmt::format("the number {} is too large for a double", last_token));
    const size_t dash = what.find(" - ");
    std::string message(dash == std::string_view::npos ? what : what.substr(dash + 3));
    if (const size_t last_read = message.find("; last read: "); last_read != std::string::npos)
      message.erase(last_read, message.find(';', last_read + 1) - last_read); // the excerpt shows it
    diagnostics_.error({source_, begin, end}, "malformed JSON: " + message);
  }

  uint32_t source_;
  Diagnostics &diagnostics_;
  const std::string text_; // a copy: the sources may move while we read
  size_t pulled_ = 0;      // bytes the lexer has taken
  size_t last_end_ = 0;    // of the latest token
  std::vector<JsonValue> open_;
  std::vector<JsonMember> keys_; // the key in front, one for every open container
  std::vector<bool> duplicate_;
  JsonValue root_;
};

void place_at(JsonValue &value, Span span) {
  value.span = span;
  for (JsonValue &item : value.items)
    place_at(item, span);
  for (JsonMember &member : value.members) {
    member.key_span = span;
    place_at(member.value, span);
  }
}

} // namespace

std::optional<JsonValue> read_json(uint32_t source, Diagnostics &diagnostics) {
  TreeBuilder builder(source, diagnostics);
  if (!builder.parse())
    return std::nullopt;
  return builder.take();
}

JsonValue read_literal(std::string_view text, Span span) {
  Diagnostics diagnostics;
  std::optional<JsonValue> value =
      read_json(diagnostics.add_source("literal", std::string(text)), diagnostics);
  internal_check(value.has_value(), "malformed literal in a table of the model format: " + std::string(text));
  place_at(*value, span);
  return *std::move(value);
}

} // namespace gradc
