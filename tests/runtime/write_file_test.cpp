// The one writer of files: what stands where afterwards, whatever stood there before and whatever goes wrong.
#include "runtime/core/write_file.h"
#include "runtime/train/error.h"
#include "runtime/train/io/file.h"
#include "tests/support/runtime_fake_model.h"

#include <catch2/catch.hpp>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <climits>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <thread>
#include <unistd.h>

namespace {

enum class Writes { real, nothing, in_pieces };
std::atomic<Writes> writes{Writes::real};
std::atomic<bool> renames_are_busy{false};

} // namespace

// The linker sends every call of write in this program here (tests/CMakeLists.txt).
extern "C" ssize_t __real_write(int, const void *, size_t);
extern "C" ssize_t __wrap_write(int file, const void *data, size_t bytes);
extern "C" ssize_t __wrap_write(int file, const void *data, size_t bytes) {
  static bool interrupt = false;
  switch (writes.load()) {
  case Writes::real: break;
  case Writes::nothing: return 0;
  case Writes::in_pieces:
    interrupt = !interrupt;
    if (interrupt) {
      errno = EINTR;
      return -1;
    }
    bytes = std::min<size_t>(bytes, 3);
  }
  return __real_write(file, data, bytes);
}

using namespace gradc::runtime;
namespace fs = std::filesystem;

namespace {

int write(const std::string &path, const std::string &text, bool durable = true) {
  const gradc_part parts[] = {{text.data(), text.size() / 2}, {text.data() + text.size() / 2, text.size() - text.size() / 2}};
  return gradc_core_write_file(path.c_str(), parts, 2, durable);
}

int write_while(Writes how, const std::string &path, const std::string &text) {
  writes = how;
  const int error = write(path, text);
  writes = Writes::real;
  return error;
}

mode_t mode_of(const std::string &path) {
  struct stat info {};
  REQUIRE(stat(path.c_str(), &info) == 0);
  return info.st_mode & 07777;
}

} // namespace

// As rename has it for a file that is a mount point.
extern "C" int __real_rename(const char *, const char *);
extern "C" int __wrap_rename(const char *from, const char *to);
extern "C" int __wrap_rename(const char *from, const char *to) {
  return renames_are_busy ? (errno = EBUSY, -1) : __real_rename(from, to);
}

TEST_CASE("a file that cannot be replaced, but written, is written in place") {
  const TemporaryFolder folder;
  write_text(folder / "f", "a longer old one");
  renames_are_busy = true;
  const int error = write(folder / "f", "new");
  renames_are_busy = false;
  CHECK(error == 0);
  CHECK(read_text(folder / "f") == "new");
  CHECK(folder.files() == 1);
}

TEST_CASE("a file is written whole, and nothing else is left in the folder") {
  const TemporaryFolder folder;
  for (bool durable : {true, false}) {
    CHECK(write(folder / "f", "first", durable) == 0);
    CHECK(write(folder / "f", "second one", durable) == 0);
    CHECK(read_text(folder / "f") == "second one");
    CHECK(write(folder / "f", "", durable) == 0);
    CHECK(read_text(folder / "f").empty());
  }
  CHECK(folder.files() == 1);
}

TEST_CASE("a new file has the permissions of the umask, an old one keeps its own") {
  const TemporaryFolder folder;
  const mode_t before = umask(027);
  CHECK(write(folder / "f", "x") == 0);
  CHECK(mode_of(folder / "f") == 0640);
  for (mode_t mode : {0600, 0666, 0444, 0755}) {
    fs::permissions(folder / "f", static_cast<fs::perms>(mode));
    CHECK(write(folder / "f", "y") == 0);
    CHECK(mode_of(folder / "f") == mode);
  }
  umask(before);
}

TEST_CASE("symbolic links are followed and stay, also those that lead to nothing yet") {
  const TemporaryFolder folder;
  fs::create_directory(folder / "there");
  write_text(folder / "there/old", "old");
  fs::permissions(folder / "there/old", fs::perms::owner_read);
  fs::create_symlink("there/old", folder / "relative");
  fs::create_symlink(folder / "relative", folder / "absolute");
  fs::create_symlink("there/new", folder / "dangling");
  CHECK(write(folder / "absolute", "1") == 0);
  CHECK(read_text(folder / "there/old") == "1");
  CHECK(mode_of(folder / "there/old") == 0400);
  CHECK(write(folder / "dangling", "2") == 0);
  CHECK(read_text(folder / "there/new") == "2");
  for (const char *link : {"relative", "absolute", "dangling"})
    CHECK(fs::is_symlink(folder / link));
  fs::create_symlink("loop", folder / "loop");
  CHECK(write(folder / "loop", "3") == ELOOP);
  CHECK(std::distance(fs::directory_iterator(folder / "there"), {}) == 2);
}

