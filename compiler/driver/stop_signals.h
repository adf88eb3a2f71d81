// SIGINT, SIGTERM and SIGHUP as a request to end a run in order.
#pragma once

#include <atomic>
#include <csignal>

namespace gradc::driver {

/// While it lives, the first of these signals is a request and nothing else. A second SIGINT, half a second later or more,
/// ends the process at once: somebody does not want to wait. Other repetitions change nothing, as `timeout` and closing
/// terminals send a signal twice. Signals that are ignored, as under nohup, stay so. One lives at a time.
class StopSignals {
public:
  StopSignals();
  ~StopSignals();
  StopSignals(const StopSignals &) = delete;
  StopSignals &operator=(const StopSignals &) = delete;

  /// Set by the first signal.
  const std::atomic<bool> &requested() const;
  /// Which one it was; 0 when there was none.
  int signal() const;

private:
  struct sigaction before_[3];
};

/// Thrown when a run has ended, in order, because of a signal: the exit status is 128 + signal.
struct Interrupted {
  int signal;
};

} // namespace gradc::driver
