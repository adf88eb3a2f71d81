// Reads one tensor; see tensor_file.h.
#include "runtime/train/data/tensor_file.h"

#include "runtime/core/safetensors.h"
#include "runtime/train/data/npy.h"
#include "runtime/train/error.h"
#include "runtime/train/io/file.h"
#include "runtime/train/signature.h"

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstring>
#include <fcntl.h>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <sys/stat.h>
#include <unistd.h>

namespace gradc::runtime {
namespace {

FileTensor read_npy(const std::string &path) {
  const NpyArray array(path, read_file(path));
  FileTensor tensor{array.shape(), std::vector<double>(static_cast<size_t>(array.rows() * array.row_elements()))};
  for (size_t i = 0; i < tensor.values.size(); ++i)
    tensor.values[i] = array.value(static_cast<int64_t>(i));
  return tensor;
}

struct OpenFile {
  int number;
  ~OpenFile() {
    if (number >= 0)
      close(number);
  }
};

/// A safetensors file with its checked header.
class TensorFile {
public:
  explicit TensorFile(const std::string &path) : path_(path), file_{open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)} {
    struct stat info {};
    if (file_.number < 0 || fstat(file_.number, &info) != 0)
      fail(std::strerror(errno));
    if (!S_ISREG(info.st_mode))
      fail("it is no regular file");
    char message[512] = "";
    if (gradc_core_index_read(file_.number, info.st_size, &index_, {message, sizeof message}) != GRADC_OK)
      fail(message);
  }
  ~TensorFile() { gradc_core_index_free(&index_); }
  TensorFile(const TensorFile &) = delete;
  TensorFile &operator=(const TensorFile &) = delete;

  FileTensor read(const std::string &name) const {
    const gradc_core_entry &entry = find(name);
    const auto is = [&](int32_t dtype) { return std::string_view(entry.dtype) == gradc_core_dtype_name(dtype); };
    if ((!is(GRADC_F32) && !is(GRADC_F64)) || entry.rank > GRADC_MAX_RANK)
      throw Error(fmt::format("'{}': '{}' is {} of rank {}; expected F32 or F64, and a rank of at most {}", path_, name, entry.dtype,
                              entry.rank, GRADC_MAX_RANK));
    const int32_t dtype = is(GRADC_F32) ? GRADC_F32 : GRADC_F64;
    std::vector<char> bytes(static_cast<size_t>(entry.end - entry.begin));
    if (!gradc_core_read(file_.number, bytes.data(), entry.end - entry.begin, index_.data + entry.begin))
      fail(std::strerror(errno));
    FileTensor tensor{{entry.dims, entry.dims + entry.rank}, std::vector<double>(bytes.size() / static_cast<size_t>(dtype_bytes(dtype)))};
    for (size_t i = 0; i < tensor.values.size(); ++i)
      tensor.values[i] = gradc_core_float_at(bytes.data(), dtype, static_cast<int64_t>(i));
    return tensor;
  }

private:
  [[noreturn]] void fail(const char *reason) const { throw Error(fmt::format("cannot read '{}': {}", path_, reason)); }

  const gradc_core_entry &find(const std::string &name) const {
    std::vector<std::string_view> names;
    for (int64_t i = 0; i < index_.count; ++i) {
      if (name == index_.entries[i].name)
        return index_.entries[i];
      names.emplace_back(index_.entries[i].name);
    }
    throw Error(fmt::format("'{}' has no tensor '{}'; it has {}", path_, name, fmt::join(names, ", ")));
  }

  const std::string path_;
  const OpenFile file_;
  gradc_core_index index_{};
};

} // namespace

FileTensor read_tensor(const std::string &path, const std::string &name) {
  FileTensor tensor = path.ends_with(".npy") ? read_npy(path) : TensorFile(path).read(name);
  const auto bad = std::ranges::find_if_not(tensor.values, [](double x) { return std::isfinite(x); });
  if (bad != tensor.values.end())
    throw Error(fmt::format("'{}': element {} is {}, which is no number to begin with", path, bad - tensor.values.begin(), *bad));
  return tensor;
}

} // namespace gradc::runtime
