// Any bytes as weights: the index of the C core, a load into a model, and the trainer's checkpoint reader.
#include "runtime/train/checkpoint.h"
#include "runtime/train/error.h"
#include "tests/support/runtime_fake_model.h"

#include <sys/mman.h>
#include <unistd.h>

using namespace gradc::runtime;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static const FakeModel model({});
  static const int file = memfd_create("weights", 0);
  static const std::string path = "/proc/self/fd/" + std::to_string(file);
  if (ftruncate(file, 0) != 0 || pwrite(file, data, size, 0) != static_cast<ssize_t>(size))
    return 0;
  alignas(64) char arenas[2][64] = {};
  void *const pointers[] = {arenas[0], arenas[1]};
  char message[256];
  model.table.load(&model.table, pointers, 2, path.c_str(), message, sizeof message);
  try {
    read_checkpoint(path);
  } catch (const Error &) { // its metadata may be at fault: go on with the tensors
  }
  try {
    read_tensor_list(path);
  } catch (const Error &) {
  }
  return 0;
}
