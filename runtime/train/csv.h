// Reads CSV row by row: RFC 4180 quoting, LF or CRLF, any one-byte delimiter. Every mistake is an Error that starts
// with path:line:column (1-based, column in bytes).
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

namespace gradc::runtime {

/// Whether the first row names the columns; automatic: it does if none of its cells is a number.
enum class CsvHeader { automatic, present, absent };

struct CsvCell {
  std::string_view text; // valid until the next row is read; unquoted cells without surrounding blanks
  int64_t line = 0, column = 0;
};

class CsvReader {
public:
  /// Takes the text of the file (its path is for messages) and reads the first row. Throws when there is none.
  CsvReader(std::string path, std::string text, char delimiter, CsvHeader header);
  CsvReader(const CsvReader &) = delete; // cells point into the text

  /// The column names; empty without a header.
  const std::vector<std::string> &names() const { return names_; }
  int64_t columns() const { return columns_; }

  /// Moves to the next row of data; false at the end. Empty lines are skipped. Throws when a row has another number of
  /// cells than the first, or quotes are malformed.
  bool next();

  const std::vector<CsvCell> &cells() const { return cells_; }

  /// The cell as a finite number. Throws when it is anything else.
  double number(const CsvCell &cell) const;

  /// "path:line:column"
  std::string place(const CsvCell &cell) const;

private:
  bool read_row();
  CsvCell read_cell();
  CsvCell read_quoted_cell();
  bool at_line_end() const;
  [[noreturn]] void fail(int64_t line, int64_t column, const std::string &what) const;

  std::string path_, text_;
  char delimiter_;
  size_t at_ = 0, line_start_ = 0;
  int64_t line_ = 1, columns_ = 0;
  bool first_row_is_data_ = false;
  std::vector<std::string> names_;
  std::vector<CsvCell> cells_;
  std::deque<std::string> unquoted_; // cells of this row that held doubled quotes
};

} // namespace gradc::runtime
