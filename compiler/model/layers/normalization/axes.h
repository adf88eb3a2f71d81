// The axes of an example along which a layer normalizes, and the parameters that have them.
#pragma once

#include "compiler/model/layers/layer.h"

namespace gradc {

/// "axes", by default the last alone.
Attr axes_key();
/// The extents of those axes: the shape of a parameter. Throws LayerError.
Shape normalized_shape(LayerShapes &);
/// Those axes where a value has the batch in front.
std::vector<int64_t> normalized_axes(const LayerBuild &);
/// The shape in which such a parameter broadcasts against an example.
Shape beside_example(const LayerBuild &);

} // namespace gradc
