// Standard output and standard error; see console.h.
#include "runtime/train/io/console.h"

#include "runtime/core/write_file.h"

#include <csignal>
#include <fcntl.h>
#include <unistd.h>

namespace gradc::runtime {
namespace {

int lost = 0; // errno

} // namespace

void secure_standard_streams() {
  for (const int stream : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) // the lowest free number is given next
    if (::fcntl(stream, F_GETFD) < 0)
      ::open("/", O_PATH); // neither read nor written, /dev/stdout by name included: it fails as a closed one does
  std::signal(SIGPIPE, SIG_IGN);
  std::signal(SIGXFSZ, SIG_IGN);
}

void tell(std::string_view text, std::FILE *stream) {
  std::fwrite(text.data(), 1, text.size(), stream);
  std::fflush(stream);
}

void print(std::string_view text) {
  if (lost == 0)
    lost = gradc_core_write_all(STDOUT_FILENO, text.data(), text.size());
}

int lost_output() { return lost; }

} // namespace gradc::runtime
