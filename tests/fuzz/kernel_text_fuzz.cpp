// Any text as a kernel: an error inside the text, or a kernel that prints and reads back to itself.
#include "ir/kernel.h"
#include "ir/text/text.h"

#include <cstdint>

using namespace gradc;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  try {
    const std::string text = print(parse_kernel({reinterpret_cast<const char *>(data), size}));
    if (print(parse_kernel(text)) != text)
      __builtin_trap();
  } catch (const TextError &e) {
    if (e.offset > size)
      __builtin_trap();
  }
  return 0;
}
