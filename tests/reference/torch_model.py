"""Model files in PyTorch: the layers, optimizers and schedules of gradc, written with PyTorch's own.

What a file leaves out is left to PyTorch's defaults wherever it has the same key, so that those are compared too.
"""
import torch
import torch.nn.functional as F
from torch.optim import lr_scheduler as schedulers

import torch_losses

ACTIVATIONS = {
    "linear": lambda x: x,
    "relu": F.relu,
    "leaky_relu": lambda x, alpha=0.01: F.leaky_relu(x, alpha),
    "elu": lambda x, alpha=1.0: F.elu(x, alpha),
    "sigmoid": torch.sigmoid,
    "tanh": torch.tanh,
    "softplus": F.softplus,
    "gelu": F.gelu,
    "softmax": lambda x: F.softmax(x, dim=-1),
}

LAYERS = {  # those without parameters; of a list of inputs
    "activation": lambda layer, xs: activate(layer["activation"], xs[0]),
    "flatten": lambda layer, xs: xs[0].flatten(1),
    "reshape": lambda layer, xs: xs[0].reshape(len(xs[0]), *layer["shape"]),
    "add": lambda layer, xs: torch.stack(xs).sum(0),
    "multiply": lambda layer, xs: torch.stack(xs).prod(0),
    "concat": lambda layer, xs: torch.cat(xs, dim=-1),
    "scale": lambda layer, xs: xs[0] * layer["factor"],
}

def activate(activation, x):
    if isinstance(activation, str):
        return ACTIVATIONS[activation](x)
    keys = {key: value for key, value in activation.items() if key != "type"}
    return ACTIVATIONS[activation["type"]](x, **keys)


def dense(layer, x, params):
    y = x @ params[layer["name"] + ".weight"]
    if layer.get("use_bias", True):
        y = y + params[layer["name"] + ".bias"]
    return activate(layer.get("activation", "linear"), y)


def loss(model, params, batch):
    """Of a batch: {input: tensor}. Several losses are added, penalties too."""
    values = dict(batch)
    previous = next(iter(batch))
    penalty = 0
    for layer in model["layers"]:
        names = layer.get("input", previous)
        xs = [values[name] for name in ([names] if isinstance(names, str) else names)]
        if layer["type"] == "dense":
            y = dense(layer, xs[0], params)
            weight = params[layer["name"] + ".weight"]
            penalty = penalty + layer.get("l1", 0) * weight.abs().sum() + layer.get("l2", 0) * weight.square().sum()
        else:
            y = LAYERS[layer["type"]](layer, xs)
        previous = layer["name"]
        values[previous] = y
    for term in model["loss"] if isinstance(model["loss"], list) else [model["loss"]]:
        penalty = penalty + term.get("weight", 1) * torch_losses.mean_loss(term, values, previous)
    return penalty


def optimizer(spec, params):
    keys = {key: value for key, value in spec.items() if key not in ("type", "learning_rate")}
    rate = spec["learning_rate"]
    keys["lr"] = rate["initial"] if isinstance(rate, dict) else rate
    if "epsilon" in keys:
        keys["eps"] = keys.pop("epsilon")
    if "beta1" in keys or "beta2" in keys:
        keys["betas"] = (keys.pop("beta1", 0.9), keys.pop("beta2", 0.999))
    if spec["type"] in ("momentum", "nesterov"):  # PyTorch's own default is no momentum
        keys = {"momentum": 0.9, "nesterov": spec["type"] == "nesterov", **keys}
    makers = {"sgd": torch.optim.SGD, "momentum": torch.optim.SGD, "nesterov": torch.optim.SGD,
              "adagrad": torch.optim.Adagrad, "rmsprop": torch.optim.RMSprop,
              "adam": torch.optim.Adam, "adamw": torch.optim.AdamW}
    return makers[spec["type"]](params, **keys)


def scheduler(spec, chosen, steps):
    """Of a schedule on an optimizer, and the number of its steps: after that the rate stays."""
    if not isinstance(spec, dict):
        spec = {"type": "constant", "initial": spec}
    warmup = spec.get("warmup_steps", 0)
    span, length = spec.get("decay_steps", 1), steps
    if spec["type"] == "constant":
        main = schedulers.LambdaLR(chosen, lambda t: 1)
    elif spec["type"] == "step":
        main = schedulers.StepLR(chosen, spec["every"], **({"gamma": spec["factor"]} if "factor" in spec else {}))
    elif spec["type"] == "exponential":
        main = schedulers.ExponentialLR(chosen, spec["decay_rate"] ** (1 / span))
    elif spec["type"] == "inverse_time":
        main = schedulers.LambdaLR(chosen, lambda t: 1 / (1 + spec["decay_rate"] * t / span))
    else:  # a cosine, which PyTorch would let rise again
        span = spec.get("decay_steps", steps - warmup)
        length = warmup + span
        main = schedulers.CosineAnnealingLR(chosen, span, spec["initial"] * spec.get("final_factor", 0))
    if warmup == 0:
        return main, length
    rise = schedulers.LinearLR(chosen, start_factor=1 / warmup, end_factor=1, total_iters=warmup - 1)
    return schedulers.SequentialLR(chosen, [rise, main], milestones=[warmup]), length
