#include "compiler/aot.h"

#include "ir/error.h"

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wunused-parameter"
#include <lld/Common/Driver.h>
#include <llvm/Support/MemoryBuffer.h>
#include <llvm/Support/raw_ostream.h>
#pragma GCC diagnostic pop

#include <cerrno>
#include <cstring>
#include <dlfcn.h>
#include <sys/stat.h>
#include <filesystem>
#include <stdlib.h>
#include <unistd.h>

LLD_HAS_DRIVER(elf)

extern "C" {
extern const char gradc_core_archive[];
extern const char gradc_core_archive_end[];
}

namespace gradc {
namespace {

// A folder of temporary files that goes when this does.
class ScratchFolder {
public:
  ScratchFolder() {
    std::string pattern = (std::filesystem::temp_directory_path() / "gradc-XXXXXX").string();
    if (!mkdtemp(pattern.data()))
      throw Error("cannot make a temporary folder like " + pattern + ": " + std::strerror(errno));
    path_ = pattern;
  }
  ~ScratchFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  std::string file(const std::string &name) const { return path_ + "/" + name; }

private:
  std::string path_;
};

// The C library of this process; naming it gives the shared object versioned references.
std::string libc_path() {
  Dl_info info{};
  return dladdr(reinterpret_cast<const void *>(&::qsort), &info) && info.dli_fname ? info.dli_fname : "";
}

std::string describe_errno(const std::string &what, const std::string &path) {
  return what + " '" + path + "': " + std::strerror(errno);
}

} // namespace

void write_file_atomically(const std::string &path, std::string_view bytes) {
  std::string temporary = path + ".XXXXXX";
  int fd = mkstemp(temporary.data());
  if (fd < 0)
    throw Error(describe_errno("cannot write", path));
  mode_t mask = umask(0);
  umask(mask);
  bool ok = fchmod(fd, 0666 & ~mask) == 0;
  for (size_t done = 0; ok && done < bytes.size();) {
    ssize_t n = write(fd, bytes.data() + done, bytes.size() - done);
    ok = n > 0;
    done += ok ? static_cast<size_t>(n) : 0;
  }
  int failure = errno;
  ok = close(fd) == 0 && ok;
  if (!ok || rename(temporary.c_str(), path.c_str()) != 0) {
    failure = ok ? errno : failure;
    unlink(temporary.c_str());
    errno = failure;
    throw Error(describe_errno("cannot write", path));
  }
}

void write_object(const ModelSpec &spec, const CodegenOptions &options, const std::string &path) {
  std::unique_ptr<llvm::MemoryBuffer> object = compile_object(spec, options);
  write_file_atomically(path, {object->getBufferStart(), object->getBufferSize()});
}

void write_shared_object(const ModelSpec &spec, const CodegenOptions &options, const std::string &path) {
  std::unique_ptr<llvm::MemoryBuffer> object = compile_object(spec, options);
  ScratchFolder scratch;
  std::string object_path = scratch.file("model.o"), core_path = scratch.file("core.a"), out = scratch.file("model.so");
  write_file_atomically(object_path, {object->getBufferStart(), object->getBufferSize()});
  write_file_atomically(core_path, {gradc_core_archive, static_cast<size_t>(gradc_core_archive_end - gradc_core_archive)});
  std::string soname = std::filesystem::path(path).filename().string();
  std::string libc = libc_path();
  std::vector<const char *> args = {"ld.lld", "-shared", "--gc-sections", "--strip-all", "--build-id=none",
                                    "--hash-style=gnu", "--pack-dyn-relocs=none", "-znoexecstack", "-zrelro", "--exclude-libs=ALL",
                                    "-soname", soname.c_str(), "-o", out.c_str(), object_path.c_str(), core_path.c_str()};
  if (!libc.empty())
    args.insert(args.end(), {"--as-needed", libc.c_str()});
  std::string messages;
  llvm::raw_string_ostream stream(messages);
  lld::Result result = lld::lldMain(args, stream, stream, {{lld::Gnu, &lld::elf::link}});
  internal_check(result.retCode == 0, "linking the shared object: " + stream.str());
  llvm::ErrorOr<std::unique_ptr<llvm::MemoryBuffer>> linked = llvm::MemoryBuffer::getFile(out, false, false);
  internal_check(static_cast<bool>(linked), "the linker wrote nothing");
  write_file_atomically(path, {(*linked)->getBufferStart(), (*linked)->getBufferSize()});
}

} // namespace gradc
