"""Writes values.json: what PyTorch computes of activations at their kinks and in their tails, and of layers.

    python3 make_values.py

A case holds a model file, its parameters and inputs, and the last layer's output, the loss and the gradient of every
parameter, all in f64. Before what is tested stands a dense layer `a`, so that a gradient flows through it to `a.bias`.
"""
import json
import pathlib

import numpy as np
import torch

import torch_model

POINTS = [-1000, -40, -20, -8, -6, -3, -1.5, -1, -0.5, -1e-3, 0, 1e-3, 0.5, 1, 2, 3, 5, 6, 8, 20, 40, 1000]
BATCH = 3

ACTIVATIONS = [*torch_model.ACTIVATIONS, {"type": "leaky_relu", "alpha": 0.25}, {"type": "elu", "alpha": 0.5},
               {"type": "sine", "frequency": 30}]

LAYERS = {  # name: shape of an example, then the layers
    "prelu": ([5], {"type": "prelu"}),
    "prelu_features": ([2, 5], {"type": "prelu", "slopes": "features"}),
    "maxout": ([2, 6], {"type": "maxout", "units": 2}),
    "rbf": ([4], {"type": "rbf", "units": 3, "width": 1.5}),
    "rbf_learned": ([2, 4], {"type": "rbf", "units": 3, "width": 0.75, "learn_width": True}),
    "subtract": ([5], {"type": "subtract", "input": ["x", "a"]}),
    "divide": ([5], {"type": "divide", "input": ["x", "a"]}),
    "minimum": ([5], {"type": "scale", "factor": -1}, {"type": "minimum", "input": ["x", "a", "f0", "a"]}),
    "maximum": ([5], {"type": "scale", "factor": -1}, {"type": "maximum", "input": ["x", "a", "f0", "a"]}),
    "sum": ([2, 3], {"type": "sum"}),
    "sum_axis": ([2, 3, 4], {"type": "sum", "axes": -1}),
    "mean": ([2, 3], {"type": "mean", "keep": True}),
    "mean_axes": ([2, 3, 4], {"type": "mean", "axes": [-1, 0]}),
    "slice": ([3, 7], {"type": "slice", "start": 1, "stop": -1, "step": 2}),
    "slice_axis": ([3, 4], {"type": "slice", "axis": 0, "start": -2}),
    "split": ([2, 6], {"type": "split", "parts": 3, "part": 1}, {"type": "split", "axis": 0, "parts": 2, "part": 1}),
    "stack": ([2, 3], {"type": "stack", "input": ["a", "x"]}),
    "stack_axis": ([2, 3], {"type": "stack", "axis": -1, "input": ["x", "a", "a"]}),
    "tile": ([2, 3], {"type": "tile", "times": [3, 2]}),
    "clip": ([5], {"type": "clip", "min": -0.5, "max": 0.75}),
    "clip_below": ([5], {"type": "scale", "factor": 1e3}, {"type": "clip", "max": 1}),
    "clip_at_ends": ([3], {"type": "scale", "factor": 0}, {"type": "clip", "min": 0}),
    "normalize": ([2, 4], {"type": "normalize"}),
    "normalize_axis": ([2, 4], {"type": "normalize", "axis": 0, "epsilon": 1}),
    "normalize_zero": ([3], {"type": "scale", "factor": 0}, {"type": "normalize"}),
    "parameter_of_examples": ([5], {"type": "parameter", "shape": [5]}, {"type": "multiply", "input": ["a", "f0", "f0"]}),
    "parameter_through_layers": ([2, 3], {"type": "parameter", "shape": [2, 6]}, {"type": "maxout", "units": 3},
                                 {"type": "activation", "activation": "softmax"}, {"type": "add", "input": ["a", "f2"]}),
    "op_contract": ([4], {"type": "parameter", "shape": [4, 3, 2]},
                    {"type": "op", "op": "contract", "indices": "bi,ijk->bkj", "input": ["a", "f0"]}),
    "op_bells": ([4], {"type": "parameter", "shape": [3, 4]}, {"type": "op", "op": "reshape", "shape": [1, 4], "input": "a"},
                 {"type": "op", "op": "sub", "input": ["f1", "f0"]}, {"type": "op", "op": "mul", "input": ["f2", "f2"]},
                 {"type": "op", "op": "sum", "axes": [2]}, {"type": "op", "op": "neg"}, {"type": "op", "op": "exp"}),
    "op_select": ([5], {"type": "parameter", "shape": []}, {"type": "op", "op": "lt", "input": ["a", "x"]},
                  {"type": "op", "op": "select", "input": ["f1", "a", "f0"]}),
    "op_gather": ([5], {"type": "parameter", "shape": [5, 2]}, {"type": "op", "op": "argmax", "axis": 1, "input": "a"},
                  {"type": "op", "op": "gather", "input": ["f0", "f1"]},
                  {"type": "op", "op": "contract", "indices": "bi,bj->bij", "input": ["f2", "a"]}),
    "op_pad": ([2, 3], {"type": "op", "op": "transpose", "perm": [0, 2, 1], "input": "a"},
               {"type": "op", "op": "pad", "low": [0, 1, 0], "high": [0, 0, 2], "value": 0.25},
               {"type": "op", "op": "reshape", "shape": [16, 1]}, {"type": "op", "op": "broadcast", "shape": [16, 2]}),
    "op_cast": ([5], {"type": "op", "op": "lt", "input": ["x", "a"]}, {"type": "op", "op": "cast", "dtype": "f32"},
                {"type": "op", "op": "mul", "input": ["a", "f1"]}),
}


