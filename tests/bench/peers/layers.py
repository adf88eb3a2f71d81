"""The layers that the peers implement: of the keys of a model file, with every default written out, and the shapes that a layer
reads, the shape of its output, those of its weights, and those of its buffers; all for one example.
"""


def known(value, choices, what):
    if value not in choices:
        raise SystemExit(f"the peers do not implement the {what} '{value}'")
    return value


def only(options, implemented, what):
    """Every other key of these has no effect: it is 0, false, empty, or says how weights begin, which is not left to gradc."""
    for key, value in options.items():
        if value and key not in implemented and not key.endswith("_initializer"):
            known(value, [], f"{key} of {what}")


def activation(layer):
    """Of a layer that has one: its type."""
    given = layer.get("activation", "linear")
    return known(given["type"] if isinstance(given, dict) else given, ["linear", "relu"], "activation")


def pair(value):
    """A number for both axes of an image, or one for each."""
    return tuple(value) if isinstance(value, list) else (value, value)


def window(layer):
    """Extents and strides of the window of a convolution or pool."""
    size = pair(layer["pool_size" if "pool_size" in layer else "kernel_size"])
    return size, pair(layer.get("strides", list(size)))


def padding(layer, shape):
    """Of an image, [height, width, channels]: what is added [(above, below), (left, right)]."""
    given = layer["padding"]
    if given == "valid":
        return [(0, 0), (0, 0)]
    if given == "same":
        missing = [max((-(-extent // stride) - 1) * stride + size - extent, 0)
                   for extent, size, stride in zip(shape, *window(layer))]
        return [(total // 2, total - total // 2) for total in missing]
    return [pair(axis) for axis in pair(given)]


def slid(layer, shape):
    """The extents of an image after a window has slid over it."""
    return tuple((extent + sum(added) - size) // stride + 1
                 for extent, added, size, stride in zip(shape, padding(layer, shape), *window(layer)))


def dense(layer, shapes):
    activation(layer)
    return (*shapes[0][:-1], layer["units"]), with_bias(layer, (shapes[0][-1], layer["units"])), {}


def conv2d(layer, shapes):
    activation(layer)
    known(pair(layer["dilation"]), [(1, 1)], "dilation")
    known(layer["groups"], [1], "groups")
    channels, filters = shapes[0][-1], layer["filters"]
    return (*slid(layer, shapes[0]), filters), with_bias(layer, (*window(layer)[0], channels, filters)), {}


def with_bias(layer, shape):
    return {"weight": shape, "bias": shape[-1:]} if layer["use_bias"] else {"weight": shape}


def max_pool2d(layer, shapes):
    known(pair(layer["dilation"]), [(1, 1)], "dilation")
    known(layer["ceil_mode"], [False], "ceil_mode")
    return (*slid(layer, shapes[0]), shapes[0][-1]), {}, {}


def batch_norm(layer, shapes):
    known(layer["scale"] and layer["offset"], [True], "batch_norm without scale or offset")
    channels = shapes[0][-1:]
    return shapes[0], {"scale": channels, "offset": channels}, {"running_mean": channels, "running_variance": channels}


def flatten(layer, shapes):
    size = 1
    for extent in shapes[0]:
        size *= extent
    return (size,), {}, {}


def global_average_pool(layer, shapes):
    known(layer["keep"], [False], "keep")
    return shapes[0][-1:], {}, {}


def unchanged(layer, shapes):
    activation(layer)
    return shapes[0], {}, {}


KINDS = {"dense": dense, "conv2d": conv2d, "max_pool2d": max_pool2d, "batch_norm": batch_norm, "flatten": flatten,
         "global_average_pool": global_average_pool, "activation": unchanged, "add": unchanged}
OF_ALL = ["type", "name", "input", "trainable", "when"]
KEYS = {"dense": ["units", "activation", "use_bias"],
        "conv2d": ["filters", "kernel_size", "strides", "padding", "dilation", "groups", "activation", "use_bias"],
        "max_pool2d": ["pool_size", "strides", "padding", "dilation", "ceil_mode"],
        "batch_norm": ["momentum", "epsilon", "scale", "offset"], "flatten": [], "global_average_pool": ["keep"],
        "activation": ["activation"], "add": []}  # that they read; all others must have no effect


def outcome(layer, shapes):
    """The shape of the output, and the shapes of weights and buffers by name."""
    kind = known(layer["type"], KINDS, "layer type")
    only(layer, OF_ALL + KEYS[kind], f"the layer '{layer['name']}'")
    known(layer["trainable"], [True], "value of trainable")
    return KINDS[kind](layer, shapes)
