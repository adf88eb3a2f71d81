// Progress for people and programs; see progress.h.
#include "runtime/train/reports/progress.h"

#include "runtime/train/io/console.h"
#include "runtime/train/reports/metric_text.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <sys/ioctl.h>
#include <unistd.h>

namespace gradc::runtime {
namespace {

using Clock = std::chrono::steady_clock;
constexpr std::chrono::milliseconds kInterval{100};

std::string start_text(const StartEvent &event) {
  std::string text = fmt::format("{}: {} parameters, {} rows to train", event.model, event.parameters,
                                 event.rows.train);
  if (event.rows.validation > 0)
    text += fmt::format(", {} to validate", event.rows.validation);
  if (event.rows.test > 0)
    text += fmt::format(", {} to test", event.rows.test);
  if (event.step > 0)
    text += fmt::format("; going on after step {}", event.step);
  if (!event.taken.empty())
    text += fmt::format("\nbegins with {} of the file", fmt::join(event.taken, ", "));
  if (!event.left.empty())
    text += fmt::format("\nleft as they are: {}", fmt::join(event.left, "; "));
  if (!event.standardized_targets.empty())
    text += fmt::format("\nthe loss is that of standardized targets ({}); predictions and other metrics are in their own units",
                        fmt::join(event.standardized_targets, ", "));
  return text;
}

std::string epoch_text(const EpochEvent &event) {
  const auto width = fmt::formatted_size("{}", event.epochs);
  return fmt::format("epoch {:>{}}/{}  loss {:.4g}{}{}  {}{}", event.epoch, width, event.epochs, event.loss,
                     metrics_text(event.training, "train "), metrics_text(event.validation, "val "), format_seconds(event.seconds),
                     event.complete ? "" : "  (not complete)");
}

/// A line for each layer, below that of the epoch.
std::string watch_text(const std::vector<LayerWatch> &layers) {
  size_t width = 5;
  for (const LayerWatch &layer : layers)
    width = std::max(width, layer.layer.size());
  std::string text = fmt::format("  {:<{}}  parameters  gradients    updates   dead", "layer", width);
  for (const LayerWatch &layer : layers) {
    const std::string dead = layer.dead ? fmt::format("  {:>4.1f}%", 100 * *layer.dead) : "";
    text += fmt::format("\n  {:<{}}  {:>10.4g} {:>10.3g} {:>10.3g}{}", layer.layer, width, layer.parameters, layer.gradients,
                        layer.updates, dead);
  }
  return text;
}

std::string end_text(const EndEvent &event) {
  std::string text = fmt::format("{} after {} steps in {}", event.stopped ? "stopped" : "done", event.step,
                                 format_seconds(event.seconds));
  if (event.best_epoch > 0)
    text += fmt::format("; this is the state after epoch {}, the best", event.best_epoch);
  if (!event.test.empty())
    text += fmt::format("\ntest{}", metrics_text(event.test, ""));
  if (const std::string tables = tables_text(event.test); !tables.empty())
    text += "\n" + tables.substr(0, tables.size() - 1);
  if (!event.checkpoint.empty())
    text += fmt::format("\nsaved {}", event.checkpoint);
  return text;
}

/// Lets one event in every kInterval through.
class Throttle {
public:
  bool ready() {
    const Clock::time_point now = Clock::now();
    if (now - last_ < kInterval)
      return false;
    last_ = now;
    return true;
  }

private:
  Clock::time_point last_{};
};

class PlainProgress : public Listener {
public:
  explicit PlainProgress(std::FILE *stream) : stream_(stream) {}
  void on(const StartEvent &event) override { line(start_text(event)); }
  void on(const StepEvent &) override {}
  void on(const EpochEvent &event) override {
    line(epoch_text(event));
    if (!event.watch.empty())
      line(watch_text(event.watch));
  }
  void on(const EndEvent &event) override { line(end_text(event)); }
  void on(const WarningEvent &event) override { line("warning: " + event.message); }
  void on(const FailureEvent &) override {} // the caller reports the Error

protected:
  void line(const std::string &text) { tell(text + '\n', stream_); }
  std::FILE *stream_;
};

class JsonProgress : public Listener {
public:
  explicit JsonProgress(std::FILE *stream) : stream_(stream) {}
  void on(const StartEvent &event) override { line(to_json(event)); }
  void on(const StepEvent &event) override {
    if (throttle_.ready())
      line(to_json(event));
  }
  void on(const EpochEvent &event) override { line(to_json(event)); }
  void on(const EndEvent &event) override { line(to_json(event)); }
  void on(const WarningEvent &event) override { line(to_json(event)); }
  void on(const FailureEvent &event) override { line(to_json(event)); }

private:
  void line(const std::string &text) { tell(text + '\n', stream_); }
  std::FILE *stream_;
  Throttle throttle_;
};

/// A bar that is drawn over itself; lines that stay are printed above it.
class BarProgress : public PlainProgress {
public:
  explicit BarProgress(std::FILE *stream) : PlainProgress(stream) {
    const char *no_color = std::getenv("NO_COLOR");
    colored_ = !no_color || !*no_color;
  }
  ~BarProgress() override { erase(); }

