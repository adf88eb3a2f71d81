#include "compiler/model/graphs/weights.h"

#include "compiler/model/graphs/streams.h"

namespace gradc {
namespace {

struct Vectors {
  Var u, v; // of the units, [units]; of what each unit reads, the other axes of the parameter
};

/// Letters of the axes of a parameter but the last, which is "z".
std::string rows_of(Var w) { return std::string("abcdefgh").substr(0, static_cast<size_t>(w.rank()) - 1); }

Var unit(Var x) {
  const Var norm = sqrt(sum(square(x)));
  return x / maximum(norm, number_like(norm, 1e-12));
}

/// u = W^T v / |W^T v|, v = W u / |W u|, which tend to the singular vectors of the largest singular value. Miyato et al. 2018,
/// algorithm 1, in the order of torch.nn.utils.parametrizations.spectral_norm.
Vectors power_iteration(Var w, Var v) {
  const std::string rows = rows_of(w);
  const Var u = unit(apply("contract", {w, v}, {{"indices", rows + "z," + rows + "->z"}}));
  return {u, unit(apply("contract", {w, u}, {{"indices", rows + "z,z->" + rows}}))};
}

/// v^T W u, rank 0.
Var spectral_norm(Var w, const Vectors &vectors) {
  const std::string rows = rows_of(w);
  return sum(vectors.u * apply("contract", {w, vectors.v}, {{"indices", rows + "z," + rows + "->z"}}));
}

} // namespace

Var seen_weight(const Model &model, const Declarations &declared, const Scope &scope, size_t param, bool training, Writes &writes) {
  const ModelParam &info = model.params[param];
  Var w{&scope, declared.params[param]};
  if (!training && uses_averages(model))
    if (const std::optional<Value> average = declared.average_of(param))
      w.value = *average;
  if (training && !info.noise.empty()) {
    const Var normal = apply("random_normal", {declared.scalar(scope, "seed"), declared.scalar(scope, "step")},
                             {{"stream", weight_noise_stream(param)}}, w.type());
    w = w + cast(declared.scalar(scope, info.noise), w.dtype()) * normal;
  }
  if (!info.spectral_norm)
    return w;
  const SpectralVectors &buffers = *declared.spectral[param];
  Vectors vectors{{&scope, buffers.u}, {&scope, buffers.v}};
  if (training) {
    vectors = power_iteration(stop_gradient(w), vectors.v);
    // Several layers may read the weight; the vectors move once.
    if (!writes.has(buffers.u)) {
      writes.set(buffers.u, vectors.u.value);
      writes.set(buffers.v, vectors.v.value);
    }
  }
  return w / spectral_norm(w, vectors);
}

void init_spectral(Graph &graph, const Model &model, const Declarations &declared, size_t param, Var initial) {
  constexpr int kIterations = 15; // as torch.nn.utils.parametrizations.spectral_norm
  if (!model.params[param].spectral_norm)
    return;
  const SpectralVectors &buffers = *declared.spectral[param];
  const Var drawn = apply("random_normal", {declared.scalar(*initial.scope, "seed"), constant(*initial.scope, 0, {DType::i64, {}})},
                          {{"stream", spectral_stream(param)}}, graph.type(buffers.v));
  Vectors vectors = power_iteration(initial, unit(drawn));
  for (int i = 1; i < kIterations; ++i)
    vectors = power_iteration(initial, vectors.v);
  graph.updates.push_back({buffers.u, vectors.u.value});
  graph.updates.push_back({buffers.v, vectors.v.value});
}

} // namespace gradc
