// The log of a run: one JSON object a line, on disk at the end of every epoch.
#pragma once

#include "runtime/train/events.h"

#include <cstdio>
#include <memory>

namespace gradc::runtime {

class Log : public Listener {
public:
  /// Opens `path`, keeping what is there when `append` (a resumed run), else emptying it. Throws Error.
  Log(const std::string &path, bool append);

  void on(const StartEvent &event) override;
  void on(const StepEvent &event) override;
  void on(const EpochEvent &event) override;
  void on(const EndEvent &event) override;
  void on(const FailureEvent &event) override;

private:
  struct Close {
    void operator()(std::FILE *file) const { std::fclose(file); }
  };
  void write(const std::string &line, bool flush);

  std::string path_;
  std::unique_ptr<std::FILE, Close> file_;
};

} // namespace gradc::runtime
