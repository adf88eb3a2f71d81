"""A model of tests/bench/models for one batch size, in the terms of any library: the layers, the optimizer, initial weights,
examples, and the work of a step. Equal in every process: all numbers come from one seed.
"""
import collections
import json
import math
import pathlib
import struct
import subprocess

import numpy as np

from layers import known, only, outcome

MODELS = pathlib.Path(__file__).parent.parent / "models"
OPTIMIZERS = {"sgd": {}, "adam": {"beta1": 0.9, "beta2": 0.999, "epsilon": 1e-8}}  # all that the peers implement

# `options` are the keys of the model file, `inputs` the names of the layers that it reads, or "x"; `shape` is that of the
# output for one example; `weights` and `buffers` (what is no parameter, such as running statistics) are arrays by name.
Layer = collections.namedtuple("Layer", "name type options inputs shape weights buffers")


def flat_model(gradc, name):
    """The text of a model file without blocks, and with every default written out."""
    done = subprocess.run([gradc, "inspect", "--emit=model", MODELS / f"{name}.json"], capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(done.stderr)
    return done.stdout


class Workload:
    def __init__(self, path, batch):
        """Of a file that holds what flat_model() returns."""
        model = json.loads(pathlib.Path(path).read_text())
        self.name, self.batch = model["name"], batch
        random = np.random.default_rng(1)
        shapes, previous = {"x": tuple(model["inputs"]["x"]["shape"])}, "x"
        self.x = random.standard_normal((batch, *shapes["x"]), np.float32)
        self.layers = []
        for options in model["layers"]:
            inputs = options.get("input", [previous])
            shape, weights, buffers = outcome(options, [shapes[name] for name in inputs])
            previous = options["name"]
            shapes[previous] = shape
            self.layers.append(Layer(previous, options["type"], options, inputs, shape,
                                     {key: initial(key, of, random) for key, of in weights.items()},
                                     {key: initial(key, of, random) for key, of in buffers.items()}))
        [loss] = model["loss"]
        known(loss["type"], ["softmax_cross_entropy"], "loss")
        only(loss, ["type", "weight", "logits", "labels"], "the loss")
        known(loss["weight"], [1], "weight of the loss")
        known(loss["logits"], [previous], "loss of another layer than the last,")
        classes = shapes[previous][0]
        # The same examples have another label in every second batch, so that the loss stays away from 0 however long
        # one trains: gradients that vanish would turn into denormal numbers, which are slow.
        label = random.integers(classes, size=batch)
        self.labels = np.stack([label, (label + 1) % classes]).astype(np.int32)
        optimizer = model["optimizer"]
        self.optimizer = known(optimizer["type"], OPTIMIZERS, "optimizer")
        only(optimizer, ["type", "learning_rate", "accumulate", *OPTIMIZERS[self.optimizer]], "the optimizer")
        for key, value in {"accumulate": 1, **OPTIMIZERS[self.optimizer]}.items():
            known(optimizer[key], [value], f"{key} of the optimizer")
        only(optimizer["learning_rate"], ["type", "initial"], "the learning rate")
        known(optimizer["learning_rate"]["type"], ["constant"], "learning rate")
        self.learning_rate = optimizer["learning_rate"]["initial"]

    def flop(self):
        """The contractions of forward, dW and dX in one step; the first layer needs no dX. A weight takes part in one
        multiply-add for each position of its layer's output; those with zeros of the padding count, too.
        """
        multiply_adds = 0
        for layer in self.layers:
            for weight in layer.weights.values():
                if weight.ndim >= 2:
                    multiply_adds += weight.size * math.prod(layer.shape[:-1]) * (2 if "x" in layer.inputs else 3)
        return 2 * self.batch * multiply_adds

    def write(self, folder):
        """weights.safetensors, x.bin and y.bin, for who has no numpy."""
        (folder / "x.bin").write_bytes(self.x.tobytes())
        (folder / "y.bin").write_bytes(self.labels.tobytes())
        header, data = {}, b""
        for layer in self.layers:
            for name, value in {**layer.weights, **layer.buffers}.items():
                header[f"{layer.name}.{name}"] = {"dtype": "F32", "shape": value.shape,
                                                  "data_offsets": [len(data), len(data) + value.nbytes]}
                data += value.tobytes()
        text = json.dumps(header).encode()
        text += b" " * (-len(text) % 8)
        (folder / "weights.safetensors").write_bytes(struct.pack("<Q", len(text)) + text + data)


def initial(name, shape, random):
    """As PyTorch's layers begin, but with biases of 0."""
    if len(shape) >= 2:
        bound = math.prod(shape[:-1]) ** -0.5
        return random.uniform(-bound, bound, shape).astype(np.float32)
    return np.full(shape, 1 if name in ("scale", "running_variance") else 0, np.float32)
