// batch_norm: each channel with mean 0 and variance 1 over a batch of training; in prediction by the running statistics of those.
// Ioffe and Szegedy 2015; values, statistics and defaults are those of torch.nn.BatchNorm.
#include "compiler/model/layers/normalization/affine.h"
#include "compiler/model/layers/normalization/moments.h"

#include <numeric>

namespace gradc {
namespace {

Shape shapes(LayerShapes &l) {
  const LayerInput &input = l.inputs[0];
  const Shape channels = {features(input)};
  declare_affine(l, channels);
  l.buffers.push_back({"running_mean", channels, 0});
  l.buffers.push_back({"running_variance", channels, 1, 0});
  if (positions(input) == 1) {
    l.least_batch = 2;
    l.least_batch_reason = "batch_norm takes the variance of each channel over the batch, which one value alone does not have";
  }
  return input.shape;
}

/// x * factor + (offset - mean * factor), with factor = scale / deviation: vectors of the channels.
Var normalized(const LayerBuild &b, Var x, Var mean, Var one_over_deviation) {
  const Var factor = scaled(b, one_over_deviation, mean.shape());
  const Var offset = shifted(b, -(mean * factor), mean.shape());
  return x * factor + offset;
}

void move_statistics(const LayerBuild &b, const Moments &m) {
  const double share = b.attrs.number_at("momentum");
  const double count = static_cast<double>(m.centered.type().elements() / m.mean.type().elements());
  const auto move = [&](const char *name, Var newest) {
    const Var kept = (1 - share) * b.buffer(name);
    b.write(name, kept + share * newest);
  };
  move("running_mean", m.mean);
  move("running_variance", m.variance * (count / (count - 1))); // unbiased
}

Var build(const LayerBuild &b) {
  const Var x = b.inputs[0];
  const double epsilon = b.attrs.number_at("epsilon");
  if (!b.training || !b.trainable)
    return normalized(b, x, b.buffer("running_mean"), apply("rsqrt", {b.buffer("running_variance") + epsilon}));
  std::vector<int64_t> axes(b.output.size()); // all but the last
  std::iota(axes.begin(), axes.end(), 0);
  const Moments m = moments(x, axes, false);
  move_statistics(b, m);
  const Var one_over = one_over_deviation(m, epsilon);
  return normalized(b, m.centered, m.rest, one_over);
}

} // namespace

extern const LayerDef layer_batch_norm;
const LayerDef layer_batch_norm = {
    {"batch_norm",
     "(x - mean) / sqrt(variance + epsilon) * scale + offset with the mean and the variance of each position of the last axis: in "
     "training those of the batch, else running averages of them, <layer>.running_mean and <layer>.running_variance. Not trainable, it "
     "takes the running averages in training, too, and leaves them as they are.",
     with_epsilon({attr::number("momentum", "the weight of a batch in the running averages, as in PyTorch; that of Keras is 1 minus this")
                       .at_least(0)
                       .at_most(1)
                       .defaults_to("0.1")},
                  affine_keys(true))},
    1,
    1,
    shapes,
    build,
};

} // namespace gradc
