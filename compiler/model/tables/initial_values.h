// Initial values that are more than a distribution of independent numbers: formulas of the table of initializers.
#pragma once

#include "compiler/model/json/json_tree.h"
#include "ir/formula.h"

namespace gradc {

/// What an initializer works with. `type` is that of the parameter; draws are a function of seed, step and stream.
struct Initial {
  const JsonValue &attrs;
  Type type; // a copy: a reference into the graph would not survive the next node
  Var seed, step;
  int64_t stream;
  const std::string &folder, &name; // where relative paths start; the name of the parameter
  std::string location;             // of the initializer, as JSON pointer

  /// "random_normal" or "random_uniform".
  Var draw(std::string_view op, Type) const;
};

/// Normal around `mean`, given that the distance is at most 2 `stddev`.
Var truncated_normal(const Initial &);
/// For a parameter [in, out], its leading axes taken as one: rows or columns, the fewer of them, are orthonormal, times `gain`.
/// Uniform among all such matrices (Haar measure).
Var orthogonal(const Initial &, double gain);
/// Normal, but of the `out` weights of each input ceil(sparsity * out), chosen at random, are 0.
Var sparse(const Initial &);
/// What a file holds, as a constant. Throws Error, at its place, when it cannot be read or does not fit.
Var from_file(const Initial &);
/// 1 on the diagonal of a matrix, else 0.
Var identity(const Initial &);

} // namespace gradc
