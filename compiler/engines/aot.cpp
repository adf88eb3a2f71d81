#include "compiler/engines/aot.h"

#include "ir/error.h"
#include "runtime/core/write_file.h"

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
#include <filesystem>
#include <stdlib.h>

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

std::vector<std::string> write_all(const std::vector<std::string> &objects, const ScratchFolder &scratch) {
  std::vector<std::string> files;
  for (const std::string &object : objects) {
    files.push_back(scratch.file("part" + std::to_string(files.size()) + ".o"));
    write_whole_file(files.back(), object, false);
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
  write_whole_file(path, {(*linked)->getBufferStart(), (*linked)->getBufferSize()});
}

} // namespace

void write_whole_file(const std::string &path, std::string_view bytes, bool durable) {
  const gradc_part part{bytes.data(), bytes.size()};
  errno = gradc_core_write_file(path.c_str(), &part, 1, durable);
  if (errno != 0)
    throw Error("cannot write '" + path + "': " + std::strerror(errno));
}

void write_object(const CompiledModel &compiled, const std::string &path) {
  const std::vector<std::string> &objects = compiled.objects;
  if (objects.size() == 1) {
    write_whole_file(path, objects[0]);
    return;
  }
  ScratchFolder scratch;
  std::vector<std::string> files = write_all(objects, scratch);
  link({"-r"}, files, scratch.file("model.o"), path);
}

void write_shared_object(const CompiledModel &compiled, const std::string &path) {
  ScratchFolder scratch;
  std::vector<std::string> files = write_all(compiled.objects, scratch);
  files.push_back(scratch.file("core.a"));
  size_t core_bytes = static_cast<size_t>(gradc_core_archive_end - gradc_core_archive);
  write_whole_file(files.back(), {gradc_core_archive, core_bytes}, false);
  std::string soname = std::filesystem::path(path).filename().string();
  std::string libc = libc_path();
  if (!libc.empty())
    files.insert(files.end(), {"--as-needed", libc});
  link({"-shared", "--gc-sections", "--strip-all", "--build-id=none", "--hash-style=gnu", "--pack-dyn-relocs=none",
        "-znoexecstack", "-zrelro", "--exclude-libs=ALL", "-soname", soname},
       files, scratch.file("model.so"), path);
}

} // namespace gradc
