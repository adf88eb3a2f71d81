"""Writes expressions.json: values and gradients of expressions of model files, by PyTorch in f64.

    python3 make_expressions.py

The gradients are those of the sum of all results.
"""
import json
import pathlib

import torch

import torch_expressions

torch.set_default_dtype(torch.float64)

VALUES = {  # of two examples
    "a": [[1, -2, 0.5], [4, 0.25, -1]],
    "b": [[2, 1.5, -0.75], [0.5, 3, 2]],
    "s": [1.5, -0.25],
    "m": [[[1, -3, 2], [0.5, 4, -1]], [[-2, 0.25, 3], [1.25, -0.5, 6]]],
    "n": [[[2, 1], [-1, 0.5], [3, -2]], [[0, 1.5], [1, -4], [0.25, 2]]],
    "w": [[[1], [-0.5]], [[0.75], [2]]],
    "part.x": [[0.5, 0.25], [1, 3]],
    "k": [2, 0],
}  # none of them at a step or a kink of what is made of them below


TEXTS = [
    # precedence and grouping
    "a + b * s", "(a + b) * s", "a - b - s", "a / b / s", "a - (b - s)", "-a ^ 2", "(-a) ^ 2", "b ^ -1", "abs(b) ^ s ^ 2",
    "abs(b) ** s ** 2", "-a * -b", "2 * 3 + a", ".5 * a + 1e-1 * b - 1.5E1", "- - a", "a * (1 + 2) ^ 2 / 3", "a\t+\n b",
    # broadcasting
    "a + s", "s * m", "m + a", "w * a", "m * w + a", "s + 0 * part.x", "s + k", "m - mean(m, axis=1, keep=true)",
    # comparisons and conditions
    "(a > 0) * b", "(a >= b) + (a < b)", "(k == 2) * s", "mean(a <= 1.1)", "(a != 3) * a", "select(a > 0, a, b * b)",
    "select(logical_and(a > 0, b > 0), a, s)", "select(logical_or(a > 1.2, logical_not(b > 1)), 1, a)",
    "eq(k, 2) + ne(k, 2) * s", "lt(a, b) + le(a, b) * 2 + gt(a, b) * 4 + ge(a, b) * a",
    # reductions
    "sum(a)", "sum(m)", "sum(m, axis=0)", "sum(m, axis=-1)", "sum(m, axis=[0, 1])", "mean(m)", "mean(m, axis=1)", "mean(s)",
    "mean(m, axis=[-1], keep=true)", "max(m)", "max(m, axis=0)", "min(m)", "min(m, axis=1, keep=true) * m", "log_sum_exp(m)",
    "log_sum_exp(1000 * a)", "log_sum_exp(m, axis=0)", "log_sum_exp(m, axis=1, keep=true) + w", "argmax(m)", "argmax(m, axis=0)",
    "mean(argmax(a) == k)", "max(abs(a - b))", "mean(square(a - b)) + 0.1 * mean(abs(m))",
    # products
    "dot(a, b)", "dot(m, a)", "matmul(m, n)", "matmul(n, m) * 0.5",
    # elementwise functions and activations
    "exp(a)", "log(abs(a))", "sqrt(abs(b))", "rsqrt(abs(b))", "abs(a)", "square(m)", "sigmoid(a)", "tanh(a)", "erf(a)", "erfc(a)",
    "expm1(a)", "log1p(abs(a))", "sin(a)", "cos(a)", "sign(a)", "floor(1.1 * a)", "maximum(a, b)", "minimum(a, s)", "maximum(a, 0)",
    "clip(a, -1.5, 2 * 1)", "neg(a)", "add(a, b)", "sub(a, b)", "mul(a, b)", "div(a, b)", "pow(abs(b), a)", "stop_gradient(a) * b",
    "relu(a) + leaky_relu(b, alpha=0.2) + gelu(a)", "leaky_relu(a)", "softmax(m)", "log_softmax(m)", "-sum(softmax(b) * log_softmax(a))",
]


def main():
    leaves = {name: torch.tensor(value, dtype=torch.float64, requires_grad=True) for name, value in VALUES.items()}
    cases = []
    for text in TEXTS:
        value = torch_expressions.evaluate(text, leaves).double()
        for leaf in leaves.values():
            leaf.grad = None
        if value.requires_grad:
            value.sum().backward()
        gradients = {name: leaf.grad.flatten().tolist() for name, leaf in leaves.items() if leaf.grad is not None and name != "k"}
        cases.append({"text": text, "shape": list(value.shape), "value": value.flatten().tolist(), "gradients": gradients})
    rows = ",\n  ".join(json.dumps(case) for case in cases)
    path = pathlib.Path(__file__).parent / "expressions.json"
    path.write_text(f'{{"values": {json.dumps(VALUES)},\n "cases": [\n  {rows}]}}\n')


if __name__ == "__main__":
    main()
