// Whole files in and out; see file.h.
#include "runtime/train/file.h"

#include "runtime/train/error.h"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

namespace gradc::runtime {
namespace {

[[noreturn]] void fail(const char *what, const std::string &path) {
  throw Error(fmt::format("cannot {} '{}': {}", what, path, std::strerror(errno)));
}

/// An open file that closes itself.
struct Descriptor {
  int id;
  ~Descriptor() { ::close(id); }
};

/// Writes and syncs; false with errno set when that failed.
bool write_all(int file, std::string_view contents) {
  while (!contents.empty()) {
    const ssize_t written = ::write(file, contents.data(), contents.size());
    if (written < 0 && errno != EINTR)
      return false;
    contents.remove_prefix(written > 0 ? static_cast<size_t>(written) : 0);
  }
  return ::fsync(file) == 0;
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

void write_file(const std::string &path, std::string_view contents) {
  const std::string temporary = fmt::format("{}.{}.tmp", path, ::getpid());
  bool good;
  {
    const Descriptor file{::open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666)};
    if (file.id < 0)
      fail("write", path);
    good = write_all(file.id, contents);
  }
  if (good && ::rename(temporary.c_str(), path.c_str()) == 0)
    return;
  const int reason = errno;
  ::unlink(temporary.c_str());
  errno = reason;
  fail("write", path);
}

std::string join_path(const std::string &base, const std::string &path) {
  return base.empty() ? path : (std::filesystem::path(base) / path).string();
}

} // namespace gradc::runtime