def model_of(shape, layers, output, units=None):
    return {"inputs": {"x": {"shape": shape}, "y": {"shape": output}},
            "layers": [{"name": "a", "type": "dense", "units": units or shape[-1], "input": "x"}, *layers],
            "loss": {"type": "mse", "target": "y"}}


def of_activation(activation, random):
    """With the points as biases and weights of 0."""
    n = len(POINTS)
    params = {"a.weight": np.zeros((1, n)), "a.bias": np.array(POINTS, float)}
    model = model_of([1], [{"name": "f", "type": "activation", "activation": activation}], [n], n)
    return model, params, {"x": random.standard_normal((1, 1)), "y": random.standard_normal((1, n))}


def of_layers(shape, layers, random):
    n = shape[-1]
    params = {"a.weight": random.standard_normal((n, n)), "a.bias": random.standard_normal(n)}
    for layer in layers:
        params.update(torch_model.parameters(layer, shape, random))
    inputs = {"x": random.standard_normal((BATCH, *shape)), "y": np.zeros(1)}
    output = run(model_of(shape, layers, []), tensors(params), tensors(inputs)).shape
    inputs["y"] = random.standard_normal(output)
    return model_of(shape, layers, list(output[1:])), params, inputs


def tensors(values, requires_grad=False):
    return {name: torch.tensor(value, dtype=torch.float64, requires_grad=requires_grad) for name, value in values.items()}


def run(model, params, inputs):
    values, last = torch_model.forward(model, params, inputs)
    return values[last]


def flat(x):
    return np.asarray(x).ravel().tolist()


def case(name, model, params, inputs):
    learned, given = tensors(params, True), tensors(inputs)
    output = run(model, learned, given)
    loss = torch_model.loss(model, learned, given)
    loss.backward()
    return {"name": name, "model": model, "inputs": {key: flat(value) for key, value in inputs.items()},
            "parameters": {key: flat(value) for key, value in params.items()},
            "output": flat(output.detach()), "loss": loss.item(),
            "gradients": {key: flat(value.grad) for key, value in learned.items()}}


def cases():
    random = np.random.default_rng(0)
    for activation in ACTIVATIONS:
        name = activation if isinstance(activation, str) else " ".join(map(str, activation.values()))
        yield case(name, *of_activation(activation, random))
    for name, (shape, *layers) in LAYERS.items():
        named = [{"name": f"f{i}", **layer} for i, layer in enumerate(layers)]
        yield case(name, *of_layers(shape, named, random))


if __name__ == "__main__":
    text = ",\n".join(json.dumps(each) for each in cases())
    (pathlib.Path(__file__).parent / "values.json").write_text(f"[{text}]\n")
