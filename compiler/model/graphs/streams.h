// The numbers of the streams of random numbers. Each use has its own, so that none repeats what another has drawn.
#pragma once

#include <cstddef>
#include <cstdint>

namespace gradc {

/// Layers have the odd numbers from 1, new ones in every call of the forward pass.
inline int64_t layer_stream(int64_t call, size_t layer, size_t layers) {
  return 2 * (call * static_cast<int64_t>(layers) + static_cast<int64_t>(layer)) + 1;
}

// Parameters have the even ones from 0 for their initial values, and negative ones.
inline int64_t initial_stream(size_t param) { return 2 * static_cast<int64_t>(param); }
inline int64_t weight_noise_stream(size_t param) { return -3 * static_cast<int64_t>(param) - 1; }
inline int64_t gradient_noise_stream(size_t param) { return -3 * static_cast<int64_t>(param) - 2; }
inline int64_t spectral_stream(size_t param) { return -3 * static_cast<int64_t>(param) - 3; }

} // namespace gradc
