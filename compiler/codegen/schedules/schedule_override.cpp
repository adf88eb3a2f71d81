#include "compiler/codegen/schedules/schedule_override.h"

#include "ir/error.h"

#include <charconv>
#include <sstream>

namespace gradc {

ScheduleOverride parse_schedule_override(const std::string &text) {
  ScheduleOverride wish{.text = text, .rows = {}, .cols = {}, .block = {}, .group = {}, .rows_outermost = {}, .pack_rows = {}, .pack_cols = {}, .fork = {}};
  std::istringstream items(text);
  for (std::string item; std::getline(items, item, ',');) {
    const size_t equals = std::min(item.find('='), item.size());
    const std::string key = item.substr(0, equals), value = item.substr(std::min(equals + 1, item.size()));
    int number = 0;
    const auto [end, failure] = std::from_chars(value.data(), value.data() + value.size(), number);
    const bool is_number = failure == std::errc() && end == value.data() + value.size() && number >= 1 && number <= 32;
    if ((key == "rows" || key == "cols" || key == "block" || key == "group") && is_number)
      (key == "rows" ? wish.rows : key == "cols" ? wish.cols : key == "block" ? wish.block : wish.group) = number;
    else if (key == "fork" && is_number)
      wish.fork = number;
    else if (key == "order" && (value == "rows" || value == "cols"))
      wish.rows_outermost = value == "rows";
    else if (key == "pack" && (value == "none" || value == "rows" || value == "cols" || value == "both")) {
      wish.pack_rows = value == "rows" || value == "both";
      wish.pack_cols = value == "cols" || value == "both";
    } else {
      throw Error("'" + item + "' in a schedule: expected rows=N, cols=N, block=N, group=N (1 to 32), order=rows|cols, pack=none|rows|cols|both or fork=N");
    }
  }
  return wish;
}

} // namespace gradc