TEST_CASE("a pipe and a device are written to, not replaced") {
  const TemporaryFolder folder;
  REQUIRE(mkfifo((folder / "pipe").c_str(), 0600) == 0);
  std::string got;
  std::thread reader([&] { got = read_text(folder / "pipe"); });
  CHECK(write(folder / "pipe", "through") == 0);
  reader.join();
  CHECK(got == "through");
  CHECK(fs::is_fifo(folder / "pipe"));
  CHECK(write("/dev/null", "x") == 0);
  CHECK(write("/dev/full", "x") == ENOSPC);
  CHECK(folder.files() == 1);
}

TEST_CASE("a name that leaves no room for more, and names that are taken") {
  const TemporaryFolder folder;
  const std::string longest(NAME_MAX, 'n');
  CHECK(write(folder / longest, "x") == 0);
  CHECK(read_text(folder / longest) == "x");
  CHECK(write(folder / (longest + "n"), "x") == ENAMETOOLONG);
  CHECK(gradc_core_check_write((folder / (longest + "n")).c_str(), 0) == ENAMETOOLONG);
}

TEST_CASE("a temporary file that a killed process left is removed, one that is being written is not") {
  const TemporaryFolder folder;
  const auto left = [&](const std::string &name) {
    write_text(folder / name, "a part");
    return folder / name;
  };
  left("f.0.gradc-tmp");
  CHECK(write(folder / "f", "x") == 0);
  CHECK(folder.files() == 1);

  const std::string busy = left("f.0.gradc-tmp");
  const int writer = open(busy.c_str(), O_WRONLY);
  REQUIRE(flock(writer, LOCK_EX) == 0);
  left("f.1.gradc-tmp");
  CHECK(write(folder / "f", "y") == 0);
  CHECK(read_text(folder / "f") == "y");
  CHECK(read_text(busy) == "a part");
  CHECK(folder.files() == 2);
  close(writer);

  fs::create_directory(folder / "g.0.gradc-tmp"); // what nobody can have left
  fs::create_symlink("f", folder / "g.1.gradc-tmp");
  left("f.10-0.tmp");
  CHECK(write(folder / "g", "z") == 0);
  CHECK(read_text(folder / "f") == "y");
  CHECK(folder.files() == 6);
}

TEST_CASE("writers of one file at the same time: one of them is there whole, and nothing else") {
  const TemporaryFolder folder;
  const auto contents = [](int i) { return std::string(5000, static_cast<char>('a' + i)); };
  std::vector<std::thread> writers;
  std::atomic<int> errors{0};
  for (int i = 0; i < 4; ++i)
    writers.emplace_back([&, i] {
      for (int again = 0; again < 50; ++again)
        errors += write(folder / "f", contents(i), false) != 0;
    });
  for (std::thread &writer : writers)
    writer.join();
  CHECK(errors == 0);
  const std::string found = read_text(folder / "f");
  CHECK(std::count(found.begin(), found.end(), found[0]) == 5000);
  CHECK(folder.files() == 1);
}

TEST_CASE("owner and group are kept where that is allowed") {
  const TemporaryFolder folder;
  write_text(folder / "f", "old");
  if (geteuid() != 0 || chown((folder / "f").c_str(), 12, 34) != 0)
    return; // only root may give files away
  fs::permissions(folder / "f", static_cast<fs::perms>(0640));
  CHECK(write(folder / "f", "new") == 0);
  struct stat info {};
  REQUIRE(stat((folder / "f").c_str(), &info) == 0);
  CHECK(info.st_uid == 12);
  CHECK(info.st_gid == 34);
  CHECK(mode_of(folder / "f") == 0640);
}

