"""Expressions of model files in PyTorch: Python itself parses the texts, with ^ written **, and evaluates them for one example
after the other, so that no batch axis exists. The functions are PyTorch's.
"""
import torch
import torch.nn.functional as F


def along(reduce):
    def function(x, axis=None, keep=False):
        axes = list(range(x.dim())) if axis is None else axis
        numbers = x if x.is_floating_point() else x.double()
        return reduce(numbers, dim=axes, keepdim=keep) if x.dim() else numbers
    return function


NAMES = {
    "true": True, "false": False, "sum": along(torch.sum), "mean": along(torch.mean), "max": along(torch.amax),
    "min": along(torch.amin), "log_sum_exp": along(torch.logsumexp),
    "argmax": lambda x, axis=-1, keep=False: torch.argmax(x, dim=axis, keepdim=keep).double(),
    "log_softmax": lambda x: F.log_softmax(x, -1), "softmax": lambda x: F.softmax(x, -1),
    "dot": lambda x, y: (x * y).sum(-1), "matmul": torch.matmul, "square": torch.square, "select": torch.where,
    "clip": torch.clip, "neg": torch.neg, "lt": torch.lt, "le": torch.le, "gt": torch.gt, "ge": torch.ge, "eq": torch.eq,
    "ne": torch.ne, "add": torch.add, "sub": torch.sub, "mul": torch.mul, "div": torch.div, "pow": torch.pow,
    "maximum": lambda x, y: torch.maximum(*torch.broadcast_tensors(torch.as_tensor(x), torch.as_tensor(y))),
    "minimum": lambda x, y: torch.minimum(*torch.broadcast_tensors(torch.as_tensor(x), torch.as_tensor(y))),
    "logical_and": torch.logical_and, "logical_or": torch.logical_or, "logical_not": torch.logical_not,
    "stop_gradient": torch.detach, "leaky_relu": lambda x, alpha=0.01: F.leaky_relu(x, alpha), "relu": F.relu, "gelu": F.gelu,
    **{name: getattr(torch, name) for name in ("abs cos erf erfc exp expm1 floor log log1p rsqrt sigmoid sign sin sqrt tanh").split()},
}


def evaluate(text, values):
    """Of the text over {name: tensor, batch first}: the results of all examples, batch first."""
    source = " ".join(text.replace("^", "**").replace("part.x", "part_x").split())
    results = []
    for example in range(len(next(iter(values.values())))):
        scope = {name.replace(".", "_"): value[example] for name, value in values.items()}
        results.append(eval(source, {**NAMES, **scope}))
    return torch.stack([torch.as_tensor(result) for result in results])
