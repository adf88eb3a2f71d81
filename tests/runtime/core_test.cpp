// The thread team and the weights files that every model.so carries.
#include "tests/support/runtime_fake_model.h"

#include <algorithm>
#include <atomic>
#include <catch2/catch.hpp>
#include <cstring>
#include <limits>
#include <map>
#include <thread>

using namespace gradc::runtime;

namespace {

struct Cover {
  std::vector<int> visits;
  std::atomic<int> calls{0};
};

void count_visits(void *args, void *, int64_t begin, int64_t end) {
  auto *cover = static_cast<Cover *>(args);
  ++cover->calls;
  for (int64_t i = begin; i < end; ++i)
    ++cover->visits[static_cast<size_t>(i)];
}

/// The arenas of a FakeModel outside any Instance.
struct Arenas {
  float params[16] = {}, slots[16] = {};
  void *const both[2] = {params, slots};
  void *const only_params[2] = {params, nullptr};
};

std::string safetensors(const std::string &header, size_t data_bytes) {
  const uint64_t length = header.size();
  std::string file(reinterpret_cast<const char *>(&length), sizeof length);
  return file + header + std::string(data_bytes, '\0');
}

/// The message of loading the parameters of a FakeModel from a file with these contents, which must fail.
std::string refusal(const std::string &contents, int32_t expected_status) {
  const TemporaryFolder folder;
  write_text(folder / "x.safetensors", contents);
  const FakeModel model({});
  Arenas arenas;
  char message[256] = "untouched";
  std::fill(std::begin(arenas.params), std::end(arenas.params), 3.0f);
  CHECK(model.table.load(&model.table, arenas.only_params, 2, (folder / "x.safetensors").c_str(), message,
                         sizeof message) == expected_status);
  for (const float x : arenas.params)
    CHECK(x == 3.0f);
  return message;
}

constexpr const char *kB = R"("b":{"dtype":"F32","shape":[],"data_offsets":[0,4]})";
constexpr const char *kW = R"("w":{"dtype":"F32","shape":[3],"data_offsets":[4,16]})";

} // namespace

TEST_CASE("memory: blocks are aligned, zero and to be written, of any size") {
  for (const int64_t bytes : {int64_t{0}, int64_t{1}, int64_t{100}, (int64_t{2} << 20) - 1, int64_t{2} << 20, (int64_t{5} << 20) + 3}) {
    auto *memory = static_cast<unsigned char *>(gradc_core_memory_create(bytes));
    REQUIRE(memory);
    CHECK(reinterpret_cast<uintptr_t>(memory) % (bytes >= 2 << 20 ? 2 << 20 : 64) == 0);
    CHECK(std::all_of(memory, memory + bytes, [](unsigned char byte) { return byte == 0; }));
    std::fill(memory, memory + bytes, static_cast<unsigned char>(1));
    gradc_core_memory_destroy(memory, bytes);
  }
  gradc_core_memory_destroy(nullptr, 1 << 30);
  CHECK(gradc_core_memory_create(-1) == nullptr);
  CHECK(gradc_core_memory_create(int64_t{1} << 62) == nullptr);
}

TEST_CASE("team: every index of every count is visited once, for any number of threads") {
  for (const int32_t threads : {1, 2, 3, 7}) {
    gradc_team *team = gradc_core_team_create(threads);
    CHECK((team == nullptr) == (threads == 1));
    for (int64_t count = 0; count < 40; ++count) {
      Cover cover{std::vector<int>(static_cast<size_t>(count)), {}};
      gradc_core_parallel(team, count_visits, &cover, nullptr, 0, count);
      CHECK(cover.visits == std::vector<int>(static_cast<size_t>(count), 1));
      CHECK(cover.calls <= threads);
    }
    gradc_core_team_destroy(team);
  }
}

TEST_CASE("team: shares are contiguous, in thread order, the first ones longer") {
  struct Share {
    std::atomic<int> of[11];
  } shares;
  gradc_team *team = gradc_core_team_create(3);
  gradc_core_parallel(
      team,
      [](void *args, void *, int64_t begin, int64_t end) {
        for (int64_t i = begin; i < end; ++i)
          static_cast<Share *>(args)->of[i] = static_cast<int>(begin * 100 + end);
      },
      &shares, nullptr, 0, 11);
  gradc_core_team_destroy(team);
  for (int i = 0; i < 11; ++i)
    CHECK(shares.of[i] == (i < 4 ? 4 : i < 8 ? 408 : 811));
}

