// The log of a run: one JSON object a line, on disk at the end of every epoch.
#pragma once

#include "runtime/train/io/file.h"
#include "runtime/train/reports/events.h"

namespace gradc::runtime {

class Log : public Listener {
public:
  /// Opens `path`, keeping what is there when `append` (a resumed run), else emptying it. A line that a kill cut off
  /// stays, and the log goes on in a new one. Throws Error, here and when it cannot be written.
  Log(const std::string &path, bool append) : file_(path, append) {}

  void on(const StartEvent &event) override { write(event), flush(); }
  void on(const StepEvent &event) override { write(event); }
  void on(const EpochEvent &event) override { write(event), flush(); }
  void on(const WarningEvent &event) override { write(event), flush(); }
  void on(const EndEvent &event) override { write(event), flush(); }
  void on(const FailureEvent &event) override { write(event), flush(); }

private:
  template <class Event> void write(const Event &event) {
    lines_ += to_json(event) + '\n';
    if (lines_.size() >= kBlock)
      flush();
  }
  void flush() {
    file_.write(lines_);
    lines_.clear();
  }

  static constexpr size_t kBlock = 1 << 16;
  GrowingFile file_;
  std::string lines_; // whole ones, not yet in the file
};

} // namespace gradc::runtime
