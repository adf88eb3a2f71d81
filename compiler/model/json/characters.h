// Text of a user's file in messages: UTF-8, of which no character may be cut, and the columns that it takes of a terminal.
#pragma once

#include <string>
#include <string_view>
#include <utility>

namespace gradc {

/// Is the byte one that begins no character of UTF-8?
bool continues_character(char);

/// The text, or at most `bytes` of it that end with "...".
std::string shortened(std::string_view text, size_t bytes);

/// Where the bytes [begin, end) of a string's text stand in the JSON source that has its literal, escapes and all, at `at`. A
/// text without quotes, as a command line may have it, stands there as it is.
std::pair<size_t, size_t> place_in_string(std::string_view source, size_t at, size_t begin, size_t end);

/// Columns that a terminal shows the text in: two for a wide character such as U+6F22, none for a combining one such as U+0301, and
/// one for a byte that is no UTF-8.
size_t display_columns(std::string_view text);

} // namespace gradc
