// Wishes about the loops of contractions, for experiments with the cost model, and about threads, for tests.
#pragma once

#include <optional>
#include <string>

namespace gradc {

/// What is not given is the compiler's choice. A wish that no candidate fulfils is ignored, together with all others.
struct ScheduleOverride {
  std::string text; // as it was given; empty: no wish
  std::optional<int> rows, cols, block, group;
  std::optional<bool> rows_outermost, pack_rows, pack_cols;
  std::optional<int> fork; // work of at least so many cycles is shared out among threads
};

/// "rows=6,cols=2,block=4,group=8,order=rows|cols,pack=none|rows|cols|both,fork=1", any of them. Throws Error.
ScheduleOverride parse_schedule_override(const std::string &text);

} // namespace gradc
