// .npz archives: arrays by name, and how what is damaged or hostile is refused.
#include "runtime/gradc.h"
#include "runtime/train/data/dataset.h"
#include "runtime/train/data/npz.h"
#include "tests/support/runtime_checks.h"
#include "tests/support/runtime_fake_model.h"

#include <catch2/catch.hpp>
#include <cstring>
#include <zip.h>

using namespace gradc::runtime;

namespace {

/// An archive with these members, as numpy.savez (stored) or numpy.savez_compressed (deflated) writes one.
std::string archive(const std::vector<std::pair<std::string, std::string>> &members, zip_int32_t method, const char *password = nullptr) {
  const TemporaryFolder folder;
  const std::string path = folder / "a.npz";
  zip_t *zip = zip_open(path.c_str(), ZIP_CREATE, nullptr);
  REQUIRE(zip);
  for (const auto &[name, bytes] : members) {
    const zip_int64_t index = zip_file_add(zip, name.c_str(), zip_source_buffer(zip, bytes.data(), bytes.size(), 0), 0);
    REQUIRE(index >= 0);
    REQUIRE(zip_set_file_compression(zip, static_cast<zip_uint64_t>(index), method, 0) == 0);
    if (password)
      REQUIRE(zip_file_set_encryption(zip, static_cast<zip_uint64_t>(index), ZIP_EM_TRAD_PKWARE, password) == 0);
  }
  REQUIRE(zip_close(zip) == 0);
  return read_text(path);
}

const std::string kX = npy_file(GRADC_F64, {2, 2}, bytes_of<double>({1, 2, 3, 4}));
const std::string kY = npy_file(GRADC_I32, {2}, bytes_of<int32_t>({2, 1}));

std::string error_in(const std::string &bytes, const std::string &name = "x") {
  return error_of([&] { NpzArchive("f.npz", bytes).array(name); });
}

/// `bytes` with the little-endian number at `at` replaced.
std::string patched(std::string bytes, size_t at, uint32_t value) {
  std::memcpy(bytes.data() + at, &value, sizeof value);
  return bytes;
}

} // namespace

TEST_CASE("npz: arrays by name, stored or compressed") {
  for (const zip_int32_t method : {ZIP_CM_STORE, ZIP_CM_DEFLATE}) {
    const NpzArchive npz("f.npz", archive({{"x.npy", kX}, {"y.npy", kY}}, method));
    CHECK(npz.names() == std::vector<std::string>{"x", "y"});
    CHECK(npz.array("y").value(0) == 2);
    CHECK(npz.array("x").shape() == std::vector<int64_t>{2, 2});
    CHECK(npz.array("x").value(3) == 4);
  }
}

TEST_CASE("npz: what is written reads back, and is the same bytes each time") {
  const std::string bytes = npz_file({{"x", kX}, {"scores.class", kY}});
  CHECK(bytes == npz_file({{"x", kX}, {"scores.class", kY}}));
  const NpzArchive read("f.npz", bytes);
  CHECK(read.names() == std::vector<std::string>{"x", "scores.class"});
  CHECK(read.array("x").value(3) == 4);
  CHECK(read.array("scores.class").value(0) == 2);
}

TEST_CASE("npz: an array that is not there is told with what is") {
  const std::string bytes = archive({{"x_train.npy", kX}, {"y.npy", kY}}, ZIP_CM_STORE);
  CHECK(error_in(bytes) == "f.npz: there is no array 'x'; there are 'x_train', 'y'");
  CHECK(error_in(bytes, "x_tran") == "f.npz: there is no array 'x_tran'; did you mean 'x_train'?");
  CHECK(error_in(bytes, "pixels") == "f.npz: there is no array 'pixels'; there are 'x_train', 'y'");
  CHECK(error_in(archive({{"x.npy", "no array"}}, ZIP_CM_STORE)) == "f.npz: array 'x': expected a .npy file, found something else");
}

TEST_CASE("npz: what is no archive, damaged or hostile is refused") {
  CHECK(error_in("") == "f.npz: there is no array 'x'; the file is empty");
  CHECK(error_in(kX).starts_with("f.npz: expected a .npz file, which is a zip archive: "));
  const std::string zeros = npy_file(GRADC_F64, {1000}, std::string(8000, '\0'));
  const std::string bytes = archive({{"x.npy", zeros}}, ZIP_CM_DEFLATE);
  for (size_t size = 0; size < bytes.size(); size += 7)
    CHECK(error_in(bytes.substr(0, size)).starts_with("f.npz: "));
  CHECK(error_in(archive({{"x.npy", kX}}, ZIP_CM_STORE, "secret")) == "f.npz: array 'x' is encrypted");

  // APPNOTE 4.3.7 and 4.3.12: checksum, compressed and full size stand at 14, 18 and 22 of a local header, at 16, 20 and 24 of the
  // directory's.
  const size_t directory = bytes.find("PK\x01\x02");
  REQUIRE(directory != std::string::npos);
  CHECK(error_in(patched(patched(bytes, 22, 4000000000u), directory + 24, 4000000000u)).find("cannot be 4000000000 bytes") !=
        std::string::npos);
  CHECK(error_in(patched(patched(bytes, 14, 1), directory + 16, 1)).find("it is damaged: CRC error") != std::string::npos);
  CHECK(error_in(patched(patched(bytes, 22, 8000), directory + 24, 8000)) != ""); // shorter than it is
}

TEST_CASE("dataset: arrays of a .npz file, by the names of the inputs or others") {
  const TemporaryFolder folder;
  write_text(folder / "d.npz", archive({{"x.npy", kX}, {"y.npy", kY}}, ZIP_CM_DEFLATE));
  DatasetOptions options;
  options.base_folder = folder.path();
  const auto load = [&](const std::string &data) {
    return load_dataset(parse_signature(R"({"gradc":1,"name":"m","inputs":{"x":{"shape":[2],"dtype":"f32"},"k":{"shape":[],"dtype":"i32"}},
                                            "model":{"train":{"data":)" + data + "}}}"), options);
  };
  for (const char *data : {R"({"path":"d.npz","x":{},"k":{"array":"y"}})", R"({"x":{"path":"d.npz"},"k":{"path":"d.npz","array":"y"}})"}) {
    const Dataset dataset = load(data);
    CHECK(dataset.rows() == 2);
    CHECK(dataset.find("x")->bytes.size() == 4 * sizeof(float));
    CHECK(dataset.find("k")->bytes.size() == 2 * sizeof(int32_t));
  }
  CHECK(error_of([&] { load(R"({"path":"d.npz","x":{"columns":[0,1]},"k":{"array":"y"}})"); })
            .find("columns are those of a CSV file, but") != std::string::npos);
  CHECK(error_of([&] { load(R"({"path":"d.npz","x":{"array":"y"},"k":{"array":"y"}})"); })
            .ends_with("d.npz: array 'y': input 'x': expected 2 elements a row, found 1"));
  options.data_path = folder / "d.npz";
  CHECK(error_of([&] { load(R"({"x":{"path":"d.npz"},"k":{"path":"d.npz","array":"y"}})"); })
            .ends_with("would be read by no input: each names a file of its own; --set train.data.k.path=FILE names another"));
}
