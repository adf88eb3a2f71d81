// The fuzz targets on files of the tree, each whole and cut short: so they compile, and what they demand holds for these.
#include "runtime/train/io/file.h"

#include <catch2/catch.hpp>

#include <algorithm>
#include <filesystem>
#include <fmt/format.h>

// tests/CMakeLists.txt gives each target the name of its file.
extern "C" {
int csv_fuzz(const uint8_t *, size_t);
int expression_fuzz(const uint8_t *, size_t);
int ir_text_fuzz(const uint8_t *, size_t);
int kernel_text_fuzz(const uint8_t *, size_t);
int model_json_fuzz(const uint8_t *, size_t);
int npy_fuzz(const uint8_t *, size_t);
int npz_fuzz(const uint8_t *, size_t);
int safetensors_fuzz(const uint8_t *, size_t);
}

namespace gradc {
namespace {

namespace fs = std::filesystem;

struct Seeds {
  int (*target)(const uint8_t *, size_t);
  const char *folder, *extension;
};

/// The files of the folder and the folders in it that end so, in order.
std::vector<std::string> files_of(const Seeds &seeds) {
  std::vector<std::string> files;
  for (const auto &entry : fs::recursive_directory_iterator(fs::path(GRADC_SOURCE_DIR) / seeds.folder))
    if (entry.is_regular_file() && entry.path().string().ends_with(seeds.extension))
      files.push_back(entry.path());
  std::sort(files.begin(), files.end());
  return files;
}

/// A file of NumPy as text that is too short for its shape, so that the whole of the header is read.
std::string npy(const std::string &header) {
  return std::string("\x93NUMPY\x01", 7) + '\0' + static_cast<char>(header.size()) + '\0' + header + "12345678";
}

TEST_CASE("fuzz targets stand the files of the tree, whole and cut short", "[fuzz]") {
  constexpr size_t kEach = 16, kMost = 1 << 16; // files of a folder, bytes of a file
  const Seeds all[] = {{csv_fuzz, "examples", ".csv"},         {model_json_fuzz, "tests/text/errors", ".json"},
                       {model_json_fuzz, "examples", "model.json"}, {ir_text_fuzz, "tests/text/passes", ".txt"},
                       {ir_text_fuzz, "tests/text/graph", ".txt"},  {kernel_text_fuzz, "tests/text/kernel", ".txt"}};
  for (const Seeds &seeds : all) {
    const std::vector<std::string> files = files_of(seeds);
    const size_t step = std::max<size_t>(1, files.size() / kEach);
    for (size_t i = 0; i < files.size(); i += step) {
      INFO(files[i]);
      const std::string text = runtime::read_file(files[i]).substr(0, kMost);
      for (const size_t size : {text.size(), text.size() / 2, text.size() / 3})
        CHECK(seeds.target(reinterpret_cast<const uint8_t *>(text.data()), size) == 0);
    }
  }
  for (const std::string text : {"-mean(a[ - b) + 2.5 * max(c, axis=[0, -1])",
                                 "select(a < b, softmax(a), leaky_relu(c, alpha=0.5)) ^ -2 ** d",
                                 "log_sum_exp(matmul(a, b), axis=-1, keep=true)", "\xff a.b \x01 1e5000 =", ""})
    for (size_t size = 0; size <= text.size(); ++size)
      CHECK(expression_fuzz(reinterpret_cast<const uint8_t *>(text.data()), size) == 0);
  for (const char *header : {"{'descr': '<f4', 'fortran_order': False, 'shape': (2,), }", "{'descr': '>i8', 'shape': (1,), 'fortran_order': True}",
                             "{'descr': '<f2', 'fortran_order': False, 'shape': (99, 99)}", "{}", ""}) {
    const std::string file = npy(header);
    for (auto *target : {npy_fuzz, npz_fuzz, safetensors_fuzz})
      CHECK(target(reinterpret_cast<const uint8_t *>(file.data()), file.size()) == 0);
  }
}

} // namespace
} // namespace gradc
