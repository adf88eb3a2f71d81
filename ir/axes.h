// What the ops that move or reduce elements share: checks of their lists of integers, and copying of
// elements.
#pragma once

#include "ir/tensor.h"

namespace gradc {

/// Throws Error unless `list`, the attribute called `name`, has one entry a dim of a tensor of rank `rank`.
void check_one_per_dim(std::string_view name, const std::vector<int64_t> &list, size_t rank);
/// Throws Error unless every entry of `list` is at least `low` and at most kMaxDim.
void check_at_least(std::string_view name, const std::vector<int64_t> &list, int64_t low);
/// Throws Error unless `axis` is a dim of a tensor of rank `rank`.
void check_axis(std::string_view name, int64_t axis, size_t rank);
/// Throws Error unless `axes` are different dims of a tensor of rank `rank`.
void check_axes(std::string_view name, const std::vector<int64_t> &axes, size_t rank);

/// to[to_flat] = from[from_flat]; both hold floats or both do not.
void copy_element(const Tensor &from, int64_t from_flat, Tensor &to, int64_t to_flat);

} // namespace gradc
