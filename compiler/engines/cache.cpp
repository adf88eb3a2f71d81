// A file is a header (magic, length and hash of the rest), the key, and what was stored, each part after its length.
#include "compiler/engines/cache.h"

#include "ir/error.h"
#include "runtime/train/error.h"
#include "runtime/train/io/file.h"

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wunused-parameter"
#include <llvm/ADT/StringExtras.h>
#include <llvm/Support/SHA256.h>
#include <llvm/Support/xxhash.h>
#include <llvm/TargetParser/Host.h>
#pragma GCC diagnostic pop

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fcntl.h>
#include <link.h>
#include <sys/stat.h>
#include <unistd.h>

namespace gradc {
namespace {

namespace fs = std::filesystem;

constexpr int64_t kDefaultBytes = int64_t{256} << 20;
constexpr size_t kKeyDigits = 64; // SHA-256 in hexadecimal
constexpr uint64_t kMagic = 0x3265686361637267; // "grcache2"

struct Header {
  uint64_t magic, bytes, hash;
};

template <typename T> std::string_view bytes_of(const T &value) {
  return {reinterpret_cast<const char *>(&value), sizeof value};
}

// Takes a T from the front of `bytes`; false when there are too few.
template <typename T> bool take(std::string_view &bytes, T &value) {
  if (bytes.size() < sizeof value)
    return false;
  std::memcpy(&value, bytes.data(), sizeof value);
  bytes.remove_prefix(sizeof value);
  return true;
}

std::string serialize(const std::string &key, const std::vector<std::string> &objects) {
  std::string body = key;
  for (const std::string &object : objects) {
    body += bytes_of(uint64_t{object.size()});
    body += object;
  }
  Header header{kMagic, body.size(), llvm::xxh3_64bits(body)};
  return std::string(bytes_of(header)) + body;
}

// Nothing where the bytes are not whole, or of another key: a file may have been copied or renamed.
std::optional<std::vector<std::string>> deserialize(const std::string &key, std::string_view bytes) {
  Header header;
  if (!take(bytes, header) || header.magic != kMagic || header.bytes != bytes.size() ||
      header.hash != llvm::xxh3_64bits(llvm::StringRef(bytes.data(), bytes.size())))
    return std::nullopt;
  if (!bytes.starts_with(key))
    return std::nullopt;
  bytes.remove_prefix(key.size());
  std::vector<std::string> objects;
  while (!bytes.empty()) {
    uint64_t size = 0;
    if (!take(bytes, size) || size > bytes.size())
      return std::nullopt;
    objects.emplace_back(bytes.substr(0, size));
    bytes.remove_prefix(size);
  }
  return objects;
}

// "<key>.gradc", or "<key>.gradc.<n>.gradc-tmp" while it is being written. Nothing else in the folder is touched.
bool is_ours(const std::string &name) {
  std::string_view digits = std::string_view(name).substr(0, kKeyDigits);
  std::string_view rest = std::string_view(name).substr(digits.size());
  return digits.size() == kKeyDigits && std::all_of(digits.begin(), digits.end(), llvm::isHexDigit) &&
         (rest == ".gradc" || (rest.starts_with(".gradc.") && rest.ends_with(".gradc-tmp")));
}

// The build id that the linker gave the object file which holds `address`; empty when it has none.
std::string build_id(const void *address) {
  struct Search {
    uintptr_t address;
    std::string id;
  } search{reinterpret_cast<uintptr_t>(address), ""};
  auto visit = [](dl_phdr_info *info, size_t, void *data) {
    Search &s = *static_cast<Search *>(data);
    auto each = [&](uint32_t type, auto use) {
      for (int i = 0; i < info->dlpi_phnum; ++i)
        if (info->dlpi_phdr[i].p_type == type)
          use(info->dlpi_addr + info->dlpi_phdr[i].p_vaddr, info->dlpi_phdr[i].p_memsz);
    };
    bool holds = false;
    each(PT_LOAD, [&](uintptr_t begin, size_t size) { holds |= s.address - begin < size; });
    if (!holds)
      return 0;
    each(PT_NOTE, [&](uintptr_t begin, size_t size) {
      std::string_view notes(reinterpret_cast<const char *>(begin), size);
      auto padded = [](uint32_t n) { return (size_t{n} + 3) / 4 * 4; };
      for (ElfW(Nhdr) note; take(notes, note);) {
        size_t name = padded(note.n_namesz), length = name + padded(note.n_descsz);
        if (length > notes.size())
          return;
        if (note.n_type == NT_GNU_BUILD_ID && notes.starts_with(std::string_view("GNU", 4)))
          s.id = notes.substr(name, note.n_descsz);
        notes.remove_prefix(length);
      }
    });
    return 1;
  };
  dl_iterate_phdr(visit, &search);
  return search.id;
}

// Null for what is no file of ours: a link, a pipe or a device could be anything, and without end.
std::optional<std::string> read_regular_file(const std::string &path, int64_t most_bytes) {
  const int file = open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
  if (file < 0)
    return std::nullopt;
  struct stat info;
  std::optional<std::string> bytes;
  if (fstat(file, &info) == 0 && S_ISREG(info.st_mode) && info.st_size <= most_bytes) {
    bytes.emplace(static_cast<size_t>(info.st_size), '\0');
    size_t done = 0;
    for (ssize_t n = 1; n != 0 && done < bytes->size();) {
      n = read(file, bytes->data() + done, bytes->size() - done);
      if (n < 0 && errno != EINTR)
        break;
      done += n > 0 ? static_cast<size_t>(n) : 0;
    }
    bytes->resize(done);
  }
  close(file);
  return bytes;
}

const char *environment(const char *name) {
  const char *value = std::getenv(name);
  return value && *value ? value : nullptr;
}

} // namespace

std::string object_key(std::string_view content) {
  static const std::string builds[] = {build_id(reinterpret_cast<const void *>(&object_key)),
                                       build_id(reinterpret_cast<const void *>(&llvm::sys::getHostCPUName))};
  llvm::SHA256 hash;
  for (const std::string &id : builds) {
    if (id.empty())
      return "";
    hash.update(bytes_of(uint64_t{id.size()}));
    hash.update(id);
  }
  hash.update(llvm::StringRef(content.data(), content.size()));
  return llvm::toHex(hash.final(), true);
}

std::optional<ObjectCache> ObjectCache::from_environment() {
  std::string folder;
  std::error_code no_home;
  if (const char *own = environment("GRADC_CACHE_DIR"))
    folder = own;
  else if (const char *shared = environment("XDG_CACHE_HOME"))
    folder = std::string(shared) + "/gradc";
  else if (const char *home = environment("HOME"); home && fs::is_directory(home, no_home)) // users of services have none
    folder = std::string(home) + "/.cache/gradc";
  else
    return std::nullopt;
  int64_t bytes = kDefaultBytes;
  if (const char *given = environment("GRADC_CACHE_BYTES")) {
    const char *end = given + std::strlen(given);
    auto [rest, error] = std::from_chars(given, end, bytes);
    if (error != std::errc() || rest != end || bytes < 0)
      throw Error("GRADC_CACHE_BYTES: expected a number of bytes, got '" + std::string(given) + "'");
  }
  return ObjectCache(folder, bytes);
}

bool ObjectCache::trusted() const {
  struct stat info;
  return stat(folder_.c_str(), &info) == 0 && S_ISDIR(info.st_mode) && info.st_uid == geteuid() &&
         !(info.st_mode & S_IWOTH);
}

std::optional<std::vector<std::string>> ObjectCache::load(const std::string &key) const {
  if (!trusted())
    return std::nullopt;
  const std::optional<std::string> bytes = read_regular_file(path(key), max_bytes_);
  if (!bytes)
    return std::nullopt;
  auto objects = deserialize(key, *bytes);
  if (objects)
    utimensat(AT_FDCWD, path(key).c_str(), nullptr, 0); // used just now
  return objects;
}

void ObjectCache::store(const std::string &key, const std::vector<std::string> &objects) const {
  std::string bytes = serialize(key, objects);
  if (static_cast<int64_t>(bytes.size()) > max_bytes_)
    return;
  std::error_code ignored;
  fs::create_directories(fs::path(folder_).parent_path(), ignored);
  mkdir(folder_.c_str(), 0700);
  if (!trusted())
    return;
  struct stat info;
  if (lstat(path(key).c_str(), &info) == 0 && !S_ISREG(info.st_mode))
    unlink(path(key).c_str()); // not to be written through: a pipe would wait for a reader
  try {
    runtime::write_file(path(key), bytes, false);
  } catch (const runtime::Error &) {
    return; // a full or read-only disk
  }
  shrink();
}

void ObjectCache::shrink() const {
  struct File {
    fs::file_time_type used;
    int64_t bytes;
    fs::path path;
  };
  std::vector<File> files;
  int64_t total = 0;
  std::error_code error;
  for (fs::directory_iterator it(folder_, error), end; !error && it != end; it.increment(error)) {
    std::error_code gone; // another process may be at the same
    File file{it->last_write_time(gone), static_cast<int64_t>(it->file_size(gone)), it->path()};
    if (gone || !is_ours(file.path.filename().string()))
      continue;
    total += file.bytes;
    files.push_back(std::move(file));
  }
  std::sort(files.begin(), files.end(),
            [](const File &a, const File &b) { return std::tie(a.used, a.path) < std::tie(b.used, b.path); });
  for (size_t i = 0; i < files.size() && total > max_bytes_; ++i)
    if (fs::remove(files[i].path, error))
      total -= files[i].bytes;
}

} // namespace gradc
