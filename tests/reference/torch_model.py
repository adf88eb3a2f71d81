"""Model files in PyTorch: the layers, optimizers and schedules of gradc, written with PyTorch's own.

What a file leaves out is left to PyTorch's defaults wherever it has the same key, so that those are compared too.
"""
import functools

import numpy as np
import torch
import torch.nn.functional as F
from torch import optim
from torch.optim import lr_scheduler as schedulers

import published
import torch_expressions
import torch_images
import torch_losses
import torch_normalization

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
    "log_softmax": lambda x: F.log_softmax(x, dim=-1),
    "sparsemax": lambda x: sparsemax(x),
    "selu": F.selu,
    "silu": F.silu,
    "mish": F.mish,
    "gelu_tanh": lambda x: F.gelu(x, approximate="tanh"),
    "relu6": F.relu6,
    "hard_sigmoid": lambda x: F.relu6(x + 3) / 6,  # the slope of F.hardsigmoid is 1/6 in f32, whatever the dtype
    "hard_tanh": F.hardtanh,
    "hard_swish": F.hardswish,
    "softsign": F.softsign,
    "abs": torch.abs,
    "sine": lambda x, frequency=1.0: torch.sin(frequency * x),
}

LAYERS = {  # those without parameters; of a list of inputs, and of all values by name
    "activation": lambda layer, xs, values: activate(layer["activation"], xs[0]),
    "flatten": lambda layer, xs, values: xs[0].flatten(1),
    "reshape": lambda layer, xs, values: xs[0].reshape(len(xs[0]), *layer["shape"]),
    "add": lambda layer, xs, values: functools.reduce(torch.add, aligned(xs)),
    "multiply": lambda layer, xs, values: functools.reduce(torch.mul, aligned(xs)),
    "concat": lambda layer, xs, values: torch.cat(xs, dim=-1),
    "scale": lambda layer, xs, values: xs[0] * layer["factor"],
    "maxout": lambda layer, xs, values: maxout(xs[0], layer["units"]),
    "subtract": lambda layer, xs, values: torch.sub(*aligned(xs)),
    "divide": lambda layer, xs, values: torch.div(*aligned(xs)),
    "minimum": lambda layer, xs, values: functools.reduce(torch.minimum, aligned(xs)),
    "maximum": lambda layer, xs, values: functools.reduce(torch.maximum, aligned(xs)),
    "sum": lambda layer, xs, values: xs[0].sum(axes(layer, xs[0]), keepdim=layer.get("keep", False)),
    "mean": lambda layer, xs, values: xs[0].mean(axes(layer, xs[0]), keepdim=layer.get("keep", False)),
    "slice": lambda layer, xs, values: sliced(layer, xs[0]),
    "split": lambda layer, xs, values: xs[0].chunk(layer["parts"], counted(layer.get("axis", -1)))[layer["part"]],
    "stack": lambda layer, xs, values: torch.stack(xs, counted(layer.get("axis", 0))),
    "tile": lambda layer, xs, values: xs[0].tile(1, *layer["times"]),
    "clip": lambda layer, xs, values: xs[0].clamp(layer.get("min"), layer.get("max")),
    "normalize": lambda layer, xs, values: F.normalize(xs[0], dim=counted(layer.get("axis", -1)), eps=layer.get("epsilon", 1e-12)),
    "permute": lambda layer, xs, values: xs[0].permute(0, *[axis % (xs[0].dim() - 1) + 1 for axis in layer["axes"]]),
    "zero_padding": lambda layer, xs, values: F.pad(xs[0], borders(layer["padding"], xs[0])),
    "cropping": lambda layer, xs, values: F.pad(xs[0], [-count for count in borders(layer["cropping"], xs[0])]),
    "upsample": lambda layer, xs, values: upsample(layer, xs[0]),
    "global_average_pool": lambda layer, xs, values: xs[0].mean(spatial(xs[0]), keepdim=layer.get("keep", False)),
    "global_max_pool": lambda layer, xs, values: xs[0].amax(spatial(xs[0]), keepdim=layer.get("keep", False)),
    "expression": lambda layer, xs, values: torch_expressions.evaluate(layer["of"], values),
    **{kind: lambda layer, xs, values: torch_images.pool(layer, xs[0]) for kind in torch_images.POOLS},
}

