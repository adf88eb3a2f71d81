// Layers that compute activation(y + b) of a y that is linear in a weight W: dense and the convolutions. The keys they share,
// and what these mean.
#pragma once

#include "compiler/model/layers/layer.h"

namespace gradc {

// The parts of the keys below, for layers with several weights.

/// "activation" and "use_bias".
std::vector<Attr> activation_and_bias_keys();
/// "weight_initializer" or another name of one, with a default of linear_initializer().
Attr linear_initializer_key(std::string_view name, std::string_view doc);
Attr linear_initializer_key(std::string_view name, std::string_view doc, std::string_view otherwise);
Attr bias_initializer_key();

/// A layer's own keys, and those of the activation, the bias, the weight and its regularization.
std::vector<Attr> with_linear_keys(std::vector<Attr> own);

/// The initializer that a key has, else a default, which is put there: he_uniform for weights before a rectifier, else
/// xavier_uniform.
JsonValue linear_initializer(LayerShapes &, const char *key, bool before_rectifier);
/// Whether the layer's own activation is a rectifier.
bool rectifies(const JsonValue &attrs);
/// Declares the bias, one for each of the last axis of the output, if there is one.
void declare_bias(LayerShapes &, int64_t units);
/// Declares "weight", whose last axis is that of the output, "bias", and the run-time arguments.
void declare_linear(LayerShapes &, Shape weight);

/// W; with drop_connect, in training, each of its elements is 0 with that probability, the same for all rows of a batch.
Var linear_weight(const LayerBuild &);
/// activation(y + b), where y is what the parameter `weight` has made.
Var biased_and_activated(const LayerBuild &, std::string_view weight, Var y);

} // namespace gradc
