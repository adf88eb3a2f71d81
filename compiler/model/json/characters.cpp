#include "compiler/model/json/characters.h"

#include <algorithm>
#include <charconv>
#include <clocale>
#include <cwchar>
#include <locale.h>
#include <wchar.h>

namespace gradc {
namespace {

// Makes C's library take text for UTF-8 in this thread, whatever the user's locale is.
class Utf8Locale {
public:
  Utf8Locale() : before_(uselocale(utf8())) {}
  ~Utf8Locale() { uselocale(before_); }
  Utf8Locale(const Utf8Locale &) = delete;

private:
  static locale_t utf8() {
    static const locale_t locale = newlocale(LC_CTYPE_MASK, "C.UTF-8", nullptr); // null, where there is none, changes nothing
    return locale;
  }
  locale_t before_;
};

} // namespace

bool continues_character(char c) { return (static_cast<unsigned char>(c) & 0xC0) == 0x80; }

std::string shortened(std::string_view text, size_t bytes) {
  if (text.size() <= bytes)
    return std::string(text);
  size_t end = bytes - 3;
  while (end > 0 && continues_character(text[end]))
    --end;
  return std::string(text.substr(0, end)) + "...";
}

/// The bytes of the source that make one byte or more of a string's text, and how many they make.
static std::pair<size_t, size_t> unit_at(std::string_view source) {
  if (source.size() < 2 || source[0] != '\\')
    return {1, 1};
  if (source[1] != 'u')
    return {2, 1};
  unsigned code = 0;
  std::from_chars(source.data() + 2, source.data() + std::min<size_t>(source.size(), 6), code, 16);
  if (code >= 0xD800 && code < 0xDC00)
    return {12, 4}; // half of a pair: the other follows
  return {6, code < 0x80 ? 1 : code < 0x800 ? 2 : 3};
}

std::pair<size_t, size_t> place_in_string(std::string_view source, size_t at, size_t begin, size_t end) {
  if (at >= source.size() || source[at] != '"')
    return {at + begin, at + end};
  size_t decoded = 0;
  std::pair<size_t, size_t> place;
  ++at;
  for (auto [offset, wanted] : {std::pair(begin, &place.first), {end, &place.second}}) {
    while (decoded < offset && at < source.size()) {
      const auto [bytes, made] = unit_at(source.substr(at));
      at += bytes, decoded += made;
    }
    *wanted = at;
  }
  return place;
}

size_t display_columns(std::string_view text) {
  const Utf8Locale utf8;
  size_t columns = 0;
  for (std::mbstate_t state{}; !text.empty();) {
    wchar_t character = 0;
    const size_t length = std::mbrtowc(&character, text.data(), text.size(), &state);
    const bool whole = length != 0 && length <= text.size();
    const int width = whole ? wcwidth(character) : 1;
    columns += static_cast<size_t>(std::max(width, 0));
    text.remove_prefix(whole ? length : 1);
    if (!whole)
      state = {};
  }
  return columns;
}

} // namespace gradc
