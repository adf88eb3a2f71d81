// Reads and writes .npz by libzip; see npz.h.
#include "runtime/train/data/npz.h"

#include "runtime/train/data/columns.h"
#include "runtime/train/error.h"

#include <fmt/format.h>
#include <zip.h>

namespace gradc::runtime {
namespace {

constexpr std::string_view kSuffix = ".npy";

/// What deflate makes at most of one byte, and some room for short members.
constexpr uint64_t kMostBytesOfOne = 1032, kRoom = 1024;

constexpr zip_uint16_t kNoDate = (1 << 5) | 1; // the first of January 1980, as numpy writes it

struct Discard {
  void operator()(zip_t *archive) const { zip_discard(archive); }
};

struct FreeSource {
  void operator()(zip_source_t *source) const { zip_source_free(source); }
};

struct CloseMember {
  void operator()(zip_file_t *member) const { zip_fclose(member); }
};

} // namespace

bool is_npz(std::string_view path) { return path.ends_with(".npz"); }

void NpzArchive::Close::operator()(zip *archive) const { zip_discard(archive); }

NpzArchive::NpzArchive(std::string path, std::string bytes) : path_(std::move(path)), bytes_(std::move(bytes)) {
  zip_error_t error;
  zip_error_init(&error);
  zip_source_t *source = zip_source_buffer_create(bytes_.data(), bytes_.size(), 0, &error);
  if (source)
    archive_.reset(zip_open_from_source(source, ZIP_RDONLY | ZIP_CHECKCONS, &error));
  if (archive_)
    return;
  const std::string reason = zip_error_strerror(&error);
  zip_error_fini(&error);
  if (source)
    zip_source_free(source);
  throw Error(fmt::format("{}: expected a .npz file, which is a zip archive: {}", path_, reason));
}

std::vector<std::string> NpzArchive::names() const {
  std::vector<std::string> names;
  for (zip_int64_t i = 0; i < zip_get_num_entries(archive_.get(), 0); ++i)
    if (const char *name = zip_get_name(archive_.get(), static_cast<zip_uint64_t>(i), 0)) {
      std::string_view array = name;
      if (array.ends_with(kSuffix))
        array.remove_suffix(kSuffix.size());
      names.emplace_back(array);
    }
  return names;
}

NpyArray NpzArchive::array(const std::string &name) const {
  const std::string full = fmt::format("{}: array '{}'", path_, name);
  const zip_int64_t index = zip_name_locate(archive_.get(), (name + std::string(kSuffix)).c_str(), 0);
  zip_stat_t about;
  if (index < 0 || zip_stat_index(archive_.get(), static_cast<zip_uint64_t>(index), 0, &about) != 0) {
    const std::vector<std::string> there = names();
    const std::string hint = suggestion(name, there);
    throw Error(fmt::format("{}: there is no array '{}'{}", path_, name,
                            !hint.empty() ? hint : there.empty() ? "; the file is empty" : "; there are " + listed(there)));
  }
  if (about.encryption_method != ZIP_EM_NONE)
    throw Error(fmt::format("{} is encrypted", full));
  // A size that is only claimed must not be allocated.
  if (about.comp_size > bytes_.size() || about.size > about.comp_size * kMostBytesOfOne + kRoom)
    throw Error(fmt::format("{}: its {} bytes cannot be {} bytes when decompressed", full, about.comp_size, about.size));
  const std::unique_ptr<zip_file_t, CloseMember> member(zip_fopen_index(archive_.get(), static_cast<zip_uint64_t>(index), 0));
  if (!member)
    throw Error(fmt::format("{}: {}", full, zip_strerror(archive_.get())));
  std::string bytes(about.size, '\0');
  char beyond; // reading to the end has the checksum looked at
  const bool whole = zip_fread(member.get(), bytes.data(), bytes.size()) == static_cast<zip_int64_t>(bytes.size()) &&
                     zip_fread(member.get(), &beyond, 1) == 0;
  if (!whole)
    throw Error(fmt::format("{}: it is damaged: {}", full, zip_file_strerror(member.get())));
  return NpyArray(full, std::move(bytes));
}

std::string npz_file(const std::vector<NpzMember> &arrays) {
  const auto demand = [](bool done) {
    if (!done)
      throw Error("a .npz file could not be made: out of memory");
  };
  const std::unique_ptr<zip_source_t, FreeSource> memory(zip_source_buffer_create(nullptr, 0, 0, nullptr));
  demand(memory != nullptr);
  zip_source_keep(memory.get()); // beyond the archive, which takes the source
  std::unique_ptr<zip_t, Discard> archive(zip_open_from_source(memory.get(), ZIP_TRUNCATE, nullptr));
  demand(archive != nullptr);
  for (const auto &[name, npy] : arrays) {
    zip_source_t *bytes = zip_source_buffer(archive.get(), npy.data(), npy.size(), 0);
    const std::string file_name = name + std::string(kSuffix);
    const zip_int64_t index = zip_file_add(archive.get(), file_name.c_str(), bytes, ZIP_FL_ENC_UTF_8);
    demand(index >= 0);
    zip_set_file_compression(archive.get(), static_cast<zip_uint64_t>(index), ZIP_CM_STORE, 0);
    zip_file_set_dostime(archive.get(), static_cast<zip_uint64_t>(index), 0, kNoDate, 0);
  }
  demand(zip_close(archive.get()) == 0);
  archive.release(); // closed
  zip_stat_t about;
  demand(zip_source_open(memory.get()) == 0 && zip_source_stat(memory.get(), &about) == 0);
  std::string file(about.size, '\0');
  demand(zip_source_read(memory.get(), file.data(), file.size()) == static_cast<zip_int64_t>(file.size()));
  zip_source_close(memory.get());
  return file;
}

} // namespace gradc::runtime
