#include "compiler/engines/aot.h"

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
#include <gnu/libc-version.h>
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
  return dladdr(reinterpret_cast<const void *>(&::gnu_get_libc_version), &info) && info.dli_fname ? info.dli_fname : "";
}

std::string describe_errno(const std::string &what, const std::string &path) {
  return what + " '" + path + "': " + std::strerror(errno);
}

std::vector<std::string> write_all(const std::vector<std::string> &objects, const ScratchFolder &scratch) {
  std::vector<std::string> files;
  for (const std::string &object : objects) {
    files.push_back(scratch.file("part" + std::to_string(files.size()) + ".o"));
    write_file_atomically(files.back(), object);
  }
  return files;
}

// Runs the linker with these flags and files, by way of the file `result`, which becomes `path`.
void link(std::vector<std::string> flags, const std::vector<std::string> &files, const std::string &result,
          const std::string &path) {
  flags.insert(flags.end(), {"-o", result});
  flags.insert(flags.end(), files.begin(), files.end());
  std::vector<const char *> args = {"ld.lld"};
  for (const std::string &flag : flags)
    args.push_back(flag.c_str());
  std::string messages;
  llvm::raw_string_ostream stream(messages);
  lld::Result status = lld::lldMain(args, stream, stream, {{lld::Gnu, &lld::elf::link}});
  internal_check(status.retCode == 0, "linking the object: " + stream.str());
  llvm::ErrorOr<std::unique_ptr<llvm::MemoryBuffer>> linked = llvm::MemoryBuffer::getFile(result, false, false);
  internal_check(static_cast<bool>(linked), "the linker wrote nothing");
  write_file_atomically(path, {(*linked)->getBufferStart(), (*linked)->getBufferSize()});
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
  std::vector<std::string> objects = compile_objects(spec, options);
  if (objects.size() == 1) {
    write_file_atomically(path, objects[0]);
    return;
  }
  ScratchFolder scratch;
  std::vector<std::string> files = write_all(objects, scratch);
  link({"-r"}, files, scratch.file("model.o"), path);
}

void write_shared_object(const ModelSpec &spec, const CodegenOptions &options, const std::string &path) {
  ScratchFolder scratch;
  std::vector<std::string> files = write_all(compile_objects(spec, options), scratch);
  files.push_back(scratch.file("core.a"));
  size_t core_bytes = static_cast<size_t>(gradc_core_archive_end - gradc_core_archive);
  write_file_atomically(files.back(), {gradc_core_archive, core_bytes});
  std::string soname = std::filesystem::path(path).filename().string();
  std::string libc = libc_path();
  if (!libc.empty())
    files.insert(files.end(), {"--as-needed", libc});
  link({"-shared", "--gc-sections", "--strip-all", "--build-id=none", "--hash-style=gnu", "--pack-dyn-relocs=none",
        "-znoexecstack", "-zrelro", "--exclude-libs=ALL", "-soname", soname},
       files, scratch.file("model.so"), path);
}

} // namespace gradc