OPS = {  # primitives as layers; of the layer and a list of inputs with the batch in front
    "add": lambda op, xs: xs[0] + xs[1],
    "argmax": lambda op, xs: xs[0].argmax(op["axes"][0]),
    "broadcast": lambda op, xs: xs[0].expand(len(xs[0]), *op["shape"]),
    "cast": lambda op, xs: xs[0].to(torch.float64),
    "contract": lambda op, xs: torch.einsum(op["indices"], *xs),
    "exp": lambda op, xs: xs[0].exp(),
    "gather": lambda op, xs: xs[0][xs[1]],
    "lt": lambda op, xs: xs[0] < xs[1],
    "mul": lambda op, xs: xs[0] * xs[1],
    "neg": lambda op, xs: -xs[0],
    "pad": lambda op, xs: padded(xs[0], op["low"], op["high"], op.get("value", 0)),
    "reshape": lambda op, xs: xs[0].reshape(len(xs[0]), *op["shape"]),
    "select": lambda op, xs: torch.where(*xs),
    "sub": lambda op, xs: xs[0] - xs[1],
    "sum": lambda op, xs: xs[0].sum(op["axes"], keepdim=op.get("keep", False)),
    "transpose": lambda op, xs: xs[0].permute(*op["perm"]),
}

LEARNED = {  # those with parameters; all of the model are given
    "dense": lambda layer, xs, params: dense(layer, xs, params),
    "prelu": lambda layer, xs, params: prelu(xs[0], params[layer["name"] + ".slope"]),
    "rbf": lambda layer, xs, params: rbf(xs[0], params[layer["name"] + ".centers"], rbf_width(layer, params)),
    **{kind: lambda layer, xs, params: convolution(layer, xs[0], params) for kind in torch_images.WITH_WEIGHTS},
    **{name: lambda layer, xs, params, norm=norm: norm(layer, xs[0], params) for name, norm in torch_normalization.LEARNED.items()},
}


def parameters(layer, shape, random):
    """Random initial ones of a layer but dense, which reads examples of a shape."""
    shapes = torch_images.shapes(layer, shape[-1]) if layer["type"] in torch_images.WITH_WEIGHTS else {}
    if layer["type"] == "prelu":
        shapes["slope"] = shape[-1:] if layer.get("slopes") == "features" else ()
    if layer["type"].endswith("_norm"):
        shapes = torch_normalization.shapes(layer, shape)
    if layer["type"] == "rbf":
        shapes["centers"] = (layer["units"], shape[-1])
        if layer.get("learn_width"):
            shapes["log_width"] = (layer["units"],)
    if layer["type"] == "parameter":
        shapes["value"] = layer["shape"]
    return {f"{layer['name']}.{key}": random.standard_normal(dims) / 2 for key, dims in shapes.items()}


def padded(x, low, high, value):
    pairs = [extent for pair in zip(low, high) for extent in reversed(pair)]  # F.pad begins with the last axis
    return F.pad(x, pairs[::-1], value=value)


def sparsemax(x):
    """Algorithm 1 of Martins and Astudillo 2016, which PyTorch lacks, along the last axis."""
    z = x.sort(dim=-1, descending=True).values
    k = torch.arange(1, x.shape[-1] + 1, dtype=x.dtype)
    size = (1 + k * z > z.cumsum(-1)).sum(-1, keepdim=True)
    threshold = (z.cumsum(-1).gather(-1, size - 1) - 1) / size
    return F.relu(x - threshold)


def counted(axis):
    """An axis of an example as one of a batch."""
    return axis + 1 if axis >= 0 else axis


def axes(layer, x):
    written = layer.get("axes", list(range(x.dim() - 1)))
    return [counted(axis) for axis in (written if isinstance(written, list) else [written])]


def spatial(x):
    """The axes between the batch and the channels."""
    return list(range(1, x.dim() - 1))


def aligned(xs):
    """With axes of extent 1 behind the batch, so that examples broadcast."""
    rank = max(x.dim() for x in xs)
    return [x.reshape(len(x), *[1] * (rank - x.dim()), *x.shape[1:]) for x in xs]


def borders(counts, x):
    """As F.pad wants them: of the last axis first, which has none."""
    each = counts if isinstance(counts, list) else [counts] * (x.dim() - 2)
    pairs = [[0, 0]] + [pair if isinstance(pair, list) else [pair, pair] for pair in reversed(each)]
    return [count for pair in pairs for count in pair]


def upsample(layer, x):
    factor, rank = layer["factor"], x.dim() - 2
    factors = tuple(float(f) for f in factor) if isinstance(factor, list) and len(factor) > 1 else float(np.ravel(factor)[0])
    linear = layer.get("interpolation", "nearest") != "nearest"
    mode = {"mode": ["linear", "bilinear", "trilinear"][rank - 1], "align_corners": False} if linear else {"mode": "nearest"}
    return F.interpolate(x.movedim(-1, 1), scale_factor=factors, **mode).movedim(1, -1)


def sliced(layer, x):
    at = [slice(None)] * x.dim()
    at[counted(layer.get("axis", -1))] = slice(layer.get("start", 0), layer.get("stop"), layer.get("step", 1))
    return x[tuple(at)]


