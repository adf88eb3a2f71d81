// Compiled objects on disk, so that what was compiled once starts at once. It never makes a compilation fail: a folder
// that cannot be used and a file that is not whole count as a miss.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace gradc {

/// Files in one folder, each written whole under another name and then renamed, so that processes may share it. Where
/// they take more than `max_bytes`, those not used for longest go. Code from it is run: a folder that is not the user's
/// own, or that everyone may write to, is not used.
class ObjectCache {
public:
  ObjectCache(std::string folder, int64_t max_bytes) : folder_(std::move(folder)), max_bytes_(max_bytes) {}

  /// $GRADC_CACHE_DIR, else $XDG_CACHE_HOME/gradc, else ~/.cache/gradc, bounded by $GRADC_CACHE_BYTES, else 256 MiB.
  /// Null when there is no such folder.
  static std::optional<ObjectCache> from_environment();

  /// What was stored under the key; null on a miss. `key` is one of object_key.
  std::optional<std::vector<std::string>> load(const std::string &key) const;
  void store(const std::string &key, const std::vector<std::string> &objects) const;

private:
  std::string path(const std::string &key) const { return folder_ + "/" + key + ".gradc"; }
  bool trusted() const;
  void shrink() const;

  std::string folder_;
  int64_t max_bytes_;
};

/// A key for what is compiled from `content`: a hash of it and of the builds of gradc and of LLVM that run. Empty, for
/// "do not cache", where a build cannot be told from another.
std::string object_key(std::string_view content);

} // namespace gradc
