// Whole files in and out; see file.h.
#include "runtime/train/file.h"

#include "runtime/core/write_file.h"
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
  const gradc_part part{contents.data(), contents.size()};
  errno = gradc_core_write_file(path.c_str(), &part, 1, true);
  if (errno != 0)
    fail("write", path);
}

std::string join_path(const std::string &base, const std::string &path) {
  return base.empty() ? path : (std::filesystem::path(base) / path).string();
}

} // namespace gradc::runtime
