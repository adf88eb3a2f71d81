// The format: "Trace Event Format", chromium.org; complete events ("X") and names of threads ("M").
#include "compiler/reports/trace.h"

#include <algorithm>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace gradc {
namespace {

using Json = nlohmann::ordered_json;

/// Names may come from a user's file: invalid UTF-8 is replaced, not refused.
std::string dump(const Json &json) { return json.dump(-1, ' ', false, Json::error_handler_t::replace); }

/// Exact, so that events which share an instant do not overlap.
std::string microseconds(int64_t nanoseconds) { return fmt::format("{}.{:03}", nanoseconds / 1000, nanoseconds % 1000); }

} // namespace

size_t Trace::this_thread() {
  const std::thread::id id = std::this_thread::get_id();
  auto known = std::find_if(threads_.begin(), threads_.end(), [&](const Thread &t) { return t.id == id; });
  if (known == threads_.end())
    known = threads_.insert(threads_.end(), {id, began_});
  return static_cast<size_t>(known - threads_.begin());
}

int64_t Trace::nanoseconds(Clock::time_point time) const {
  return std::max<int64_t>(std::chrono::nanoseconds(time - began_).count(), 0);
}

void Trace::add(std::string_view category, const std::string &name, Clock::time_point begin, Clock::time_point end) {
  add(category, name, begin, end, Json::object());
}

void Trace::add(std::string_view category, const std::string &name, Clock::time_point begin, Clock::time_point end,
                const Json &args) {
  const int64_t from = nanoseconds(begin), to = std::max(nanoseconds(end), from);
  events_.push_back(fmt::format(R"({{"ph":"X","pid":1,"tid":{},"cat":"{}","name":{},"ts":{},"dur":{}{}{}}})",
                                this_thread() + 1, category, dump(name), microseconds(from), microseconds(to - from),
                                args.empty() ? "" : R"(,"args":)", args.empty() ? "" : dump(args)));
}

// `seconds` may be processor time: less than the time that went by, so the stage began earlier, and later than the end of
// the one before it.
void Trace::ended(std::string_view stage, double seconds) {
  const Clock::time_point end = Clock::now();
  const auto took = std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(seconds));
  Clock::time_point &free = threads_[this_thread()].free;
  add("compiler", std::string(stage), std::max(end - took, free), end);
  free = end;
}

std::string Trace::json() const {
  std::string text = R"({"displayTimeUnit":"ns","traceEvents":[)"
                     "\n"
                     R"({"ph":"M","pid":1,"tid":1,"name":"process_name","args":{"name":"gradc"}})";
  for (size_t t = 0; t < threads_.size(); ++t)
    text += fmt::format(",\n" R"({{"ph":"M","pid":1,"tid":{},"name":"thread_name","args":{{"name":"{}"}}}})", t + 1,
                        t == 0 ? "main" : fmt::format("compiler {}", t));
  for (const std::string &event : events_)
    text += ",\n" + event;
  return text + "\n]}\n";
}

} // namespace gradc
