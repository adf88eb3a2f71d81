// The convolutions that are timed alone, and their graphs.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace gradc::bench {

/// `n` square images of `size` pixels a side and `in` channels; `out` filters of k x k taps; around the images k / 2 zeros, which
/// keep the size where k is odd and the stride 1.
struct Convolution {
  int64_t n, in, size, out, k, stride;
  int64_t pad() const { return k / 2; }
  /// Pixels of a side of the result.
  int64_t result() const { return (size + 2 * pad() - k) / stride + 1; }
  /// Of any of its forms; a multiply-add is 2, and those with zeros of the padding count, too.
  double flop() const { return 2.0 * static_cast<double>(n * result() * result() * out * k * k * in); }
};

/// Those of LeNet-5, of ResNet-20 on images of 32 x 32, and of the stages of ResNet-50 on images of 224 x 224.
constexpr Convolution kConvolutions[] = {{32, 1, 28, 6, 5, 1},  {32, 6, 14, 16, 5, 1},   {8, 3, 32, 16, 3, 1},
                                         {8, 16, 32, 16, 3, 1}, {8, 32, 16, 32, 3, 1},   {8, 64, 8, 64, 3, 1},
                                         {8, 16, 32, 32, 3, 2}, {1, 64, 56, 64, 3, 1},   {1, 64, 56, 64, 1, 1},
                                         {1, 256, 14, 256, 3, 1}, {1, 512, 7, 512, 3, 1}, {1, 3, 224, 64, 7, 2}};

/// The forward pass, the gradient of the images, and that of the weights.
constexpr const char *kConvolutionForms[] = {"forward", "data", "weights"};

/// Of images %x : [n, height, width, channels], weights %w : [height, width, channels, filters] and, for gradients, that of the
/// result, %dy; returned as `result`.
std::string convolution_text(const Convolution &, std::string_view form);

} // namespace gradc::bench