TEST_CASE("team: every share has a scratch of its own, whichever thread runs it") {
  constexpr int32_t kThreads = 3;
  gradc_team *team = gradc_core_team_create(kThreads);
  REQUIRE(gradc_core_team_threads(team) == kThreads);
  CHECK(gradc_core_team_threads(nullptr) == 1);
  struct Scratch {
    int64_t begin, end;
  };
  for (int round = 0; round < 200; ++round) {
    Scratch scratch[kThreads] = {};
    gradc_core_parallel(
        team, [](void *, void *mine, int64_t begin, int64_t end) { *static_cast<Scratch *>(mine) = {begin, end}; }, nullptr,
        scratch, sizeof(Scratch), 7);
    for (int32_t t = 0; t < kThreads; ++t) {
      CHECK(scratch[t].begin == (t == 0 ? 0 : 2 * t + 1));
      CHECK(scratch[t].end == 2 * t + 3);
    }
  }
  gradc_core_team_destroy(team);
}

TEST_CASE("team: what a round writes the next round reads") {
  gradc_team *team = gradc_core_team_create(2);
  std::vector<int64_t> values(1000);
  for (int round = 0; round < 5000; ++round)
    gradc_core_parallel(
        team,
        [](void *args, void *, int64_t begin, int64_t end) {
          auto &v = *static_cast<std::vector<int64_t> *>(args);
          for (int64_t i = begin; i < end; ++i)
            v[static_cast<size_t>(i)] += 1;
        },
        &values, nullptr, 0, 1000 - round % 3);
  gradc_core_team_destroy(team);
  CHECK(values.front() == 5000);
  CHECK(values.back() == 1667); // the rounds with all 1000: ceil(5000 / 3)
}

TEST_CASE("team: threads that fell asleep wake up") {
  gradc_team *team = gradc_core_team_create(4);
  Cover cover{std::vector<int>(64), {}};
  for (int i = 0; i < 5; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
    gradc_core_parallel(team, count_visits, &cover, nullptr, 0, 64);
  }
  gradc_core_team_destroy(team);
  CHECK(cover.visits == std::vector<int>(64, 5));
}

TEST_CASE("team: several teams work at the same time, and destroying none or an idle one is fine") {
  gradc_core_team_destroy(nullptr);
  gradc_core_team_destroy(gradc_core_team_create(2));
  std::vector<std::thread> hosts;
  std::atomic<int> good{0};
  for (int h = 0; h < 3; ++h)
    hosts.emplace_back([&good] {
      gradc_team *team = gradc_core_team_create(3);
      Cover cover{std::vector<int>(100), {}};
      for (int i = 0; i < 200; ++i)
        gradc_core_parallel(team, count_visits, &cover, nullptr, 0, 100);
      gradc_core_team_destroy(team);
      good += cover.visits == std::vector<int>(100, 200);
    });
  for (std::thread &host : hosts)
    host.join();
  CHECK(good == 3);
}

