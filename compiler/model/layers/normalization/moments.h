// Mean and variance of a value along axes, without loss of digits where the mean is far from 0.
#pragma once

#include "ir/formula.h"

namespace gradc {

/// With c the mean as computed and taken for a constant: mean = c + E[x - c], variance = E[(x - c)^2] - E[x - c]^2, which hold for
/// any c (Chan, Golub and LeVeque 1983, "Algorithms for computing the sample variance", the two-pass algorithm with correction).
struct Moments {
  Var centered; // x - c, the shape of x
  Var rest;     // the mean of `centered`
  Var mean;
  Var variance; // biased, at least 0
};

/// Of x along `axes`, which stay with extent 1 if `keep`; without, they are the leading ones, so that all of this broadcasts.
Moments moments(Var x, const std::vector<int64_t> &axes, bool keep);
/// The same from parts: the constant c, and the means of x - c and of its square.
Moments moments_from(Var c, Var centered, Var rest, Var mean_square);

/// The mean over `axes`.
Var mean(Var x, const std::vector<int64_t> &axes, bool keep);
/// 1 / sqrt(variance + epsilon).
Var one_over_deviation(const Moments &, double epsilon);

} // namespace gradc
