// "Did you mean": the candidate nearest to a misspelt name.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace gradc {

/// Number of insertions, deletions, substitutions and swaps of neighbours that turn `a` into `b` (optimal string
/// alignment distance), ignoring ASCII case.
size_t edit_distance(std::string_view a, std::string_view b);

/// The candidate nearest to `name`, the first of equals; empty when none is near enough to be a misspelling (a third of
/// the longer length, at least one edit).
std::string_view closest(std::string_view name, std::span<const std::string_view> candidates);

/// "; did you mean 'relu'?" or "".
std::string did_you_mean(std::string_view name, std::span<const std::string_view> candidates);

} // namespace gradc