TEST_CASE("weights: saving and loading gives the same bits, sorted, padded and with metadata") {
  const TemporaryFolder folder;
  const FakeModel model({});
  Arenas saved, loaded;
  for (int i = 0; i < 5; ++i) {
    saved.params[i] = 0.1f * static_cast<float>(i);
    saved.slots[i] = -1.0f / static_cast<float>(i + 1);
  }
  const char *const metadata[] = {"who", "a \"quoted\" \\ line\n", "step", "7", nullptr};
  const std::string path = folder / "w.safetensors";
  REQUIRE(model.table.save(&model.table, saved.both, 2, path.c_str(), metadata) == GRADC_OK);
  const std::string file = read_text(path);
  uint64_t length;
  std::memcpy(&length, file.data(), sizeof length);
  CHECK((8 + length) % 8 == 0);
  CHECK(file.size() == 8 + length + 32);
  const std::string header = file.substr(8, length);
  CHECK(header.starts_with(R"({"__metadata__":{"gradc.optimizer":"","who":"a \"quoted\" \\ line\u000a","step":"7"},"b":{"dtype":"F32")"));
  CHECK(header.find("\"b\":") < header.find("\"b.m\":"));
  CHECK(header.find("\"b.m\":") < header.find("\"w\":"));

  char message[64] = "?";
  REQUIRE(model.table.load(&model.table, loaded.both, 2, path.c_str(), message, sizeof message) == GRADC_OK);
  CHECK(std::string(message).empty());
  for (const int i : {0, 1, 2, 4}) {
    CHECK(loaded.params[i] == saved.params[i]);
    CHECK(loaded.slots[i] == saved.slots[i]);
  }
  CHECK(folder.files() == 1); // no temporary file stays
}

TEST_CASE("weights: arenas that are null are neither written nor read") {
  const TemporaryFolder folder;
  const FakeModel model({});
  Arenas arenas;
  const std::string path = folder / "w.safetensors";
  REQUIRE(model.table.save(&model.table, arenas.only_params, 2, path.c_str(), nullptr) == GRADC_OK);
  CHECK(read_text(path).find("b.m") == std::string::npos);
  CHECK(model.table.load(&model.table, arenas.only_params, 2, path.c_str(), nullptr, 0) == GRADC_OK);
  char message[256];
  CHECK(model.table.load(&model.table, arenas.both, 2, path.c_str(), message, sizeof message) == GRADC_MISMATCH);
  CHECK(std::string(message) == "tensor 'b.m': expected F32[], the file has no such tensor");
}

TEST_CASE("weights: state of another optimizer is refused, the parameters beside it are taken") {
  const TemporaryFolder folder;
  FakeModel model({});
  Arenas arenas;
  const std::string path = folder / "w.safetensors";
  model.table.optimizer = "lamb m v";
  REQUIRE(model.table.save(&model.table, arenas.both, 2, path.c_str(), nullptr) == GRADC_OK);
  CHECK(model.table.load(&model.table, arenas.both, 2, path.c_str(), nullptr, 0) == GRADC_OK);
  model.table.optimizer = "adam m v";
  char message[256];
  CHECK(model.table.load(&model.table, arenas.both, 2, path.c_str(), message, sizeof message) == GRADC_MISMATCH);
  CHECK(std::string(message) == "the state is that of the optimizer and its slots 'lamb m v', this model has 'adam m v'; the "
                                "parameters alone can be loaded");
  CHECK(model.table.load(&model.table, arenas.only_params, 2, path.c_str(), message, sizeof message) == GRADC_OK);
  model.table.struct_size = offsetof(gradc_model, optimizer); // an older library, which does not say
  CHECK(model.table.load(&model.table, arenas.both, 2, path.c_str(), message, sizeof message) == GRADC_OK);
  const char *const reserved[] = {"gradc.optimizer", "adam m v", nullptr};
  CHECK(model.table.save(&model.table, arenas.both, 2, path.c_str(), reserved) == GRADC_BAD_CALL);
}

TEST_CASE("weights: a file that cannot be written leaves the old one and no temporary") {
  const TemporaryFolder folder;
  const FakeModel model({});
  Arenas arenas;
  CHECK(model.table.save(&model.table, arenas.both, 2, (folder / "none/w").c_str(), nullptr) == GRADC_IO_ERROR);
  std::filesystem::create_directory(folder / "taken");
  write_text(folder / "taken/inside", "x");
  CHECK(model.table.save(&model.table, arenas.both, 2, (folder / "taken").c_str(), nullptr) == GRADC_IO_ERROR);
  CHECK(folder.files() == 1);
  CHECK(model.table.save(&model.table, arenas.both, 2, nullptr, nullptr) == GRADC_NULL_POINTER);
  const char *const twice[] = {"a", "1", "a", "2", nullptr};
  CHECK(model.table.save(&model.table, arenas.both, 2, (folder / "w").c_str(), twice) == GRADC_BAD_CALL);
}

TEST_CASE("weights: other tensors, any order of keys, white space and escapes are read") {
  const TemporaryFolder folder;
  const FakeModel model({});
  Arenas arenas;
  std::string file = safetensors(R"({ "\u0062" : { "shape":[], "data_offsets" : [ 0 ,4], "dtype":"F32"},)"
                                 R"("w":{"dtype":"F32","shape":[3],"data_offsets":[6,18]},)"
                                 R"("half":{"dtype":"BF16","shape":[1,1,1,1,1,1,1,1,1,1],"data_offsets":[4,6]},)"
                                 R"("none":{"dtype":"F64","shape":[0,9],"data_offsets":[18,18]}}   )",
                                 18);
  const float b = 2.5f;
  std::memcpy(file.data() + file.size() - 18, &b, sizeof b);
  write_text(folder / "w", file);
  char message[256];
  CHECK(model.table.load(&model.table, arenas.only_params, 2, (folder / "w").c_str(), message, sizeof message) ==
        GRADC_OK);
  CHECK(std::string(message).empty());
  CHECK(arenas.params[4] == 2.5f);
}

TEST_CASE("weights: a tensor of another shape or dtype is named with both") {
  CHECK(refusal(safetensors(std::string("{") + kB + R"(,"w":{"dtype":"F32","shape":[3,1],"data_offsets":[4,16]}})", 16),
                GRADC_MISMATCH) == "tensor 'w': expected F32[3], found F32[3,1]");
  CHECK(refusal(safetensors(std::string("{") + kB + R"(,"w":{"dtype":"I32","shape":[3],"data_offsets":[4,16]}})", 16),
                GRADC_MISMATCH) == "tensor 'w': expected F32[3], found I32[3]");
  CHECK(refusal(safetensors(std::string("{") + kB + "}", 4), GRADC_MISMATCH) ==
        "tensor 'w': expected F32[3], the file has no such tensor");
  CHECK(refusal(safetensors("{}", 0), GRADC_MISMATCH) == "tensor 'b': expected F32[], the file has no such tensor");
}

TEST_CASE("weights: malformed lengths are refused before anything is allocated") {
  CHECK(refusal("", GRADC_BAD_FILE) == "expected a safetensors file, found only 0 bytes");
  CHECK(refusal("1234567", GRADC_BAD_FILE) == "expected a safetensors file, found only 7 bytes");
  CHECK(refusal(std::string(8, '\xff'), GRADC_BAD_FILE) ==
        "the first 8 bytes announce a header of 18446744073709551615 bytes; expected at most 0");
  CHECK(refusal(std::string(7, '\xff') + "\x7f" + "{}", GRADC_BAD_FILE) ==
        "the first 8 bytes announce a header of 9223372036854775807 bytes; expected at most 2");
  CHECK(refusal(std::string("\x03\0\0\0\0\0\0\0{}", 10), GRADC_BAD_FILE) ==
        "the first 8 bytes announce a header of 3 bytes; expected at most 2");
  CHECK(refusal(std::string(8, '\0'), GRADC_BAD_FILE) == "header, byte 0: expected a header that starts with '{'");
}

TEST_CASE("weights: malformed headers are refused with the place") {
  const auto bad = [](const std::string &header, size_t bytes) {
    return refusal(safetensors(header, bytes), GRADC_BAD_FILE);
  };
  const std::string both = std::string("{") + kB + "," + kW;
  CHECK(bad(" {}", 0) == "header, byte 0: expected a header that starts with '{'");
  CHECK(bad(both, 16) == "header, byte " + std::to_string(both.size()) + ": expected ',' or '}'");
  CHECK(bad(both + ",}", 16) == "header, byte " + std::to_string(both.size() + 1) + ": expected a string");
  CHECK(bad(both + "}}", 16).ends_with("expected nothing but white space after the header"));
  CHECK(bad(both + "}" + std::string(1, '\0'), 16).ends_with("expected nothing but white space after the header"));
  CHECK(bad(R"({"b":{"dtype":"F32","shape":[],"data_offsets":[0,4],"x":1}})", 4).ends_with("each once"));
  CHECK(bad(R"({"b":{"dtype":"F32","dtype":"F32","shape":[],"data_offsets":[0,4]}})", 4).ends_with("each once"));
  CHECK(bad(R"({"b":{"dtype":"F32","shape":[]}})", 4).ends_with("each once"));
  CHECK(bad(R"({"b":{"dtype":"F31","shape":[],"data_offsets":[0,4]}})", 4).ends_with("a dtype of the format"));
  CHECK(bad(R"({"b":{"dtype":"F32","shape":[-1],"data_offsets":[0,4]}})", 4).ends_with("a whole number"));
  CHECK(bad(R"({"b":{"dtype":"F32","shape":[01],"data_offsets":[0,4]}})", 4).ends_with("a whole number"));
  CHECK(bad(R"({"b":{"dtype":"F32","shape":[1.0],"data_offsets":[0,4]}})", 4).ends_with("']' after a shape"));
  CHECK(bad(R"({"b":{"dtype":"F32","shape":[99999999999999999999],"data_offsets":[0,4]}})", 4).ends_with("63 bits"));
  CHECK(bad(R"({"b":{"dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,4]}})", 4)
            .ends_with("that fits 63 bits"));
  CHECK(bad(R"({"b":{"dtype":"F4","shape":[3],"data_offsets":[0,1]}})", 1).ends_with("that fits 63 bits"));
  CHECK(bad(R"({"b":{"dtype":"F32","shape":[],"data_offsets":[0,5]}})", 5).ends_with("exactly the shape's bytes"));
  CHECK(bad(R"({"b":{"dtype":"F32","shape":[],"data_offsets":[4,0]}})", 4).ends_with("exactly the shape's bytes"));
  CHECK(bad(R"({"b":{"dtype":"F32","shape":[],"data_offsets":[0,4,8]}})", 4).ends_with("']' after two offsets"));
  CHECK(bad(R"({"__metadata__":{"a":1}})", 0).ends_with("a string"));
  CHECK(bad(R"({"__metadata__":{},"__metadata__":{}})", 0).ends_with("only once"));
  CHECK(bad(R"({"__metadata__":[]})", 0).ends_with("'{' and metadata"));
  CHECK(bad(R"({"b":[]})", 0).ends_with("a tensor's description"));
}

