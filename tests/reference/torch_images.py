"""Convolutions and pools of model files in PyTorch. Images of gradc have their channels last, weights are [window..., channels / groups,
filters], and a padding may be uneven; PyTorch has channels first, other weights, and zeros that are put there beforehand."""
import math

import torch
import torch.nn.functional as F

CONVOLUTIONS = {1: F.conv1d, 2: F.conv2d, 3: F.conv3d}
TRANSPOSED = {1: F.conv_transpose1d, 2: F.conv_transpose2d}
MAXIMA = {1: F.max_pool1d, 2: F.max_pool2d}
MEANS = {1: F.avg_pool1d, 2: F.avg_pool2d}

WITH_WEIGHTS = ["conv1d", "conv2d", "conv3d", "depthwise_conv2d", "separable_conv2d", "conv_transpose1d", "conv_transpose2d"]
POOLS = ["max_pool1d", "max_pool2d", "average_pool1d", "average_pool2d"]


def rank(layer):
    return int(layer["type"][-2])


def each(layer, key, default):
    value = layer.get(key, default)
    return list(value) if isinstance(value, list) else [value] * rank(layer)


def is_even(padding):
    return not isinstance(padding, str) and not (isinstance(padding, list) and any(isinstance(p, list) for p in padding))


def paddings(layer, image, window):
    """Of each axis [before, after]; "same" is that of TensorFlow."""
    strides, dilations = each(layer, "strides", window), each(layer, "dilation", 1)
    padding = layer.get("padding", "valid")
    if padding == "valid":
        return [[0, 0] for _ in image]
    if padding != "same":
        return [p if isinstance(p, list) else [p, p] for p in each(layer, "padding", 0)]
    result = []
    for extent, k, stride, dilation in zip(image, window, strides, dilations):
        total = max((math.ceil(extent / stride) - 1) * stride + (k - 1) * dilation + 1 - extent, 0)
        result.append([total // 2, total - total // 2])
    return result


def padded(x, pads, value=0):
    return F.pad(x, [n for pad in reversed(pads) for n in pad], value=value)


def channels_first(function):
    return lambda layer, x, *rest: function(layer, x.movedim(-1, 1).contiguous(), *rest).movedim(1, -1)


def weight_first(w):
    return w.movedim((-1, -2), (0, 1)).contiguous()  # or PyTorch has no gradient of it


def convolution(layer, x, weight, groups):
    window = weight.shape[:-2]
    layer = {"strides": 1, **layer}
    keys = {"stride": each(layer, "strides", 1), "dilation": each(layer, "dilation", 1), "groups": groups}
    if is_even(layer.get("padding", "valid")):
        keys["padding"] = each(layer, "padding", 0)
    else:
        x = padded(x, paddings(layer, x.shape[2:], window))
    return CONVOLUTIONS[len(window)](x, weight_first(weight), **keys)


def transposed(layer, x, weight):
    axes, groups = rank(layer), layer.get("groups", 1)
    w = weight.unflatten(-1, (groups, -1)).movedim((-2, -3, -1), (0, 1, 2)).flatten(0, 1).contiguous()  # [channels, filters / groups, window...]
    strides, dilations = each(layer, "strides", 1), each(layer, "dilation", 1)
    keys = {"stride": strides, "dilation": dilations, "groups": groups}
    if is_even(layer.get("padding", 0)):
        return TRANSPOSED[axes](x, w, padding=each(layer, "padding", 0), output_padding=each(layer, "output_padding", 0), **keys)
    y = TRANSPOSED[axes](x, w, **keys)
    cuts = []
    for axis, (extent, k, stride, dilation) in enumerate(zip(x.shape[2:], weight.shape, strides, dilations)):
        whole, span = y.shape[2 + axis], (k - 1) * dilation + 1
        if layer["padding"] == "same":
            before, wanted = max(span - stride, 0) // 2, extent * stride
        elif layer["padding"] == "valid":
            before, wanted = 0, extent * stride + max(span - stride, 0)
        else:
            before, after = paddings(layer, x.shape[2:], weight.shape)[axis]
            wanted = whole + each(layer, "output_padding", 0)[axis] - before - after
        cuts.append([-before, wanted + before - whole])
    return padded(y, cuts)


@channels_first
def with_weights(layer, x, weights):
    kind = layer["type"]
    if kind.startswith("conv_transpose"):
        return transposed(layer, x, weights["weight"])
    if kind == "depthwise_conv2d":
        return convolution(layer, x, weights["weight"], x.shape[1])
    if kind == "separable_conv2d":
        return F.conv2d(convolution(layer, x, weights["depthwise_weight"], x.shape[1]), weight_first(weights["pointwise_weight"]))
    return convolution(layer, x, weights["weight"], layer.get("groups", 1))


@channels_first
def pool(layer, x):
    window = each(layer, "pool_size", 2)
    keys = {"kernel_size": window, "stride": each(layer, "strides", window), "ceil_mode": layer.get("ceil_mode", False)}
    even, is_max = is_even(layer.get("padding", "valid")), layer["type"].startswith("max")
    pads = paddings({**layer, "strides": keys["stride"]}, x.shape[2:], window)
    if is_max:
        if even:
            keys["padding"] = each(layer, "padding", 0)
        else:
            x = padded(x, pads, -math.inf)
        return MAXIMA[rank(layer)](x, dilation=each(layer, "dilation", 1), **keys)
    counts = layer.get("count_include_pad", False)
    if even:
        return MEANS[rank(layer)](x, padding=each(layer, "padding", 0), count_include_pad=counts, **keys)
    mean, share = MEANS[rank(layer)](padded(x, pads), **keys), MEANS[rank(layer)](padded(torch.ones_like(x), pads), **keys)
    return mean if counts else mean / share


def shapes(layer, channels):
    """Of the parameters of a layer that reads so many channels."""
    kind = layer["type"]
    window = each(layer, "kernel_size", None)
    if kind == "separable_conv2d":
        inner = channels * layer.get("depth_multiplier", 1)
        found = {"depthwise_weight": (*window, 1, inner), "pointwise_weight": (1, 1, inner, layer["filters"])}
    elif kind == "depthwise_conv2d":
        found = {"weight": (*window, 1, channels * layer.get("depth_multiplier", 1))}
    else:
        found = {"weight": (*window, channels // layer.get("groups", 1), layer["filters"])}
    if layer.get("use_bias", True):
        found["bias"] = (layer.get("filters") or channels * layer.get("depth_multiplier", 1),)
    return found
