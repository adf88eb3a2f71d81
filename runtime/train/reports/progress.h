// Tells the user how a run goes: a bar on a terminal, a line an epoch elsewhere, JSON lines for programs.
#pragma once

#include "runtime/train/reports/events.h"

#include <chrono>
#include <cstdio>
#include <memory>
#include <optional>
#include <string_view>

namespace gradc::runtime {

/// automatic: a bar if the stream is a terminal that can redraw a line (TERM is set and not "dumb"), else plain.
enum class ProgressMode { automatic, plain, json, none };

/// The mode called auto, plain, json or none; nothing for other names.
std::optional<ProgressMode> parse_progress_mode(std::string_view name);

/// Reports to `stream`, which must outlive it. The bar is redrawn at most ten times a second and colored unless
/// NO_COLOR is set.
std::unique_ptr<Listener> make_progress(ProgressMode mode, std::FILE *stream);

/// "412 ms", "3.2 s", "1:05", "2:03:09": for people.
std::string format_seconds(double seconds);

} // namespace gradc::runtime