def maxout(x, units):
    return x.unflatten(-1, (units, -1)).amax(-1)


def prelu(x, slope):
    """PyTorch has the slopes along the second axis."""
    return F.prelu(x.movedim(-1, 1), slope.reshape(-1)).movedim(1, -1)


def rbf_width(layer, params):
    return params[layer["name"] + ".log_width"].exp() if layer.get("learn_width") else layer.get("width", 1)


def rbf(x, centers, width):
    return torch.exp(-(x.unsqueeze(-2) - centers).square().sum(-1) / (2 * width * width))


def activate(activation, x):
    if isinstance(activation, str):
        return ACTIVATIONS[activation](x)
    keys = {key: value for key, value in activation.items() if key != "type"}
    return ACTIVATIONS[activation["type"]](x, **keys)


def dense(layer, xs, params):
    y = xs[0] @ params[layer["name"] + ".weight"]
    if layer.get("use_bias", True):
        y = y + params[layer["name"] + ".bias"]
    return activate(layer.get("activation", "linear"), y)


def convolution(layer, x, params):
    own = {name.removeprefix(layer["name"] + "."): value for name, value in params.items() if name.startswith(layer["name"] + ".")}
    y = torch_images.with_weights(layer, x, own)
    return activate(layer.get("activation", "linear"), y + own["bias"] if "bias" in own else y)


def apply(layer, xs, params, values):
    kind = layer["type"]
    return LEARNED[kind](layer, xs, params) if kind in LEARNED else LAYERS[kind](layer, xs, values)


def forward(model, params, batch, buffers=None, training=True):
    """What every input and layer is for a batch, {input: tensor}, and the name of the last layer. `buffers` are the running statistics,
    which training moves."""
    values = dict(batch)
    previous = next(iter(batch))
    whole = set()  # those that are one value for the whole batch
    for layer in model["layers"]:
        names = layer.get("input", previous)
        names = [names] if isinstance(names, str) else names
        kind = layer["type"]
        previous = layer["name"]
        if kind == "parameter":
            values[previous] = params[previous + ".value"]
            whole.add(previous)
            continue
        xs = [values[name] for name in names]
        if kind == "op":
            values[previous] = OPS[layer["op"]](layer, xs)
            whole.update({previous} if whole.issuperset(names) else ())
            continue
        examples = 1 if whole.issuperset(names) else len(next(iter(batch.values())))
        xs = [x.expand(examples, *x.shape) if name in whole else x for name, x in zip(names, xs)]
        if kind == "batch_norm":
            value = torch_normalization.batch_norm(layer, xs[0], params, buffers, training)
        else:
            value = apply(layer, xs, params, values)
        values[previous] = value.squeeze(0) if whole.issuperset(names) else value
        whole.update({previous} if whole.issuperset(names) else ())
    return values, previous


def loss(model, params, batch, buffers=None, training=True):
    """Of a batch: {input: tensor}. Several losses are added, penalties too."""
    values, previous = forward(model, params, batch, buffers, training)
    penalty = 0
    examples = len(next(iter(batch.values())))
    for layer in model["layers"]:
        y = values[layer["name"]]
        if "activity_l1" in layer or "activity_l2" in layer:
            penalty = penalty + (layer.get("activity_l1", 0) * y.abs().sum() + layer.get("activity_l2", 0) * y.square().sum()) / examples
        if layer["type"] == "dense":
            weight = params[layer["name"] + ".weight"]
            penalty = penalty + layer.get("l1", 0) * weight.abs().sum() + layer.get("l2", 0) * weight.square().sum()
    for term in model["loss"] if isinstance(model["loss"], list) else [model["loss"]]:
        penalty = penalty + term.get("weight", 1) * torch_losses.mean_loss(term, values, previous)
    return penalty


OPTIMIZERS = {
    "sgd": optim.SGD, "momentum": optim.SGD, "nesterov": optim.SGD, "adagrad": optim.Adagrad, "rmsprop": optim.RMSprop,
    "adadelta": optim.Adadelta, "adam": optim.Adam, "adamw": optim.AdamW, "adamax": optim.Adamax, "nadam": optim.NAdam,
    "radam": optim.RAdam, "rprop": optim.Rprop, "lion": published.Lion, "lamb": published.Lamb, "lars": published.Lars,
    "muon": published.MuonAndAdamW,
}

CLIPS = {"clip_value": torch.nn.utils.clip_grad_value_, "clip_adaptive": published.clip_adaptive,
         "clip_norm": torch.nn.utils.clip_grad_norm_}


OF_PARAMETERS = ("groups", "decay_except", "average")  # see torch_parameters.py


def optimizer(spec, params):
    keys = {key: value for key, value in spec.items() if key not in ("type", "learning_rate", *CLIPS, *OF_PARAMETERS)}
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
