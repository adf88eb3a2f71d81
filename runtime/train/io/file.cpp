// Files in and out; see file.h.
#include "runtime/train/io/file.h"

#include "runtime/core/write_file.h"
#include "runtime/train/error.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

namespace gradc::runtime {
namespace {

/// For the reason that errno tells.
[[noreturn]] void fail(const char *what, const std::string &path) {
  const int reason = errno;
  const std::string folder = std::filesystem::path(path).parent_path().string();
  std::error_code unknown;
  if (reason == ENOENT && !folder.empty() && !std::filesystem::exists(folder, unknown))
    throw Error(fmt::format("cannot {} '{}': there is no folder '{}'", what, path, folder));
  throw Error(fmt::format("cannot {} '{}': {}", what, path, std::strerror(reason)));
}

/// An open file that closes itself.
struct Descriptor {
  int id;
  ~Descriptor() { ::close(id); }
};

/// Does the file end with something else than the end of a line? Its writer was killed, or its disk was full.
bool ends_inside_line(const std::string &path) {
  const Descriptor file{::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)};
  struct stat info;
  char last = '\n';
  return file.id >= 0 && ::fstat(file.id, &info) == 0 && S_ISREG(info.st_mode) && info.st_size > 0 &&
         ::pread(file.id, &last, 1, info.st_size - 1) == 1 && last != '\n';
}

} // namespace

std::string read_file(const std::string &path) {
  const Descriptor file{::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)};
  struct stat info;
  if (file.id < 0 || ::fstat(file.id, &info) != 0)
    fail("read", path);
  if (!S_ISREG(info.st_mode))
    throw Error(fmt::format("cannot read '{}': expected a regular file", path));
  std::string contents(static_cast<size_t>(info.st_size), '\0');
  size_t done = 0;
  while (done < contents.size()) {
    const ssize_t got = ::read(file.id, contents.data() + done, contents.size() - done);
    if (got < 0 && errno != EINTR)
      fail("read", path);
    if (got == 0)
      break;
    done += got > 0 ? static_cast<size_t>(got) : 0;
  }
  contents.resize(done);
  return contents;
}

void write_file(const std::string &path, std::string_view contents, bool durable) {
  const gradc_part part{contents.data(), contents.size()};
  errno = gradc_core_write_file(path.c_str(), &part, 1, durable);
  if (errno != 0)
    fail("write", path);
}

void check_writable(const std::string &path, Writing how) {
  errno = gradc_core_check_write(path.c_str(), how == Writing::in_place);
  if (errno != 0)
    fail("write", path);
}

GrowingFile::GrowingFile(const std::string &path, bool keep) : path_(path), file_(gradc_core_open_stream(path.c_str(), keep)) {
  if (file_ < 0)
    fail("write", path);
  if (keep && ends_inside_line(path))
    write("\n");
}

GrowingFile::~GrowingFile() { ::close(file_); }

void GrowingFile::write(std::string_view text) {
  errno = gradc_core_write_all(file_, text.data(), text.size());
  if (errno != 0)
    fail("write", path_);
}

std::string excerpt(std::string_view text) {
  constexpr size_t kMost = 40;
  size_t end = std::min(text.size(), kMost);
  while (end > 0 && end < text.size() && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80)
    --end;
  std::string shown(text.substr(0, end));
  for (char &c : shown)
    if (static_cast<unsigned char>(c) < 0x20)
      c = '?';
  return end < text.size() ? shown + "..." : shown;
}

std::string join_path(const std::string &base, const std::string &path) {
  return base.empty() ? path : (std::filesystem::path(base) / path).string();
}

} // namespace gradc::runtime
