// A call of compiled code that may be wrong: when it crashes, the test fails and the others run.
#pragma once

#include <functional>

namespace gradc::tests {

/// Calls `call`. When it, on this thread or on one that works for it, touches memory that it must not, divides by zero or runs
/// into what is no instruction, throws std::runtime_error that says so. What `call` was in the middle of is left as it is: the
/// caller must not free what other threads may still use. Not from several threads at once.
void call_guarded(const std::function<void()> &call);

} // namespace gradc::tests
