// Reads CSV; see csv.h.
#include "runtime/train/csv.h"

#include "runtime/train/error.h"
#include "runtime/train/file.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <fmt/format.h>

namespace gradc::runtime {
namespace {

std::string_view trim(std::string_view text) {
  const size_t first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos)
    return {};
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

/// std::from_chars over the whole text; also accepts one leading '+'.
std::from_chars_result parse(std::string_view text, double &value) {
  if (text.size() > 1 && text[0] == '+' && text[1] != '-')
    text.remove_prefix(1);
  auto result = std::from_chars(text.data(), text.data() + text.size(), value);
  if (result.ec == std::errc() && result.ptr != text.data() + text.size())
    result.ec = std::errc::invalid_argument;
  return result;
}

bool is_number(std::string_view text) {
  double value;
  return parse(trim(text), value).ec != std::errc::invalid_argument;
}

} // namespace

CsvReader::CsvReader(std::string path, std::string text, char delimiter, CsvHeader header)
    : path_(std::move(path)), text_(std::move(text)), delimiter_(delimiter) {
  if (delimiter == '"' || delimiter == '\n' || delimiter == '\r')
    throw Error(fmt::format("{}: a quote or a line break cannot be the delimiter", path_));
  if (text_.starts_with("\xEF\xBB\xBF"))
    at_ = line_start_ = 3;
  if (!read_row())
    fail(1, 1, "the file is empty");
  columns_ = static_cast<int64_t>(cells_.size());
  if (header == CsvHeader::automatic) {
    header = CsvHeader::present;
    for (const CsvCell &cell : cells_)
      if (is_number(cell.text))
        header = CsvHeader::absent;
  }
  first_row_is_data_ = header == CsvHeader::absent;
  if (header == CsvHeader::present)
    for (const CsvCell &cell : cells_)
      names_.emplace_back(cell.text);
}

bool CsvReader::next() {
  if (first_row_is_data_) {
    first_row_is_data_ = false;
    return true;
  }
  if (!read_row())
    return false;
  const auto found = static_cast<int64_t>(cells_.size());
  if (found != columns_) {
    const CsvCell &last = cells_[static_cast<size_t>(std::min(found - 1, columns_))];
    fail(last.line, last.column, fmt::format("expected {} cells as in the first row, found {}", columns_, found));
  }
  return true;
}

double CsvReader::number(const CsvCell &cell) const {
  double value = 0;
  const auto result = parse(cell.text, value);
  if (cell.text.empty())
    fail(cell.line, cell.column, "expected a number, found an empty cell");
  if (result.ec == std::errc::result_out_of_range)
    fail(cell.line, cell.column, fmt::format("'{}' does not fit an f64", excerpt(cell.text)));
  if (result.ec != std::errc())
    fail(cell.line, cell.column, fmt::format("expected a number, found '{}'", excerpt(cell.text)));
  if (!std::isfinite(value))
    fail(cell.line, cell.column, fmt::format("expected a finite number, found '{}'", excerpt(cell.text)));
  return value;
}

std::string CsvReader::place(const CsvCell &cell) const {
  return fmt::format("{}:{}:{}", path_, cell.line, cell.column);
}

bool CsvReader::at_line_end() const { return at_ == text_.size() || text_[at_] == '\n' || text_[at_] == '\r'; }

bool CsvReader::read_row() {
  const auto end_line = [this] {
    if (at_ < text_.size() && text_[at_] == '\r')
      ++at_;
    if (at_ < text_.size() && text_[at_] == '\n')
      ++at_;
    line_start_ = at_;
    ++line_;
  };
  cells_.clear();
  unquoted_.clear();
  while (at_ < text_.size() && at_line_end())
    end_line();
  if (at_ == text_.size())
    return false;
  for (;;) {
    cells_.push_back(read_cell());
    if (at_line_end())
      break;
    ++at_; // the delimiter
  }
  end_line();
  return true;
}

CsvCell CsvReader::read_cell() {
  if (at_ < text_.size() && text_[at_] == '"')
    return read_quoted_cell();
  const size_t start = at_;
  while (!at_line_end() && text_[at_] != delimiter_) {
    if (text_[at_] == '"')
      fail(line_, static_cast<int64_t>(at_ - line_start_) + 1, "a quote inside a cell that does not start with one");
    if (text_[at_] == '\0')
      fail(line_, static_cast<int64_t>(at_ - line_start_) + 1, "a zero byte: this is not a text file");
    ++at_;
  }
  return {trim(std::string_view(text_).substr(start, at_ - start)), line_,
          static_cast<int64_t>(start - line_start_) + 1};
}

CsvCell CsvReader::read_quoted_cell() {
  CsvCell cell{{}, line_, static_cast<int64_t>(at_ - line_start_) + 1};
  std::string *decoded = nullptr; // only once a doubled quote was met
  size_t start = ++at_;
  for (;;) {
    if (at_ == text_.size())
      fail(cell.line, cell.column, "this quote is not closed");
    if (text_[at_] == '\n') {
      ++line_;
      line_start_ = at_ + 1;
    }
    if (text_[at_++] != '"')
      continue;
    const std::string_view piece = std::string_view(text_).substr(start, at_ - 1 - start);
    const bool doubled = at_ < text_.size() && text_[at_] == '"';
    if (doubled && !decoded)
      decoded = &unquoted_.emplace_back();
    if (decoded)
      decoded->append(piece);
    if (!doubled) {
      cell.text = decoded ? std::string_view(*decoded) : piece;
      break;
    }
    start = at_++; // the second quote opens the next piece, as itself
  }
  if (!at_line_end() && text_[at_] != delimiter_)
    fail(line_, static_cast<int64_t>(at_ - line_start_) + 1, "expected the delimiter after a closing quote");
  return cell;
}

void CsvReader::fail(int64_t line, int64_t column, const std::string &what) const {
  throw Error(fmt::format("{}:{}:{}: {}", path_, line, column, what));
}

} // namespace gradc::runtime
