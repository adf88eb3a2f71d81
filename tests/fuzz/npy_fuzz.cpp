// Any bytes as a .npy file: an error, or an array all of whose elements can be read.
#include "runtime/train/data/npy.h"
#include "runtime/train/error.h"

using namespace gradc::runtime;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  try {
    const NpyArray array("fuzz.npy", std::string(reinterpret_cast<const char *>(data), size));
    const int64_t elements = array.rows() * array.row_elements();
    for (int64_t i = 0; i < elements; ++i)
      array.value(i);
  } catch (const Error &) {
  }
  return 0;
}
