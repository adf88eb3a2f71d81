#include "compiler/model/json/characters.h"

#include <algorithm>
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
