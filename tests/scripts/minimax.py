"""Derives the polynomial coefficients of compiler/codegen/vector_math*.cpp.

Each polynomial is the minimax fit (Lawson, in multiple precision) of a function g with a weight w on [a, b].
Coefficients are rounded to the target precision one at a time, lowest order first, and the rest is fitted again, so the
printed error is that of the rounded polynomial. Usage: minimax.py [name...] prints C++ initializers and the error.
"""
import sys

import numpy as np
from mpmath import atanh, cos, erf, erfc, exp, expm1, ln, log, log1p, lu_solve, matrix, mp, mpf, pi, sin, sqrt, tanh

mp.dps = 60
TINY = mpf("1e-5")  # nearer to zero the quotients below cancel


def evaluate(c, x):
    y = mpf(0)
    for a in reversed(c):
        y = y * x + a
    return y


def fit(fixed, degree, points):
    """The polynomial with the given lowest coefficients of least weighted maximum error over (x, g(x), w(x)), by
    Lawson's algorithm: least squares with the emphasis moved to where the error is large. Lowest order first."""
    basis = [[w * x ** k for k in range(len(fixed), degree + 1)] for x, _, w in points]
    target = [w * (g - evaluate(fixed, x)) for x, g, w in points]
    emphasis = [mpf(1)] * len(points)
    best, least = None, None
    for _ in range(30):
        n = len(basis[0])
        normal, right = matrix(n, n), matrix(n, 1)
        for row, t, u in zip(basis, target, emphasis):
            for i in range(n):
                right[i] += u * row[i] * t
                for j in range(n):
                    normal[i, j] += u * row[i] * row[j]
        c = lu_solve(normal, right)
        errors = [abs(sum(r * a for r, a in zip(row, c)) - t) for row, t in zip(basis, target)]
        if least is None or max(errors) < least:
            best, least = list(c), max(errors)
        total = sum(u * e for u, e in zip(emphasis, errors))
        emphasis = [u * e * len(points) / total + mpf("1e-12") for u, e in zip(emphasis, errors)]
    return fixed + best, least


def rounded_fit(g, w, degree, a, b, number):
    """fit on Chebyshev points of [a, b], every coefficient representable as `number` (np.float32 or np.float64)."""
    count = 6 * (degree + 3)
    grid = [(a + b) / 2 - (b - a) / 2 * cos(pi * (i + mpf("0.37")) / count) for i in range(count)]
    points = [(x, g(x), w(x)) for x in grid]
    fixed = []
    for k in range(degree + 1):
        c, _ = fit(fixed, degree, points)
        fixed.append(mpf(float(number(float(c[k])))))
    return fixed, max(abs(w(x) * (evaluate(fixed, x) - y)) for x, y, _ in points)


HALF_LN2 = ln(2) / 2 * mpf("1.002")
THIRD = mpf(1) / 3 + mpf("1e-6")
ATANH_MAX = ((sqrt(mpf(2)) - 1) / (sqrt(mpf(2)) + 1)) ** 2 * mpf("1.0001")
QUADRANT = pi / 4 * mpf("1.01")


def exp_tail(r):  # exp(r) = 1 + r + r^2 Q(r)
    return (expm1(r) - r) / r ** 2


def log_tail(f):  # log(1+f) = f + f^2 P(f)
    return (log1p(f) - f) / f ** 2


def atanh_tail(z):  # 2 atanh(s) = 2s + s z P(z), z = s^2
    s = sqrt(z)
    return (2 * atanh(s) / s - 2) / z


def sin_tail(z):  # sin(r) = r + r z S(z), z = r^2
    r = sqrt(z)
    return (sin(r) / r - 1) / z


def cos_tail(z):  # cos(r) = 1 - z/2 + z^2 C(z)
    return (cos(sqrt(z)) - 1 + z / 2) / z ** 2


def tanh_tail(z):  # tanh(x) = x + x z P(z), z = x^2
    x = sqrt(z)
    return (tanh(x) / x - 1) / z


def tanh_exp(r):  # exp(2r) = 1 + r P(r)
    return expm1(2 * r) / r


def tanh_exp_weight(r):  # of an error of P in 1 - 2 / (2^n exp(2r) + 1), for the n that occur beyond 0.55
    def at(n):
        return 2 ** (n + 1) / (2 ** n * exp(2 * r) + 1) ** 2 if r + n * ln(2) / 2 > mpf("0.549") else 0
    return abs(r) * max(at(2), at(3), at(4))


def erf_tail(z):  # erf(x) = x + x P(z), z = x^2
    x = sqrt(z)
    return erf(x) / x - 1


