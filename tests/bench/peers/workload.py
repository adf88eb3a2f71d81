"""A model of tests/bench/models for one batch size, in the terms of any library: the stack of layers, the optimizer,
initial weights, examples, and the work of a step. Equal in every process: all numbers come from one seed.
"""
import collections
import json
import pathlib
import struct

import numpy as np

MODELS = pathlib.Path(__file__).parent.parent / "models"
OPTIMIZERS = {"sgd": {}, "adam": {"beta1": 0.9, "beta2": 0.999, "epsilon": 1e-8}}  # all that the peers implement

Dense = collections.namedtuple("Dense", "name weight bias relu")  # weight: [inputs, units]


class Workload:
    def __init__(self, name, batch):
        self.name, self.batch, self.path = name, batch, MODELS / f"{name}.json"
        model = json.loads(self.path.read_text())
        random = np.random.default_rng(1)
        width = model["inputs"]["x"]["shape"][0]
        self.x = random.standard_normal((batch, width), np.float32)
        self.layers = []
        for layer in model["layers"]:
            known(layer["type"], ["dense"], "layer type")
            known(layer.get("activation", "none"), ["relu", "none"], "activation")
            bound, shape = width ** -0.5, (width, layer["units"])
            self.layers.append(Dense(layer["name"], random.uniform(-bound, bound, shape).astype(np.float32),
                                     np.zeros(layer["units"], np.float32), layer.get("activation") == "relu"))
            width = layer["units"]
        known(model["loss"]["type"], ["softmax_cross_entropy"], "loss")
        # The same examples have another label in every second batch, so that the loss stays away from 0 however long
        # one trains: gradients that vanish would turn into denormal numbers, which are slow.
        label = random.integers(width, size=batch)
        self.labels = np.stack([label, (label + 1) % width]).astype(np.int32)
        optimizer = dict(model["optimizer"])
        self.optimizer = known(optimizer.pop("type"), OPTIMIZERS, "optimizer")
        self.learning_rate = optimizer.pop("learning_rate")
        for key in optimizer:
            known(key, [], "optimizer option")

    def flop(self):
        """The contractions of forward, dW and dX in one step; the first layer needs no dX."""
        sizes = [layer.weight.size for layer in self.layers]
        return 2 * self.batch * (3 * sum(sizes) - sizes[0])

    def write(self, folder):
        """weights.safetensors, x.bin and y.bin, for who has no numpy."""
        (folder / "x.bin").write_bytes(self.x.tobytes())
        (folder / "y.bin").write_bytes(self.labels.tobytes())
        header, data = {}, b""
        for layer in self.layers:
            for name, value in [("weight", layer.weight), ("bias", layer.bias)]:
                header[f"{layer.name}.{name}"] = {"dtype": "F32", "shape": value.shape,
                                                  "data_offsets": [len(data), len(data) + value.nbytes]}
                data += value.tobytes()
        text = json.dumps(header).encode()
        text += b" " * (-len(text) % 8)
        (folder / "weights.safetensors").write_bytes(struct.pack("<Q", len(text)) + text + data)


def known(value, choices, what):
    if value not in choices:
        raise SystemExit(f"the peers do not implement the {what} '{value}'")
    return value
