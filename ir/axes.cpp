// Checks of lists of axes, and copying of elements: see ir/axes.h.
#include "ir/axes.h"

#include "ir/error.h"

namespace gradc {

static std::string quoted(std::string_view name) { return "'" + std::string(name) + "'"; }

void check_one_per_dim(std::string_view name, const std::vector<int64_t> &list, size_t rank) {
  if (list.size() != rank)
    throw Error(quoted(name) + " must have one entry for each of the operand's " + std::to_string(rank) +
                " dims, got " + std::to_string(list.size()));
}

void check_at_least(std::string_view name, const std::vector<int64_t> &list, int64_t low) {
  for (int64_t entry : list)
    if (entry < low || entry > kMaxDim)
      throw Error("entries of " + quoted(name) + " must be from " + std::to_string(low) + " to " +
                  std::to_string(kMaxDim) + ", got " + std::to_string(entry));
}

void check_axis(std::string_view name, int64_t axis, size_t rank) {
  if (axis < 0 || axis >= static_cast<int64_t>(rank))
    throw Error(quoted(name) + " names axis " + std::to_string(axis) + " of an operand of rank " +
                std::to_string(rank));
}

void check_axes(std::string_view name, const std::vector<int64_t> &axes, size_t rank) {
  std::vector<bool> seen(rank, false);
  for (int64_t axis : axes) {
    check_axis(name, axis, rank);
    if (seen[static_cast<size_t>(axis)])
      throw Error(quoted(name) + " names axis " + std::to_string(axis) + " twice");
    seen[static_cast<size_t>(axis)] = true;
  }
}

void copy_element(const Tensor &from, int64_t from_flat, Tensor &to, int64_t to_flat) {
  if (is_float(from.type.dtype))
    to.set(to_flat, from.floats[static_cast<size_t>(from_flat)]);
  else
    to.set_integer(to_flat, from.integers[static_cast<size_t>(from_flat)]);
}

} // namespace gradc