def erfc_slope(centre):  # erfc(centre + u) = 2^-(3 + u P(u))
    return lambda u: (-log(erfc(centre + u), 2) - 3) / u


def erfc_slope_weight(centre):
    return lambda u: erfc(centre + u) * abs(u)


def erfc_scaled(k):  # erfc(x) = exp(-x^2) P(q) / (x + k), q = (x - k) / (x + k)
    def g(q):
        x = k * (1 + q) / (1 - q)
        return exp(x * x) * erfc(x) * (x + k)
    return g


def erfc_range(k, a, b):  # q where x goes from a to b
    return [(mpf(x) - k) / (mpf(x) + k) for x in (a, b)]


def exp2_tail(r):  # 2^r = 1 + r P(r)
    return (mpf(2) ** r - 1) / r


def log2_quotient(z):  # log2(1+f) = s P(z), s = f/(2+f), z = s^2
    s = sqrt(z)
    return 2 * atanh(s) / s / ln(2)


def log_correction(z):  # log(1+f) = 2s (1 + z (1/3 + z P(z)))
    s = sqrt(z)
    return ((atanh(s) / s - 1) / z - mpf(1) / 3) / z


HALF = mpf("0.501")
CENTRE32, CENTRE64 = mpf(1.0847870111465454), mpf(1.0847870400692832)  # erfc is 1/8 there, nearly
F32, F64 = np.float32, np.float64
FITS = {
    "exp_f32": (exp_tail, lambda r: abs(r), 4, -HALF_LN2, HALF_LN2, F32),
    "exp_f64": (exp_tail, lambda r: abs(r), 10, -HALF_LN2, HALF_LN2, F64),
    "log_f32": (log_tail, lambda f: abs(f), 8, -THIRD, THIRD, F32),
    "log_f64": (atanh_tail, lambda z: z, 6, TINY, ATANH_MAX, F64),
    "sin_f32": (sin_tail, lambda z: z, 2, TINY, QUADRANT ** 2, F32),
    "cos_f32": (cos_tail, lambda z: z ** 2, 2, TINY, QUADRANT ** 2, F32),
    "sin_f64": (sin_tail, lambda z: z, 5, TINY, QUADRANT ** 2, F64),
    "cos_f64": (cos_tail, lambda z: z ** 2, 5, TINY, QUADRANT ** 2, F64),
    "tanh_small": (tanh_tail, lambda z: z * sqrt(z) / tanh(sqrt(z)), 3, TINY, mpf("0.55") ** 2, F32),
    "tanh_exp": (tanh_exp, tanh_exp_weight, 5, -HALF_LN2 / 2, HALF_LN2 / 2, F32),
    "erf_small_f32": (erf_tail, lambda z: mpf(1), 6, TINY, mpf(1), F32),
    "erf_small_f64": (erf_tail, lambda z: mpf(1), 12, TINY, mpf(1), F64),
    "erfc_slope_f32": (erfc_slope(CENTRE32), erfc_slope_weight(CENTRE32), 5, 1 - CENTRE32, mpf("3.95") - CENTRE32, F32),
    "erfc_slope_f64": (erfc_slope(CENTRE64), erfc_slope_weight(CENTRE64), 16, 1 - CENTRE64, mpf("5.95") - CENTRE64, F64),
    "erf_exp2_f32": (exp2_tail, abs, 4, -HALF, HALF, F32),
    "erf_exp2_f64": (exp2_tail, abs, 9, -HALF, HALF, F64),
    "erfc_f32": (erfc_scaled(2), lambda q: 1 / erfc_scaled(2)(q), 9, *erfc_range(2, "0.5", "10.1"), F32),
    "erfc_f64": (erfc_scaled(3), lambda q: 1 / erfc_scaled(3)(q), 21, *erfc_range(3, "0.5", "27.3"), F64),
    "powf_log2": (log2_quotient, lambda z: mpf(1), 5, TINY, ATANH_MAX, F64),
    "powf_exp2": (exp2_tail, abs, 6, -HALF, HALF, F64),
    "pow_log": (log_correction, lambda z: z ** 2, 7, TINY, ATANH_MAX, F64),
}


def main():
    for name in sys.argv[1:] or FITS:
        g, w, degree, a, b, number = FITS[name]
        c, error = rounded_fit(g, w, degree, a, b, number)
        print(f"{name}: error 2^{float(log(error, 2)):.2f}")
        print("  {" + ", ".join(f"{float(x):.9g}" if number is F32 else f"{float(x):.17g}" for x in c) + "}")


if __name__ == "__main__":
    main()
