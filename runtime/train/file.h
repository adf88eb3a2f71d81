// Whole files in and out. Writing is atomic: the old file or the complete new one, never a part.
#pragma once

#include <string>
#include <string_view>

namespace gradc::runtime {

/// The bytes of a regular file. Throws Error naming the path and the reason.
std::string read_file(const std::string &path);

/// As runtime/core/write_file.h does it. Throws Error; then `path` is as it was before.
void write_file(const std::string &path, std::string_view contents);

/// `path` itself if absolute or `base` is empty, else base/path.
std::string join_path(const std::string &base, const std::string &path);

} // namespace gradc::runtime
