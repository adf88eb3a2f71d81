// Any bytes as a .npz archive: an error, or arrays all of whose elements can be read.
#include "runtime/train/data/npz.h"
#include "runtime/train/error.h"

using namespace gradc::runtime;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  try {
    const NpzArchive archive("fuzz.npz", std::string(reinterpret_cast<const char *>(data), size));
    for (const std::string &name : archive.names())
      try {
        const NpyArray array = archive.array(name);
        const int64_t elements = array.rows() * array.row_elements();
        for (int64_t i = 0; i < elements; ++i)
          array.value(i);
      } catch (const Error &) { // go on with the next
      }
  } catch (const Error &) {
  }
  return 0;
}
