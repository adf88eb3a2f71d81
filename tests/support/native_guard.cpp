#include "tests/support/native_guard.h"

#include <csetjmp>
#include <csignal>
#include <cstring>
#include <iterator>
#include <pthread.h>
#include <stdexcept>
#include <string>
#include <unistd.h>

namespace gradc::tests {
namespace {

constexpr int kSignals[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGUSR1}; // the last: from another thread, for the caller

sigjmp_buf escape;
pthread_t caller;
volatile std::sig_atomic_t fault = 0;

void on_signal(int signal) {
  if (signal != SIGUSR1)
    fault = signal;
  if (pthread_equal(pthread_self(), caller))
    siglongjmp(escape, 1);
  pthread_kill(caller, SIGUSR1);
  for (;;) // a thread that cannot go on
    pause();
}

/// Handlers for as long as this lives.
class Handlers {
public:
  Handlers() {
    struct sigaction action = {};
    action.sa_handler = on_signal;
    action.sa_flags = SA_ONSTACK; // the stack may be what overflowed
    for (size_t i = 0; i < std::size(kSignals); ++i)
      sigaction(kSignals[i], &action, &previous_[i]);
  }
  ~Handlers() {
    for (size_t i = 0; i < std::size(kSignals); ++i)
      sigaction(kSignals[i], &previous_[i], nullptr);
  }

private:
  struct sigaction previous_[std::size(kSignals)] = {};
};

} // namespace

void call_guarded(const std::function<void()> &call) {
  caller = pthread_self();
  fault = 0;
  Handlers handlers;
  if (sigsetjmp(escape, 1) == 0) {
    call();
    return;
  }
  throw std::runtime_error("the compiled code crashed: " + std::string(strsignal(fault)));
}

} // namespace gradc::tests
