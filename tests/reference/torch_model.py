"""Model files in PyTorch: the layers, losses, optimizers and schedules of gradc, written with PyTorch's own.

What a file leaves out is left to PyTorch's defaults wherever it has the same key, so that those are compared too.
"""
import torch
import torch.nn.functional as F
from torch import optim
from torch.optim import lr_scheduler as schedulers

import published

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

LOSSES = {
    "mse": F.mse_loss,
    "mae": F.l1_loss,
    "binary_cross_entropy": F.binary_cross_entropy_with_logits,
    "softmax_cross_entropy": F.cross_entropy,
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
        judged = values[term.get("prediction") or term.get("logits") or previous]
        target = batch[term.get("target") or term["labels"]]
        penalty = penalty + term.get("weight", 1) * mean_loss(term, judged, target, batch)
    return penalty


def mean_loss(term, judged, target, batch):
    """Of one entry of "loss". Weights of examples: as if an example were there so many times."""
    keys = {key: term[key] for key in ("label_smoothing",) if key in term}
    if "class_weights" in term:
        keys["weight"] = torch.tensor(term["class_weights"], dtype=judged.dtype)
    if "example_weights" not in term:
        return LOSSES[term["type"]](judged, target, **keys)
    weights = batch[term["example_weights"]].reshape(-1, 1)
    each = LOSSES[term["type"]](judged, target, reduction="none", **keys).reshape(len(weights), -1)
    of_class = keys["weight"][target].reshape(len(weights), -1) if "weight" in keys else torch.ones_like(each)
    return (weights * each).sum() / (weights * of_class).sum()


OPTIMIZERS = {
    "sgd": optim.SGD, "momentum": optim.SGD, "nesterov": optim.SGD, "adagrad": optim.Adagrad, "rmsprop": optim.RMSprop,
    "adadelta": optim.Adadelta, "adam": optim.Adam, "adamw": optim.AdamW, "adamax": optim.Adamax, "nadam": optim.NAdam,
    "radam": optim.RAdam, "rprop": optim.Rprop, "lion": published.Lion, "lamb": published.Lamb, "lars": published.Lars,
    "muon": published.MuonAndAdamW,
}

CLIPS = {"clip_value": torch.nn.utils.clip_grad_value_, "clip_adaptive": published.clip_adaptive,
         "clip_norm": torch.nn.utils.clip_grad_norm_}


def optimizer(spec, params):
    keys = {key: value for key, value in spec.items() if key not in ("type", "learning_rate", *CLIPS)}
    rate = spec["learning_rate"]
    keys["lr"] = rate["initial"] if isinstance(rate, dict) else rate
    for ours, theirs in (("epsilon", "eps"), ("adjust_learning_rate", "adjust_lr_fn")):
        if ours in keys:
            keys[theirs] = keys.pop(ours)
    for pair, first, second, defaults in (("betas", "beta1", "beta2", (0.9, 0.999)), ("etas", "eta_minus", "eta_plus", (0.5, 1.2)),
                                          ("step_sizes", "step_min", "step_max", (1e-6, 50))):
        if first in keys or second in keys:
            keys[pair] = (keys.pop(first, defaults[0]), keys.pop(second, defaults[1]))
    if spec["type"] in ("momentum", "nesterov"):  # PyTorch's own default is no momentum
        keys = {"momentum": 0.9, "nesterov": spec["type"] == "nesterov", **keys}
    return OPTIMIZERS[spec["type"]](params, **keys)


def clip(spec, params):
    """The gradients of the parameters, as an optimizer wants them."""
    for key, function in CLIPS.items():
        if key in spec:
            function(params, spec[key])


def scheduler(spec, chosen, steps):
    """Of a schedule on an optimizer, and the number of its steps: after that the rate stays."""
    if not isinstance(spec, dict):
        spec = {"type": "constant", "initial": spec}
    warmup = spec.get("warmup_steps", 0)
    span, length = spec.get("decay_steps", 1), steps
    if spec["type"] in ("constant", "plateau"):  # a plateau ends between epochs
        main = schedulers.LambdaLR(chosen, lambda t: 1)
    elif spec["type"] == "step":
        main = schedulers.StepLR(chosen, spec["every"], **({"gamma": spec["factor"]} if "factor" in spec else {}))
    elif spec["type"] == "exponential":
        main = schedulers.ExponentialLR(chosen, spec["decay_rate"] ** (1 / span))
    elif spec["type"] == "inverse_time":
        main = schedulers.LambdaLR(chosen, lambda t: 1 / (1 + spec["decay_rate"] * t / span))
    elif spec["type"] == "piecewise":  # factors that are powers of one number
        main = schedulers.MultiStepLR(chosen, spec["boundaries"], spec["factors"][0])
    elif spec["type"] == "inverse_sqrt":  # Hugging Face's get_inverse_sqrt_schedule
        scale = spec.get("decay_steps", warmup or 10000)
        main = schedulers.LambdaLR(chosen, lambda t: 1 / ((t + scale) / scale) ** 0.5)
    elif spec["type"] == "linear":
        span = spec.get("decay_steps", steps - warmup)
        main = schedulers.LinearLR(chosen, 1, spec.get("final_factor", 0), span)
    elif spec["type"] == "polynomial":
        span = spec.get("decay_steps", steps - warmup)
        main = schedulers.PolynomialLR(chosen, span, spec.get("power", 1))
    elif spec["type"] == "one_cycle":
        div, length = 1 / spec.get("start_factor", 0.04), spec.get("decay_steps", steps)
        main = schedulers.OneCycleLR(chosen, spec["initial"], length, pct_start=spec.get("rise", 0.3), cycle_momentum=False,
                                     div_factor=div, final_div_factor=1 / (div * spec.get("final_factor", 4e-6)))
        length -= 1
    elif spec.get("restarts", 0) > 0:
        cycles = [spec.get("cycle_factor", 1) ** n for n in range(spec["restarts"] + 1)]
        span = spec.get("decay_steps", steps // sum(cycles))
        length = warmup + span * sum(cycles) - 1
        main = schedulers.CosineAnnealingWarmRestarts(chosen, span, cycles[1], spec["initial"] * spec.get("final_factor", 0))
    else:  # a cosine, which PyTorch would let rise again
        span = spec.get("decay_steps", steps - warmup)
        length = warmup + span
        main = schedulers.CosineAnnealingLR(chosen, span, spec["initial"] * spec.get("final_factor", 0))
    if warmup == 0:
        return main, length
    rise = schedulers.LinearLR(chosen, start_factor=1 / warmup, end_factor=1, total_iters=warmup - 1)
    return schedulers.SequentialLR(chosen, [rise, main], milestones=[warmup]), length
