// Writes the log; see log.h.
#include "runtime/train/log.h"

#include "runtime/train/error.h"

#include <cerrno>
#include <cstring>
#include <fmt/format.h>

namespace gradc::runtime {

Log::Log(const std::string &path, bool append) : path_(path), file_(std::fopen(path.c_str(), append ? "ae" : "we")) {
  if (!file_)
    throw Error(fmt::format("cannot write the log '{}': {}", path, std::strerror(errno)));
}

void Log::write(const std::string &line, bool flush) {
  if (std::fwrite(line.data(), 1, line.size(), file_.get()) != line.size() || std::fputc('\n', file_.get()) == EOF ||
      (flush && std::fflush(file_.get()) != 0))
    throw Error(fmt::format("cannot write the log '{}': {}", path_, std::strerror(errno)));
}

void Log::on(const StartEvent &event) { write(to_json(event), true); }
void Log::on(const StepEvent &event) { write(to_json(event), false); }
void Log::on(const EpochEvent &event) { write(to_json(event), true); }
void Log::on(const EndEvent &event) { write(to_json(event), true); }
void Log::on(const FailureEvent &event) { write(to_json(event), true); }

} // namespace gradc::runtime
