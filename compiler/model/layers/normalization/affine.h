// The learned scale and offset that follow a normalization.
#pragma once

#include "compiler/model/layers/layer.h"

namespace gradc {

/// The keys "scale" and "offset", with that default, and "..._initializer".
std::vector<Attr> affine_keys(bool by_default);
/// The same of the scale alone, which is on by default.
std::vector<Attr> scale_keys();

/// The keys of `own`, "epsilon", which is added to a variance, then `others`.
std::vector<Attr> with_epsilon(std::vector<Attr> own, std::vector<Attr> others);

/// Declares the parameters "scale" and "offset" of that shape, those of them that the keys ask for.
void declare_affine(LayerShapes &, const Shape &);

/// x times the scale, x plus the offset, in the shape `as`; x itself where there is none.
Var scaled(const LayerBuild &, Var x, const Shape &as);
Var shifted(const LayerBuild &, Var x, const Shape &as);

} // namespace gradc
