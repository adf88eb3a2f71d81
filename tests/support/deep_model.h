// Models of as many layers as wanted, for what must take time in proportion to their number.
#pragma once

#include <string>

namespace gradc {

/// Dense layers of one width, each with a relu, and one of a single unit behind them.
inline std::string deep_model_text(int layers, int width, const std::string &optimizer) {
  const std::string units = std::to_string(width);
  std::string text = "{\"name\": \"deep\", \"inputs\": {\"x\": {\"shape\": [" + units + "]}, \"y\": {\"shape\": [1]}}, \"layers\": [\n";
  for (int i = 0; i < layers; ++i)
    text += "  {\"name\": \"l" + std::to_string(i) + "\", \"type\": \"dense\", \"units\": " + units +
            ", \"activation\": \"relu\"" + (i == 0 ? ", \"input\": \"x\"" : "") + "},\n";
  return text + "  {\"name\": \"out\", \"type\": \"dense\", \"units\": 1}],\n \"loss\": {\"type\": \"mse\", \"target\": \"y\"}, " +
         "\"optimizer\": \"" + optimizer + "\", \"train\": {\"batch_size\": 32}}\n";
}

} // namespace gradc
