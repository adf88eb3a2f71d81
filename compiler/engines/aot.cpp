#include "compiler/engines/aot.h"

#include "ir/error.h"
#include "runtime/core/write_file.h"
#include "runtime/train/io/file.h"

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wunused-parameter"
#include <lld/Common/Driver.h>
#include <llvm/ObjCopy/ConfigManager.h>
#include <llvm/ObjCopy/ObjCopy.h>
#include <llvm/Object/Binary.h>
#include <llvm/Support/MemoryBuffer.h>
#include <llvm/Support/raw_ostream.h>
#pragma GCC diagnostic pop

#include <cerrno>
#include <dlfcn.h>
#include <fcntl.h>
#include <filesystem>
#include <future>
#include <gnu/libc-version.h>
#include <sys/mman.h>
#include <system_error>
#include <unistd.h>
#include <utility>

LLD_HAS_DRIVER(elf)

extern "C" {
extern const char gradc_core_archive[];
extern const char gradc_core_archive_end[];
}

namespace gradc {
namespace {

// A descriptor, and the path by which it is opened once more. So the linker, which knows files alone, reads and writes
// memory: no folder for temporary files that is missing, full, or littered by processes that were killed.
class Descriptor {
public:
  explicit Descriptor(int number) : number_(number) {
    if (number_ < 0)
      throw std::system_error(errno, std::generic_category(), "cannot open a file in memory");
  }
  Descriptor(Descriptor &&other) noexcept : number_(std::exchange(other.number_, -1)) {}
  ~Descriptor() { close(); }
  void close() {
    if (number_ >= 0)
      ::close(std::exchange(number_, -1));
  }
  int number() const { return number_; }
  std::string path() const { return "/proc/self/fd/" + std::to_string(number_); }

private:
  int number_;
};

Descriptor file_in_memory(std::string_view bytes) {
  Descriptor file(memfd_create("gradc", MFD_CLOEXEC));
  if (int error = gradc_core_write_all(file.number(), bytes.data(), bytes.size()))
    throw std::system_error(error, std::generic_category(), "cannot write a file in memory");
  return file;
}

std::string read_all(int file) {
  std::string bytes;
  char block[1 << 16];
  for (ssize_t n; (n = ::read(file, block, sizeof block)) > 0 || (n < 0 && errno == EINTR);)
    bytes.append(block, n > 0 ? static_cast<size_t>(n) : 0);
  return bytes;
}

// The C library of this process; naming it gives the shared object versioned references.
std::string libc_path() {
  Dl_info info{};
  return dladdr(reinterpret_cast<const void *>(&::gnu_get_libc_version), &info) && info.dli_fname ? info.dli_fname : "";
}

// The objects of a model and the runtime core, linked with these flags.
std::string link(const CompiledModel &compiled, const std::vector<std::string> &flags) {
  std::vector<Descriptor> inputs;
  for (const std::string &object : compiled.objects)
    inputs.push_back(file_in_memory(object));
  inputs.push_back(file_in_memory({gradc_core_archive, static_cast<size_t>(gradc_core_archive_end - gradc_core_archive)}));
  int ends[2];
  Descriptor from_linker(pipe2(ends, O_CLOEXEC) == 0 ? ends[0] : -1);
  std::future<std::string> linked = std::async(std::launch::async, read_all, from_linker.number());
  Descriptor to_us(ends[1]); // reading ends when this is closed

  std::vector<std::string> arguments = {"ld.lld", "-o", to_us.path()};
  for (const Descriptor &input : inputs)
    arguments.push_back(input.path());
  arguments.insert(arguments.end(), flags.begin(), flags.end());
  std::vector<const char *> pointers;
  for (const std::string &argument : arguments)
    pointers.push_back(argument.c_str());
  std::string messages;
  llvm::raw_string_ostream stream(messages);
  const lld::Result status = lld::lldMain(pointers, stream, stream, {{lld::Gnu, &lld::elf::link}});
  to_us.close();
  const std::string bytes = linked.get();
  internal_check(status.retCode == 0 && !bytes.empty(), "linking the object: " + messages);
  return bytes;
}

// The object with every hidden symbol made its own, so that several models can be linked into one program.
std::string localized(const std::string &object) {
  llvm::objcopy::ConfigManager config;
  config.Common.OutputFilename = "the object"; // named in messages
  config.ELF.LocalizeHidden = true;
  std::string result;
  llvm::raw_string_ostream stream(result);
  auto copy = [&]() -> llvm::Error {
    auto binary = llvm::object::createBinary(llvm::MemoryBufferRef(object, config.Common.OutputFilename));
    return binary ? llvm::objcopy::executeObjcopyOnBinary(config, **binary, stream) : binary.takeError();
  };
  if (llvm::Error error = copy())
    throw InternalFault("hiding the symbols of the object: " + llvm::toString(std::move(error)));
  return result;
}

} // namespace

void write_object(const CompiledModel &compiled, const std::string &path) {
  runtime::write_file(path, localized(link(compiled, {"-r"})));
}

void write_shared_object(const CompiledModel &compiled, const std::string &path) {
  std::vector<std::string> flags = {"-shared",          "--gc-sections",     "--strip-all",            "--build-id=none",
                                    "--hash-style=gnu", "-znoexecstack",     "--pack-dyn-relocs=none", "-zrelro",
                                    "--exclude-libs=ALL"};
  flags.push_back("-soname=" + std::filesystem::path(path).filename().string()); // one argument, whatever the name
  if (const std::string libc = libc_path(); !libc.empty())
    flags.insert(flags.end(), {"--as-needed", libc});
  runtime::write_file(path, link(compiled, flags));
}

} // namespace gradc
