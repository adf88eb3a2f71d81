// What a step of training makes of the buffers that data write.
#pragma once

#include "ir/graph.h"

#include <algorithm>

namespace gradc {

class Writes {
public:
  bool has(Value buffer) const { return find(buffer) != updates_.end(); }
  /// The value that was written last, else the buffer itself.
  Value current(Value buffer) const {
    const auto written = find(buffer);
    return written == updates_.end() ? buffer : written->value;
  }
  void set(Value buffer, Value value) {
    if (const auto written = find(buffer); written != updates_.end())
      updates_[static_cast<size_t>(written - updates_.begin())].value = value;
    else
      updates_.push_back({buffer, value});
  }
  /// As updates of the graph.
  void append_to(Graph &graph) const { graph.updates.insert(graph.updates.end(), updates_.begin(), updates_.end()); }

private:
  std::vector<Update>::const_iterator find(Value buffer) const { return std::ranges::find(updates_, buffer, &Update::target); }

  std::vector<Update> updates_; // at most one of a buffer
};

} // namespace gradc
