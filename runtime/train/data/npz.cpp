// Reads .npz by libzip; see npz.h.
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

} // namespace gradc::runtime
