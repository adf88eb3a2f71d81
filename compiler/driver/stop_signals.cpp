#include "compiler/driver/stop_signals.h"

#include <ctime>

namespace gradc::driver {
namespace {

constexpr int kSignals[] = {SIGINT, SIGTERM, SIGHUP};
constexpr double kSecondsApart = 0.5;

// What the handler writes: it may touch nothing else.
std::atomic<bool> requested_flag{false};
volatile std::sig_atomic_t first_signal = 0;
timespec first_time;
static_assert(std::atomic<bool>::is_always_lock_free);

void on_signal(int signal) {
  timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  if (!requested_flag) {
    first_signal = signal;
    first_time = now;
    requested_flag = true;
    return;
  }
  const double seconds = static_cast<double>(now.tv_sec - first_time.tv_sec) +
                         1e-9 * static_cast<double>(now.tv_nsec - first_time.tv_nsec);
  if (signal == SIGINT && seconds >= kSecondsApart) {
    std::signal(signal, SIG_DFL);
    std::raise(signal);
  }
}

} // namespace

StopSignals::StopSignals() {
  requested_flag = false;
  first_signal = 0;
  struct sigaction action {};
  action.sa_handler = on_signal;
  action.sa_flags = SA_RESTART;
  for (int signal : kSignals)
    sigaddset(&action.sa_mask, signal); // one after the other
  for (size_t i = 0; i < std::size(kSignals); ++i) {
    sigaction(kSignals[i], nullptr, &before_[i]);
    if (before_[i].sa_handler != SIG_IGN)
      sigaction(kSignals[i], &action, nullptr);
  }
}

StopSignals::~StopSignals() {
  for (size_t i = 0; i < std::size(kSignals); ++i)
    sigaction(kSignals[i], &before_[i], nullptr);
}

const std::atomic<bool> &StopSignals::requested() const { return requested_flag; }

int StopSignals::signal() const { return first_signal; }

} // namespace gradc::driver
