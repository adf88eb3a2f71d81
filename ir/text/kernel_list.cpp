// Texts that hold several kernels, as dumps do.
#include "ir/kernel.h"
#include "ir/text/text.h"

namespace gradc {

std::vector<Kernel> parse_kernels(std::string_view text) {
  constexpr std::string_view kStart = "kernel ";
  std::vector<size_t> starts;
  for (size_t at = 0; at < text.size(); at = text.find('\n', at) == text.npos ? text.size() : text.find('\n', at) + 1)
    if (text.substr(at, kStart.size()) == kStart)
      starts.push_back(at);
  if (starts.empty())
    throw TextError("expected 'kernel' at the start of a line", 0);
  std::vector<Kernel> kernels;
  for (size_t i = 0; i < starts.size(); ++i) {
    size_t end = i + 1 < starts.size() ? starts[i + 1] : text.size();
    try {
      kernels.push_back(parse_kernel(text.substr(starts[i], end - starts[i])));
    } catch (const TextError &error) {
      throw TextError(error.what(), error.offset + starts[i]);
    }
  }
  return kernels;
}

} // namespace gradc