  void on(const StartEvent &event) override {
    PlainProgress::on(event);
    start_ = event;
    began_ = Clock::now();
  }
  void on(const StepEvent &event) override {
    if (throttle_.ready())
      draw(event);
  }
  void on(const EpochEvent &event) override {
    erase();
    PlainProgress::on(event);
  }
  void on(const EndEvent &event) override {
    erase();
    PlainProgress::on(event);
  }
  void on(const WarningEvent &event) override {
    erase();
    PlainProgress::on(event);
  }
  void on(const FailureEvent &) override { erase(); }

private:
  void draw(const StepEvent &event) {
    const int64_t batch = start_.batch + (event.step - start_.step) -
                          (event.epoch - 1 - start_.epoch) * start_.steps_per_epoch;
    const auto total = static_cast<double>(start_.steps_per_epoch);
    const double share = std::clamp(static_cast<double>(batch) / total, 0.0, 1.0);
    const double seconds = std::chrono::duration<double>(Clock::now() - began_).count();
    const double per_step = seconds / static_cast<double>(event.step - start_.step);
    const double rest = (static_cast<double>(start_.epochs - event.epoch) + 1 - share) * total * per_step;
    const std::string head = fmt::format("epoch {}/{} ", event.epoch, start_.epochs);
    const std::string tail = fmt::format(" {:3.0f}%  loss {:.4g}  {:.3g} ms/step  ETA {}", 100 * share, event.loss,
                                         1e3 * per_step, format_seconds(rest));
    const int room = columns() - static_cast<int>(head.size()) - 1;
    tell(fmt::format("\r\x1b[K{}{}{}", head, bar(share, std::min(room - static_cast<int>(tail.size()), 40)),
                     tail.substr(0, static_cast<size_t>(std::max(room, 0)))),
         stream_);
    drawn_ = true;
  }

  /// "[=====     ]" of `width` characters; nothing where that is too narrow to tell anything.
  std::string bar(double share, int width) const {
    if (width < 7)
      return "";
    const auto inside = static_cast<size_t>(width - 2), full = static_cast<size_t>(share * (width - 2));
    return fmt::format("[{}{}{}{}]", colored_ ? "\x1b[32m" : "", std::string(full, '='), colored_ ? "\x1b[0m" : "",
                       std::string(inside - full, ' '));
  }

  void erase() {
    if (drawn_)
      tell("\r\x1b[K", stream_);
    drawn_ = false;
  }

  int columns() const {
    winsize size{};
    const bool known = ::ioctl(::fileno(stream_), TIOCGWINSZ, &size) == 0 && size.ws_col > 0;
    return known ? size.ws_col : 80;
  }

  bool colored_ = true, drawn_ = false;
  StartEvent start_;
  Clock::time_point began_;
  Throttle throttle_;
};

bool can_redraw(std::FILE *stream) {
  const char *term = std::getenv("TERM");
  return ::isatty(::fileno(stream)) == 1 && term && *term && std::string_view(term) != "dumb";
}

} // namespace

std::optional<ProgressMode> parse_progress_mode(std::string_view name) {
  if (name == "auto")
    return ProgressMode::automatic;
  if (name == "plain")
    return ProgressMode::plain;
  if (name == "json")
    return ProgressMode::json;
  if (name == "none")
    return ProgressMode::none;
  return std::nullopt;
}

std::unique_ptr<Listener> make_progress(ProgressMode mode, std::FILE *stream) {
  if (mode == ProgressMode::none)
    return std::make_unique<Listener>();
  if (mode == ProgressMode::json)
    return std::make_unique<JsonProgress>(stream);
  if (mode == ProgressMode::automatic && can_redraw(stream))
    return std::make_unique<BarProgress>(stream);
  return std::make_unique<PlainProgress>(stream);
}

std::string format_seconds(double seconds) {
  if (seconds < 1)
    return fmt::format("{:.3g} ms", 1e3 * seconds);
  if (seconds < 60)
    return fmt::format("{:.1f} s", seconds);
  const auto whole = static_cast<int64_t>(std::min(seconds, 1e9) + 0.5);
  if (whole < 3600)
    return fmt::format("{}:{:02}", whole / 60, whole % 60);
  return fmt::format("{}:{:02}:{:02}", whole / 3600, whole / 60 % 60, whole % 60);
}

} // namespace gradc::runtime
