#include "compiler/engines/aot.h"

#include "ir/error.h"
#include "runtime/train/file.h"

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

// A folder of temporary files that goes when this does. Its path starts with '/' or '.', so that the linker takes no file
// in it for an option or for a list of options.
class ScratchFolder {
public:
  ScratchFolder() {
    const char *given = std::getenv("TMPDIR");
    const std::filesystem::path base = given && *given ? given : "/tmp";
    std::string pattern = ((base.is_absolute() ? base : "." / base) / "gradc-XXXXXX").string();
    if (!mkdtemp(pattern.data()))
      throw Error("cannot make a temporary folder in '" + base.string() + "': " + std::strerror(errno) +
                  "; let the environment variable TMPDIR name a folder that can be written");
    path_ = pattern;
  }
  ~ScratchFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  std::string file(const std::string &name) const { return path_ + "/" + name; }
  const std::string &path() const { return path_; }

private:
  std::string path_;
};

// The C library of this process; naming it gives the shared object versioned references.
std::string libc_path() {
  Dl_info info{};
  return dladdr(reinterpret_cast<const void *>(&::gnu_get_libc_version), &info) && info.dli_fname ? info.dli_fname : "";
}

using Bytes = std::unique_ptr<llvm::MemoryBuffer>;

// The objects of a model and the runtime core, linked with these flags.
Bytes link(const CompiledModel &compiled, const std::vector<std::string> &flags) {
  const ScratchFolder scratch;
  const std::string result = scratch.file("model");
  std::vector<std::string> arguments = {"ld.lld", "-o", result};
  auto add = [&](const std::string &name, std::string_view bytes) {
    runtime::write_file(arguments.emplace_back(scratch.file(name)), bytes, false);
  };
  for (size_t i = 0; i < compiled.objects.size(); ++i)
    add("part" + std::to_string(i) + ".o", compiled.objects[i]);
  add("core.a", {gradc_core_archive, static_cast<size_t>(gradc_core_archive_end - gradc_core_archive)});
  arguments.insert(arguments.end(), flags.begin(), flags.end());
  std::vector<const char *> pointers;
  for (const std::string &argument : arguments)
    pointers.push_back(argument.c_str());
  std::string messages;
  llvm::raw_string_ostream stream(messages);
  const lld::Result status = lld::lldMain(pointers, stream, stream, {{lld::Gnu, &lld::elf::link}});
  if (status.retCode != 0 && messages.find("output file") != messages.npos) // it cannot be opened or written
    throw Error("cannot link in the temporary folder '" + scratch.path() + "': " + messages);
  internal_check(status.retCode == 0, "linking the object: " + messages);
  llvm::ErrorOr<Bytes> linked = llvm::MemoryBuffer::getFile(result, false, false);
  internal_check(static_cast<bool>(linked), "the linker wrote nothing");
  return std::move(*linked);
}

// The object with every hidden symbol made its own, so that several models can be linked into one program.
std::string localized(const llvm::MemoryBuffer &object) {
  llvm::objcopy::ConfigManager config;
  config.Common.OutputFilename = object.getBufferIdentifier(); // named in messages
  config.ELF.LocalizeHidden = true;
  std::string result;
  llvm::raw_string_ostream stream(result);
  auto copy = [&]() -> llvm::Error {
    llvm::Expected<std::unique_ptr<llvm::object::Binary>> binary = llvm::object::createBinary(object.getMemBufferRef());
    return binary ? llvm::objcopy::executeObjcopyOnBinary(config, **binary, stream) : binary.takeError();
  };
  if (llvm::Error error = copy())
    throw InternalFault("hiding the symbols of the object: " + llvm::toString(std::move(error)));
  return result;
}

} // namespace

void write_object(const CompiledModel &compiled, const std::string &path) {
  runtime::write_file(path, localized(*link(compiled, {"-r"})));
}

void write_shared_object(const CompiledModel &compiled, const std::string &path) {
  std::vector<std::string> flags = {"-shared",          "--gc-sections",     "--strip-all",            "--build-id=none",
                                    "--hash-style=gnu", "-znoexecstack",     "--pack-dyn-relocs=none", "-zrelro",
                                    "--exclude-libs=ALL"};
  flags.push_back("-soname=" + std::filesystem::path(path).filename().string()); // one argument, whatever the name
  if (const std::string libc = libc_path(); !libc.empty())
    flags.insert(flags.end(), {"--as-needed", libc});
  const Bytes linked = link(compiled, flags);
  runtime::write_file(path, {linked->getBufferStart(), linked->getBufferSize()});
}

} // namespace gradc
