// Reads CSV row by row: RFC 4180 quoting, LF or CRLF, any one-byte delimiter. Every mistake is an Error that starts
// with path:line:column (1-based, column in bytes) and names the likely cure.
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

namespace gradc::runtime {

struct CsvCell {
  std::string_view text; // valid until the next row is read; unquoted cells without surrounding blanks
  int64_t line = 0, column = 0;
};

class CsvReader {
public:
  /// Takes the text of the file (its path is for messages) and reads the first row. Throws when there is none.
  CsvReader(std::string path, std::string text, char delimiter);
  CsvReader(const CsvReader &) = delete; // cells point into the text

  /// The first row names the columns and is no example. For use before next().
  void take_names();
  /// The column names; empty when they were not taken.
  const std::vector<std::string> &names() const { return names_; }
  int64_t columns() const { return columns_; }

  /// Moves to the next row of data; false at the end. Empty lines are skipped. Throws when a row has another number of
  /// cells than the first, or quotes are malformed.
  bool next();

  /// Of the current row; before next(), of the first one.
  const std::vector<CsvCell> &cells() const { return cells_; }

  /// Whether the text is a number, finite or not.
  static bool is_number(std::string_view text);

  /// The cell as a finite number. Throws when it is anything else; the message names `whose` number it is to be and, where
  /// the cell holds text, ends in `cure`.
  double number(const CsvCell &cell, std::string_view whose = {}, std::string_view cure = {}) const;

  /// "path:line:column"
  std::string place(const CsvCell &cell) const;
  /// "path:line" of the first row.
  std::string first_place() const;
  /// What the first row looks like, for messages: "one cell, 'a;b;y'".
  std::string first_row() const;
  /// What may be wrong with a file whose rows have unexpected numbers of cells: "; is the delimiter ';'? ..." or "".
  std::string likely_cure() const;

private:
  bool read_row();
  CsvCell read_cell();
  CsvCell read_quoted_cell();
  bool at_line_end() const;
  void refuse_line_for_excel() const;
  [[noreturn]] void fail(int64_t line, int64_t column, const std::string &what) const;

  std::string path_, text_;
  char delimiter_;
  size_t at_ = 0, line_start_ = 0;
  int64_t line_ = 1, columns_ = 0, first_line_ = 1;
  bool first_row_is_next_ = true;
  std::string_view row_, first_row_; // as they are written, up to the end of their first line
  std::vector<std::string> names_;
  std::vector<CsvCell> cells_;
  std::deque<std::string> unquoted_; // cells of this row that held doubled quotes
};

} // namespace gradc::runtime
