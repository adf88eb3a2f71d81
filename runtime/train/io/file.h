// Files in and out. A whole file is written atomically: the old one or the complete new one, never a part.
#pragma once

#include <string>
#include <string_view>

namespace gradc::runtime {

/// The bytes of a regular file. Throws Error naming the path and the reason.
std::string read_file(const std::string &path);

/// As runtime/core/write_file.h does it. What is made again at no great cost need not be `durable`. Throws Error; then
/// `path` is as it was before.
void write_file(const std::string &path, std::string_view contents, bool durable = true);

/// whole: as write_file does; in_place: bit by bit, as a stream.
enum class Writing { whole, in_place };
/// Throws Error when `path` could not be written now. So that this is known before the work whose result it shall hold.
void check_writable(const std::string &path, Writing);

/// A file that grows at its end.
class GrowingFile {
public:
  /// Keeps what is there or empties it. With `keep`, a last line that has no end gets one. Throws Error.
  GrowingFile(const std::string &path, bool keep);
  ~GrowingFile();
  GrowingFile(const GrowingFile &) = delete;
  GrowingFile &operator=(const GrowingFile &) = delete;
  /// Throws Error; then a part of the text may be in the file.
  void write(std::string_view text);

private:
  std::string path_;
  int file_;
};

/// Text of a file for a message: at most 40 bytes and then "...", no character of UTF-8 cut, control characters as '?'.
std::string excerpt(std::string_view text);

/// `path` itself if absolute or `base` is empty, else base/path.
std::string join_path(const std::string &base, const std::string &path);

} // namespace gradc::runtime
