"""A workload in PyTorch. Images are channels last, which PyTorch computes faster on a CPU: tensors of the shape [n, channels,
height, width] that lie in memory as [n, height, width, channels].
"""
import torch

from layers import activation, padding, window
from workload import Workload


class Flatten(torch.nn.Module):
    """In the order of the channels last, which takes no copy."""
    def forward(self, x):
        return x.permute(0, 2, 3, 1).flatten(1) if x.dim() == 4 else x.flatten(1)


class GlobalAveragePool(torch.nn.Module):
    def forward(self, x):
        return x.mean((2, 3))


class Add(torch.nn.Module):
    def forward(self, first, *others):
        for other in others:
            first = first + other
        return first


def dense(layer, shape):
    return torch.nn.Linear(*layer.weights["weight"].shape, bias="bias" in layer.weights)


def symmetric(layer, shape):
    """The padding of both axes; PyTorch's layers add as much after an axis as before it."""
    pads = padding(layer.options, shape)
    if any(before != after for before, after in pads):
        raise SystemExit(f"the layer '{layer.name}' has a padding that PyTorch's layers lack")
    return tuple(before for before, _ in pads)


def conv2d(layer, shape):
    size, strides = window(layer.options)
    return torch.nn.Conv2d(shape[-1], layer.shape[-1], size, strides, symmetric(layer, shape), bias="bias" in layer.weights)


def max_pool2d(layer, shape):
    return torch.nn.MaxPool2d(*window(layer.options), symmetric(layer, shape))


def batch_norm(layer, shape):
    kind = torch.nn.BatchNorm2d if len(shape) == 3 else torch.nn.BatchNorm1d
    return kind(shape[-1], layer.options["epsilon"], layer.options["momentum"])


MODULES = {"dense": dense, "conv2d": conv2d, "max_pool2d": max_pool2d, "batch_norm": batch_norm,
           "flatten": lambda layer, shape: Flatten(), "global_average_pool": lambda layer, shape: GlobalAveragePool(),
           "activation": lambda layer, shape: None, "add": lambda layer, shape: Add()}
PARAMETERS = {"weight": "weight", "bias": "bias", "scale": "weight", "offset": "bias"}  # gradc's names: PyTorch's


def network(workload):
    """A module of straight-line code, in which a value is let go after its last use."""
    graph, modules = torch.fx.Graph(), {}
    values, shapes = {"x": graph.placeholder("x")}, {"x": workload.x.shape[1:]}
    readers = [name for layer in workload.layers for name in layer.inputs] + ["x"]
    for layer in workload.layers:
        value, name = values[layer.inputs[0]], layer.name.replace(".", "_")
        module = MODULES[layer.type](layer, shapes[layer.inputs[0]])
        if module:
            load(module, layer.weights)
            modules[name] = module
            value = graph.call_module(name, tuple(values[of] for of in layer.inputs))
        if activation(layer.options) == "relu":  # in place where nobody else reads what it reads
            alone = module is not None or readers.count(layer.inputs[0]) == 1 and layer.inputs[0] != "x"
            modules[name + "_relu"] = torch.nn.ReLU(inplace=alone)
            value = graph.call_module(name + "_relu", (value,))
        values[layer.name], shapes[layer.name] = value, layer.shape
    graph.output(values[workload.layers[-1].name])
    return torch.fx.GraphModule(modules, graph).to(memory_format=torch.channels_last)


def load(module, weights):
    with torch.no_grad():
        for name, value in weights.items():
            order = {4: (3, 2, 0, 1), 2: (1, 0), 1: (0,)}[value.ndim]  # PyTorch has filters and units first
            getattr(module, PARAMETERS[name]).copy_(torch.from_numpy(value.transpose(order)))


def optimizer_of(workload, net):
    if workload.optimizer == "adam":  # its defaults are those of the workload
        return torch.optim.Adam(net.parameters(), lr=workload.learning_rate, fused=True)
    return torch.optim.SGD(net.parameters(), lr=workload.learning_rate, fused=True)


class Training:
    """How is eager or compile; the workload is that of a file of workload.flat_model()."""

    def __init__(self, how, path, batch):
        workload = Workload(path, batch)
        x = torch.from_numpy(workload.x)
        self.x = x.permute(0, 3, 1, 2).contiguous(memory_format=torch.channels_last) if x.dim() == 4 else x
        self.labels = [torch.from_numpy(row).long() for row in workload.labels]
        net = network(workload)
        self.optimizer = optimizer_of(workload, net)

        def forward(x, y):
            return torch.nn.functional.cross_entropy(net(x), y)

        self.forward = torch.compile(forward, dynamic=False) if how == "compile" else forward

    def step(self, i):
        """Does the i-th step; its loss."""
        self.forget_gradients()
        loss = self.forward(self.x, self.labels[i % 2])
        loss.backward()
        self.optimizer.step()
        return loss

    def forget_gradients(self):
        self.optimizer.zero_grad(set_to_none=True)
