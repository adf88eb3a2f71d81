// The law of the tree: which folder may include what, how long a file may get, and where the documentation is.
#include "ir/op.h"

#include <catch2/catch.hpp>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>

namespace gradc {
namespace {

namespace fs = std::filesystem;

const fs::path kRoot = GRADC_SOURCE_DIR;
constexpr size_t kMaxLines = 400;

struct Source {
  std::string path; // from the root
  size_t lines = 0;
  std::vector<std::string> quoted, angled; // what it includes
};

Source read_source(const fs::path &path) {
  Source source{fs::relative(path, kRoot).string(), 0, {}, {}};
  std::ifstream file(path);
  for (std::string line; std::getline(file, line); ++source.lines) {
    size_t include = line.find_first_not_of(" \t#");
    if (!line.starts_with('#') || include == line.npos || line.compare(include, 7, "include") != 0)
      continue;
    size_t open = line.find_first_of("\"<");
    size_t close = open == line.npos ? line.npos : line.find_first_of("\">", open + 1);
    if (close != line.npos)
      (line[open] == '"' ? source.quoted : source.angled).push_back(line.substr(open + 1, close - open - 1));
  }
  return source;
}

std::vector<Source> sources(const char *folder) {
  std::vector<Source> result;
  if (!fs::exists(kRoot / folder))
    return result;
  for (const auto &entry : fs::recursive_directory_iterator(kRoot / folder)) {
    std::string extension = entry.path().extension();
    if (entry.is_regular_file() && (extension == ".cpp" || extension == ".h" || extension == ".c"))
      result.push_back(read_source(entry.path()));
  }
  std::sort(result.begin(), result.end(), [](const Source &a, const Source &b) { return a.path < b.path; });
  return result;
}

bool starts_with_any(const std::string &text, std::initializer_list<const char *> prefixes) {
  return std::any_of(prefixes.begin(), prefixes.end(), [&](const char *p) { return text.starts_with(p); });
}

/// A header of the standard library of C++: no folder and no extension.
bool is_standard(const std::string &header) { return header.find_first_of("./") == header.npos; }

/// Every quoted include starts with one of `folders`; every other is standard or starts with one of `libraries`.
void check_includes(const char *folder, std::initializer_list<const char *> folders,
                    std::initializer_list<const char *> libraries) {
  for (const Source &source : sources(folder)) {
    INFO(source.path);
    for (const std::string &header : source.quoted) {
      INFO("includes \"" << header << '"');
      CHECK(starts_with_any(header, folders));
    }
    for (const std::string &header : source.angled) {
      INFO("includes <" << header << '>');
      CHECK((is_standard(header) || starts_with_any(header, libraries)));
    }
  }
}

TEST_CASE("ir includes itself and the standard library", "[layering]") { check_includes("ir", {"ir/"}, {}); }

TEST_CASE("passes include ir, passes and the standard library", "[layering]") {
  check_includes("passes", {"ir/", "passes/"}, {});
}

TEST_CASE("runtime/train includes the runtime and its few libraries only", "[layering]") {
  check_includes("runtime/train", {"runtime/", "gradc.h"},
                 {"fmt/", "nlohmann/", "Random123/", "zip.h", "sys/", "unistd.h", "fnmatch.h", "fcntl.h", "dlfcn.h"});
}

TEST_CASE("runtime/core is C and includes no other folder", "[layering]") {
  for (const Source &source : sources("runtime/core")) {
    INFO(source.path);
    CHECK_FALSE(source.path.ends_with(".cpp"));
    for (const std::string &header : source.quoted) {
      INFO("includes \"" << header << '"');
      CHECK_FALSE(starts_with_any(header, {"ir/", "passes/", "compiler/", "runtime/train/", "train/"}));
    }
    for (const std::string &header : source.angled) {
      INFO("includes <" << header << '>');
      CHECK(header.ends_with(".h"));
    }
  }
}

// Tests of the code generator may look at what it generates.
TEST_CASE("only the compiler includes LLVM and lld", "[layering]") {
  for (const char *folder : {"ir", "passes", "runtime"})
    for (const Source &source : sources(folder)) {
      INFO(source.path);
      for (const auto *headers : {&source.quoted, &source.angled})
        for (const std::string &header : *headers)
          CHECK_FALSE(starts_with_any(header, {"llvm", "lld"}));
    }
}

// Else a full disk, a closed stream or a kill would again do harm that these files keep from the user.
TEST_CASE("files are written by write_file.c alone, and standard streams by console.cpp", "[layering]") {
  const std::pair<const char *, const char *> reserved[] = {
      {"O_CREAT", "runtime/core/write_file.c"}, {"ofstream", ""},        {"fwrite(", "runtime/train/io/console.cpp"},
      {"fmt::print(", ""},                      {"std::cout", ""},       {"std::cerr", ""},
      {"llvm::outs", ""},                       {"llvm::errs", ""},      {"fputs(", ""},
      {" printf(", ""},                         {"fprintf(", ""},        {"std::puts(", ""}};
  for (const char *folder : {"ir", "passes", "compiler", "runtime"})
    for (const Source &source : sources(folder)) {
      std::ostringstream text;
      text << std::ifstream(kRoot / source.path).rdbuf();
      for (const auto &[word, home] : reserved) {
        INFO(source.path << " says " << word);
        CHECK((source.path == home || text.str().find(word) == std::string::npos));
      }
    }
}

TEST_CASE("source files stay short", "[layering]") {
  for (const char *folder : {"ir", "passes", "compiler", "runtime", "tests", "examples"})
    for (const Source &source : sources(folder)) {
      INFO(source.path << " has " << source.lines << " lines");
      CHECK(source.lines <= kMaxLines);
    }
}

TEST_CASE("the table of ops is the folder of ops, sorted", "[layering]") {
  std::vector<std::string> table, files;
  for (const OpDef *op : all_ops())
    table.emplace_back(op->name);
  for (const auto &entry : fs::directory_iterator(kRoot / "ir" / "ops"))
    if (entry.path().extension() == ".cpp")
      files.push_back(entry.path().stem());
  std::sort(files.begin(), files.end());
  CHECK(table == files);
}

TEST_CASE("every folder with sources has a README", "[layering]") {
  std::set<fs::path> folders = {kRoot};
  for (const char *folder : {"ir", "passes", "compiler", "runtime", "tests", "examples"})
    for (const Source &source : sources(folder))
      folders.insert((kRoot / source.path).parent_path());
  for (const fs::path &folder : folders) {
    INFO(folder);
    CHECK(fs::exists(folder / "README.md"));
  }
}

} // namespace
} // namespace gradc
