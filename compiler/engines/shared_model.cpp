#include "compiler/engines/shared_model.h"

#include "ir/error.h"

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wunused-parameter"
#include <llvm/Object/ELFObjectFile.h>
#include <llvm/Support/MemoryBuffer.h>
#pragma GCC diagnostic pop

#include <dlfcn.h>

namespace gradc {
namespace {

std::string table_symbol(const std::string &path) {
  auto binary = llvm::object::ObjectFile::createObjectFile(path);
  if (!binary) {
    std::string why = llvm::toString(binary.takeError());
    throw Error("'" + path + "' is no shared object: " + why);
  }
  if (auto *elf = llvm::dyn_cast<llvm::object::ELFObjectFileBase>(binary->getBinary()))
    for (const llvm::object::ELFSymbolRef &symbol : elf->getDynamicSymbolIterators()) {
      llvm::Expected<llvm::StringRef> name = symbol.getName();
      llvm::Expected<uint32_t> flags = symbol.getFlags();
      if (!name || !flags) {
        llvm::consumeError(name.takeError());
        llvm::consumeError(flags.takeError());
        continue;
      }
      if (name->ends_with("_model") && !(*flags & llvm::object::SymbolRef::SF_Undefined))
        return name->str();
    }
  throw Error("'" + path + "' is not a model compiled by gradc: it exports no function <name>_model");
}

} // namespace

SharedModel::SharedModel(const std::string &path) {
  std::string symbol = table_symbol(path);
  const bool has_folder = path.find('/') != path.npos; // else it would be looked for where libraries are
  handle_ = dlopen((has_folder ? path : "./" + path).c_str(), RTLD_NOW | RTLD_LOCAL);
  if (!handle_)
    throw Error("cannot open '" + path + "': " + dlerror());
  auto *function = reinterpret_cast<const gradc_model *(*)()>(dlsym(handle_, symbol.c_str()));
  table_ = function();
  if (!table_) {
    dlclose(handle_);
    throw Error("'" + path + "' was compiled for a processor with instructions that this one lacks; 'gradc compile "
                             "--target' can compile it for this one");
  }
  if (!gradc_is_compatible(table_)) {
    uint32_t version = table_->abi_version;
    dlclose(handle_);
    throw Error("'" + path + "' was compiled for version " + std::to_string(version) +
                " of the interface; this gradc speaks version " + std::to_string(GRADC_ABI_VERSION));
  }
}

SharedModel::~SharedModel() { dlclose(handle_); }

} // namespace gradc
