"""The normalizations of model files by PyTorch's own, which has the channels second, and what running statistics become."""
import torch
import torch.nn.functional as F


def epsilon(layer):
    return layer.get("epsilon", 1e-5)


def affine(layer, params, *names):
    """The scale and the offset, None where there is none."""
    owner = layer.get("share", layer["name"])
    return [params.get(f"{owner}.{name}") for name in names]


def with_channels_second(function, x, channels=-1):
    """Of x as [batch, channels, ...]."""
    return function(x.movedim(channels, 1)).movedim(1, channels)


def batch_norm(layer, x, params, buffers, training):
    """In training moves the running statistics, which are in `buffers`."""
    owner = layer.get("share", layer["name"])
    mean, variance = (buffers[f"{owner}.{name}"] for name in ("running_mean", "running_variance"))
    moves = training and layer.get("trainable", True)
    return with_channels_second(lambda x: F.batch_norm(x, mean, variance, *affine(layer, params, "scale", "offset"), moves,
                                                       layer.get("momentum", 0.1), epsilon(layer)), x)


def trailing(layer, x, function):
    """Of x with the axes of the layer last, and of their extents."""
    axes = layer.get("axes", -1)
    chosen = sorted((axis + x.dim() if axis < 0 else axis + 1) for axis in (axes if isinstance(axes, list) else [axes]))
    last = list(range(x.dim() - len(chosen), x.dim()))
    return function(x.movedim(chosen, last), [x.shape[axis] for axis in chosen]).movedim(last, chosen)


def layer_norm(layer, x, params):
    return trailing(layer, x, lambda x, dims: F.layer_norm(x, dims, *affine(layer, params, "scale", "offset"), epsilon(layer)))


def rms_norm(layer, x, params):
    return trailing(layer, x, lambda x, dims: F.rms_norm(x, dims, *affine(layer, params, "scale"), layer.get("epsilon")))


def group_norm(layer, x, params):
    return with_channels_second(lambda x: F.group_norm(x, layer["groups"], *affine(layer, params, "scale", "offset"), epsilon(layer)), x)


def instance_norm(layer, x, params):
    scale, offset = affine(layer, params, "scale", "offset")
    return with_channels_second(lambda x: F.instance_norm(x, weight=scale, bias=offset, eps=epsilon(layer)), x)


LEARNED = {"layer_norm": layer_norm, "rms_norm": rms_norm, "group_norm": group_norm, "instance_norm": instance_norm}


def shapes(layer, shape):
    """Those of the parameters of a layer that reads examples of a shape."""
    dims = shape[-1:]
    if layer["type"] in ("layer_norm", "rms_norm"):
        axes = layer.get("axes", -1)
        dims = [shape[axis] for axis in sorted((axis % len(shape)) for axis in (axes if isinstance(axes, list) else [axes]))]
    default = layer["type"] != "instance_norm"
    names = ("scale",) if layer["type"] == "rms_norm" else ("scale", "offset")
    return {name: tuple(dims) for name in names if layer.get(name, default)}


class Running:
    """The running statistics of a model, which layers move: initial values that `buffers` has not are added to it."""

    def __init__(self, model, params, buffers):
        self.values = {}
        for layer in model["layers"]:
            if layer["type"] == "batch_norm" and "share" not in layer:
                scale = params[layer["name"] + ".scale"]
                for name, initial in (("running_mean", 0.0), ("running_variance", 1.0)):
                    start = buffers.setdefault(f"{layer['name']}.{name}", [initial] * len(scale))
                    self.values[f"{layer['name']}.{name}"] = torch.tensor(start, dtype=scale.dtype)