TEST_CASE("a check says what a write would say, and changes nothing") {
  const TemporaryFolder folder;
  write_text(folder / "f", "old");
  fs::create_symlink("new", folder / "dangling");
  fs::create_symlink("loop", folder / "loop");
  REQUIRE(mkfifo((folder / "pipe").c_str(), 0600) == 0);
  for (int in_place : {0, 1}) {
    const auto check = [&](const std::string &path) { return gradc_core_check_write(path.c_str(), in_place); };
    for (const char *good : {"f", "new", "dangling", "pipe"})
      CHECK(check(folder / good) == 0);
    CHECK(check("/dev/null") == 0);
    CHECK(check(folder.path()) == EISDIR);
    CHECK(check(folder / "none/f") == ENOENT);
    CHECK(check(folder / "f/g") == ENOTDIR);
    CHECK(check(folder / "loop") == ELOOP);
    CHECK(check("") == ENOENT);
  }
  CHECK(read_text(folder / "f") == "old");
  CHECK(folder.files() == 4);
  if (geteuid() == 0)
    return; // root may write anywhere
  fs::permissions(folder.path(), fs::perms::owner_read | fs::perms::owner_exec);
  CHECK(gradc_core_check_write((folder / "f").c_str(), 0) == EACCES);
  CHECK(gradc_core_check_write((folder / "f").c_str(), 1) == 0);
  fs::permissions(folder.path(), fs::perms::owner_all);
}

TEST_CASE("a stream empties its file or goes on behind what is there, on a line of its own") {
  const TemporaryFolder folder;
  const auto stream = [&](bool keep) { GrowingFile(folder / "f", keep).write("line\n"); };
  stream(true);
  CHECK(read_text(folder / "f") == "line\n");
  stream(true);
  CHECK(read_text(folder / "f") == "line\nline\n");
  write_text(folder / "f", "{\"cut");
  stream(true);
  CHECK(read_text(folder / "f") == "{\"cut\nline\n");
  stream(false);
  CHECK(read_text(folder / "f") == "line\n");
  CHECK_THROWS_WITH(GrowingFile("/dev/full", false).write("x"), "cannot write '/dev/full': No space left on device");
}

TEST_CASE("interrupted writes go on, and one that writes nothing is an error") {
  const TemporaryFolder folder;
  CHECK(write_while(Writes::in_pieces, folder / "f", "in many pieces") == 0);
  CHECK(read_text(folder / "f") == "in many pieces");
  CHECK(write_while(Writes::nothing, folder / "f", "never") == EIO);
  CHECK(read_text(folder / "f") == "in many pieces");
  CHECK(folder.files() == 1);
}

TEST_CASE("a write that fails leaves what was there, and no temporary file") {
  const TemporaryFolder folder;
  fs::create_directory(folder / "taken");
  CHECK(write(folder / "taken", "x") == EISDIR);
  CHECK(write(folder / "none/f", "x") == ENOENT);
  write_text(folder / "f", "old");
  CHECK(write(folder / "f/g", "x") == ENOTDIR);
  CHECK(read_text(folder / "f") == "old");
  CHECK(folder.files() == 2);
}

TEST_CASE("the driver's files and the weights are written by it") {
  CHECK_THROWS_WITH(write_file("/dev/full", "x"), "cannot write '/dev/full': No space left on device");
  const TemporaryFolder folder;
  CHECK_THROWS_WITH(write_file(folder / "none/f", "x"),
                    "cannot write '" + folder / "none/f" + "': there is no folder '" + folder / "none" + "'");
  const FakeModel model({});
  std::vector<std::vector<char>> memory;
  std::vector<void *> arenas;
  for (int32_t i = 0; i < model.table.arena_count; ++i)
    arenas.push_back(memory.emplace_back(static_cast<size_t>(gradc_arena_at(&model.table, i)->bytes)).data());
  const auto save = [&](const std::string &path) {
    return model.table.save(&model.table, arenas.data(), model.table.arena_count, path.c_str(), nullptr);
  };
  errno = 0;
  CHECK(save("/dev/full") == GRADC_IO_ERROR);
  CHECK(errno == ENOSPC);
  fs::create_symlink("weights", folder / "link");
  CHECK(save(folder / "link") == GRADC_OK);
  CHECK(fs::is_symlink(folder / "link"));
  CHECK(fs::file_size(folder / "weights") > 0);
  CHECK(folder.files() == 2);
}