TEST_CASE("weights: malformed strings are refused") {
  const auto bad = [](const std::string &name) {
    return refusal(safetensors("{\"" + name + R"(":{"dtype":"U8","shape":[],"data_offsets":[0,1]}})", 1),
                   GRADC_BAD_FILE);
  };
  CHECK(bad("\\x").ends_with("a valid escape"));
  CHECK(bad("\\u12").ends_with("a valid \\u escape"));
  CHECK(bad("\\ud800").ends_with("a valid \\u escape"));
  CHECK(bad("\\ud800\\u0041").ends_with("a valid \\u escape"));
  CHECK(bad("\\udc00").ends_with("a valid \\u escape"));
  CHECK(bad("\\u0000").ends_with("a string without U+0000"));
  for (const char *bytes : {"\x01", "\x80", "\xc0\x80", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xe2\x82"})
    CHECK(bad(bytes).ends_with("valid UTF-8 without control characters"));
  CHECK(refusal(safetensors(R"({"b)", 0), GRADC_BAD_FILE).ends_with("the end of a string"));
}

TEST_CASE("weights: tensors must tile the data") {
  const auto tensor = [](const char *name, int begin, int end) {
    return "\"" + std::string(name) + R"(":{"dtype":"U8","shape":[)" + std::to_string(end - begin) +
           R"(],"data_offsets":[)" + std::to_string(begin) + "," + std::to_string(end) + "]}";
  };
  const auto bad = [](const std::string &entries, size_t bytes) {
    return refusal(safetensors("{" + entries + "}", bytes), GRADC_BAD_FILE);
  };
  CHECK(bad(tensor("p", 1, 4), 4) ==
        "tensor 'p': expected to start at byte 0 of the data, where the one before ends, found 1");
  CHECK(bad(tensor("p", 0, 4) + "," + tensor("q", 5, 8), 8).starts_with("tensor 'q': expected to start at byte 4"));
  CHECK(bad(tensor("p", 0, 4) + "," + tensor("q", 3, 8), 8).starts_with("tensor 'q': expected to start at byte 4"));
  CHECK(bad(tensor("p", 0, 4), 3) == "expected 4 bytes of tensors after the header, found 3");
  CHECK(bad(tensor("p", 0, 4), 5) == "expected 4 bytes of tensors after the header, found 5");
  CHECK(bad(tensor("p", 0, 4) + "," + tensor("p", 4, 8), 8) == "tensor 'p' is described twice");
  CHECK(bad(tensor("p", 0, 4) + "," + tensor("\\u0070", 4, 8), 8) == "tensor 'p' is described twice");
}

TEST_CASE("weights: every prefix of a good file is refused and changes nothing") {
  const TemporaryFolder folder;
  const FakeModel model({});
  Arenas arenas;
  REQUIRE(model.table.save(&model.table, arenas.only_params, 2, (folder / "w").c_str(), nullptr) == GRADC_OK);
  const std::string file = read_text(folder / "w");
  for (size_t length = 0; length < file.size(); ++length)
    refusal(file.substr(0, length), GRADC_BAD_FILE);
}

TEST_CASE("weights: what is no regular file is refused without waiting") {
  const FakeModel model({});
  Arenas arenas;
  char message[256];
  CHECK(model.table.load(&model.table, arenas.both, 2, "/", message, sizeof message) == GRADC_IO_ERROR);
  CHECK(std::string(message) == "expected a regular file");
  CHECK(model.table.load(&model.table, arenas.both, 2, "/nowhere/w", message, sizeof message) == GRADC_IO_ERROR);
  CHECK(std::string(message) == "cannot open: No such file or directory");
  CHECK(model.table.load(&model.table, arenas.both, 2, nullptr, message, sizeof message) == GRADC_NULL_POINTER);
}
