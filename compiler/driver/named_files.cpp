#include "compiler/driver/named_files.h"

#include "ir/error.h"
#include "runtime/train/error.h"

#include <CLI/CLI.hpp>
#include <filesystem>
#include <fmt/format.h>

namespace gradc::driver {
namespace {

namespace fs = std::filesystem;

// One name for a file, whether it exists or is still to be made. The last name may be a link that leads to nothing yet.
fs::path canonical(fs::path path) {
  std::error_code failed;
  for (int links = 0; links < 40 && fs::is_symlink(path, failed); ++links)
    path = path.parent_path() / fs::read_symlink(path, failed);
  const fs::path whole = fs::weakly_canonical(fs::absolute(path, failed), failed);
  return failed ? path : whole;
}

bool same(const std::string &a, const std::string &b) {
  std::error_code failed;
  const fs::file_status found = fs::status(a, failed);
  if (fs::exists(found))
    return fs::is_regular_file(found) && fs::equivalent(a, b, failed); // a device may be named twice
  return canonical(a) == canonical(b);
}

} // namespace

bool NamedFiles::clash(const File &output, const File &other) {
  return &output != &other && other.successor != output.role && same(output.path, other.path);
}

void NamedFiles::check_distinct() const {
  for (const File &output : files_)
    for (const File &other : files_)
      if (output.is_output && clash(output, other))
        throw CLI::ValidationError(
            output.role, fmt::format("'{}' is the file of {}{}; give it another name", output.path, other.role,
                                     other.is_output ? " too" : ", which it would overwrite"));
}

void NamedFiles::check_writable() const {
  for (const File &file : files_)
    if (file.is_output)
      try {
        runtime::check_writable(file.path, file.how);
      } catch (const runtime::Error &error) {
        throw Error(file.role + ": " + error.what());
      }
}

} // namespace gradc::driver
