// A timeline of one command as Chrome trace events, which https://ui.perfetto.dev and chrome://tracing open.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace gradc {

/// Time starts when it is made, by the thread that is called "main". Calls to it must not overlap.
class Trace {
public:
  using Clock = std::chrono::steady_clock;

  Trace() : began_(Clock::now()), threads_{{std::this_thread::get_id(), began_}} {}

  /// Something that this thread did. Events of a thread must nest.
  void add(std::string_view category, const std::string &name, Clock::time_point begin, Clock::time_point end);
  void add(std::string_view category, const std::string &name, Clock::time_point begin, Clock::time_point end,
           const nlohmann::ordered_json &args);
  /// A stage of the compiler that ended just now and took so long of this thread.
  void ended(std::string_view stage, double seconds);

  /// The result of work(), which becomes one event around those inside it.
  template <typename Work> auto span(const std::string &name, Work work) {
    struct End {
      Trace &trace;
      const std::string &name;
      Clock::time_point begin;
      ~End() { trace.add("command", name, begin, Clock::now()); }
    } end{*this, name, Clock::now()};
    return work();
  }

  /// {"traceEvents": [...]}, times in microseconds.
  std::string json() const;

private:
  struct Thread {
    std::thread::id id;
    Clock::time_point free; // end of its last stage
  };
  size_t this_thread();
  int64_t nanoseconds(Clock::time_point) const;

  Clock::time_point began_;
  std::vector<Thread> threads_; // in order of appearance
  std::vector<std::string> events_;
};

} // namespace gradc
