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
    "op_gather": ([5], {"type": "parameter", "shape": [5, 2]}, {"type": "op", "op": "argmax", "axes": [1], "input": "a"},
                  {"type": "op", "op": "gather", "input": ["f0", "f1"]},
                  {"type": "op", "op": "contract", "indices": "bi,bj->bij", "input": ["f2", "a"]}),
    "op_pad": ([2, 3], {"type": "op", "op": "transpose", "perm": [0, 2, 1], "input": "a"},
               {"type": "op", "op": "pad", "low": [0, 1, 0], "high": [0, 0, 2], "value": 0.25},
               {"type": "op", "op": "reshape", "shape": [16, 1]}, {"type": "op", "op": "broadcast", "shape": [16, 2]}),
    "op_cast": ([5], {"type": "op", "op": "lt", "input": ["x", "a"]}, {"type": "op", "op": "cast", "dtype": "f32"},
                {"type": "op", "op": "mul", "input": ["a", "f1"]}),
    "multiply_channels": ([2, 3, 4], {"type": "global_average_pool"}, {"type": "multiply", "input": ["a", "f0"]}),
    "multiply_kept": ([3, 4], {"type": "global_average_pool", "keep": True}, {"type": "multiply", "input": ["f0", "a"]}),
    "add_columns": ([3, 1, 2], {"type": "permute", "axes": [1, 0, 2]}, {"type": "add", "input": ["a", "f0", "x"]}),
    "subtract_vector": ([2, 3], {"type": "sum", "axes": 0}, {"type": "subtract", "input": ["f0", "x"]}),
    "divide_vector": ([2, 3], {"type": "sum", "axes": 0}, {"type": "divide", "input": ["x", "f0"]}),
    "minimum_number": ([2, 3], {"type": "mean"}, {"type": "minimum", "input": ["a", "f0"]}),
    "maximum_number": ([2, 3], {"type": "mean", "keep": True}, {"type": "maximum", "input": ["f0", "a"]}),
    "permute": ([2, 3, 4], {"type": "permute", "axes": [-1, 0, 1]}),
    "zero_padding_1d": ([3, 2], {"type": "zero_padding", "padding": 2}),
    "zero_padding_2d": ([3, 2, 2], {"type": "zero_padding", "padding": [1, [0, 3]]}),
    "zero_padding_3d": ([2, 1, 3, 2], {"type": "zero_padding", "padding": [[1, 0], 0, [2, 1]]}),
    "cropping_1d": ([5, 2], {"type": "cropping", "cropping": 1}),
    "cropping_2d": ([4, 5, 2], {"type": "cropping", "cropping": [[2, 1], 2]}),
    "cropping_3d": ([3, 4, 2, 2], {"type": "cropping", "cropping": [1, [0, 3], [1, 0]]}),
    "upsample_1d": ([3, 2], {"type": "upsample", "factor": 2}),
    "upsample_2d": ([2, 3, 2], {"type": "upsample", "factor": [3, 2]}),
    "upsample_3d": ([2, 1, 2, 2], {"type": "upsample", "factor": [1, 3, 2]}),
    "upsample_linear": ([4, 2], {"type": "upsample", "factor": 3, "interpolation": "bilinear"}),
    "upsample_bilinear": ([3, 2, 2], {"type": "upsample", "factor": [2, 4], "interpolation": "bilinear"}),
    "upsample_trilinear": ([2, 1, 3, 1], {"type": "upsample", "factor": 2, "interpolation": "bilinear"}),
    "global_average_pool": ([2, 3, 2], {"type": "global_average_pool"}),
    "global_max_pool": ([3, 2, 2], {"type": "global_max_pool"}),
    "global_max_pool_kept": ([4, 1], {"type": "global_max_pool", "keep": True}),
    "layer_norm": ([3, 5], {"type": "layer_norm"}),
    "layer_norm_axes": ([2, 3, 4], {"type": "layer_norm", "axes": [-1, 0], "epsilon": 0.1}),
    "layer_norm_plain": ([5], {"type": "layer_norm", "scale": False, "offset": False}),
    "layer_norm_without_offset": ([1, 5], {"type": "layer_norm", "offset": False}),
    "layer_norm_column": ([5, 1], {"type": "layer_norm", "axes": 0}),
    "rms_norm": ([3, 5], {"type": "rms_norm"}),
    "rms_norm_axes": ([2, 3, 4], {"type": "rms_norm", "axes": [1, 2], "epsilon": 0.1}),
    "rms_norm_plain": ([1], {"type": "rms_norm", "scale": False}),
    "group_norm": ([3, 2, 6], {"type": "group_norm", "groups": 3}),
    "group_norm_one": ([7], {"type": "group_norm", "groups": 1, "epsilon": 0.01}),
    "group_norm_plain": ([2, 4], {"type": "group_norm", "groups": 4, "scale": False, "offset": False}),
    "instance_norm": ([3, 5, 3], {"type": "instance_norm"}),
    "instance_norm_affine": ([2, 1], {"type": "instance_norm", "scale": True, "offset": True, "epsilon": 0.1}),
}

IMAGES = {  # the same, of convolutions and pools
    "conv1d": ([7, 3], {"type": "conv1d", "filters": 4, "kernel_size": 3}),
    "conv1d_same_strided": ([8, 2], {"type": "conv1d", "filters": 3, "kernel_size": 5, "strides": 2, "padding": "same"}),
    "conv1d_dilated": ([11, 2], {"type": "conv1d", "filters": 3, "kernel_size": 3, "dilation": 3, "strides": 2, "padding": 4}),
    "conv1d_point": ([5, 3], {"type": "conv1d", "filters": 4, "kernel_size": 1}),
    "conv1d_point_padded": ([4, 3], {"type": "conv1d", "filters": 2, "kernel_size": 1, "padding": [[0, 2]]}),
    "conv1d_point_strided": ([7, 3], {"type": "conv1d", "filters": 2, "kernel_size": 1, "strides": 3, "padding": 1}),
    "conv1d_much_padding": ([3, 1], {"type": "conv1d", "filters": 2, "kernel_size": 2, "padding": 5, "strides": 3}),
    "conv2d": ([5, 6, 3], {"type": "conv2d", "filters": 4, "kernel_size": 3, "activation": "tanh"}),
    "conv2d_same": ([4, 5, 2], {"type": "conv2d", "filters": 3, "kernel_size": [2, 3], "padding": "same"}),
    "conv2d_same_strided": ([7, 5, 2], {"type": "conv2d", "filters": 3, "kernel_size": 3, "strides": [2, 3], "padding": "same"}),
    "conv2d_strided": ([8, 9, 3], {"type": "conv2d", "filters": 2, "kernel_size": 3, "strides": 2, "padding": 1, "use_bias": False}),
    "conv2d_uneven": ([5, 6, 2], {"type": "conv2d", "filters": 3, "kernel_size": [3, 2], "padding": [[2, 0], 1], "strides": [1, 2]}),
    "conv2d_dilated": ([9, 8, 2], {"type": "conv2d", "filters": 2, "kernel_size": 3, "dilation": [2, 3], "padding": "same"}),
    "conv2d_grouped": ([5, 5, 6], {"type": "conv2d", "filters": 9, "kernel_size": 3, "groups": 3, "padding": 1, "strides": 2}),
    "conv2d_single_groups": ([4, 5, 3], {"type": "conv2d", "filters": 3, "kernel_size": [1, 3], "groups": 3}),
    "conv2d_pixel": ([1, 1, 2], {"type": "conv2d", "filters": 3, "kernel_size": 3, "padding": 1}),
    "conv2d_stride_beyond": ([7, 7, 1], {"type": "conv2d", "filters": 2, "kernel_size": 2, "strides": 4}),
    "conv3d": ([4, 3, 5, 2], {"type": "conv3d", "filters": 3, "kernel_size": [2, 3, 2], "strides": [2, 1, 1], "padding": [0, 1, [1, 0]]}),
    "conv3d_grouped": ([3, 3, 3, 4], {"type": "conv3d", "filters": 4, "kernel_size": 2, "groups": 2, "padding": "same"}),
    "depthwise": ([5, 6, 3], {"type": "depthwise_conv2d", "kernel_size": 3, "padding": "same"}),
    "depthwise_multiplied": ([6, 5, 2], {"type": "depthwise_conv2d", "kernel_size": [3, 2], "depth_multiplier": 3, "strides": 2}),
    "depthwise_one_channel": ([5, 5, 1], {"type": "depthwise_conv2d", "kernel_size": 2, "depth_multiplier": 2, "dilation": 2}),
    "separable": ([6, 5, 3], {"type": "separable_conv2d", "filters": 4, "kernel_size": 3, "padding": "same", "activation": "relu"}),
    "separable_multiplied": ([7, 6, 2], {"type": "separable_conv2d", "filters": 3, "kernel_size": 3, "depth_multiplier": 2, "strides": 2,
                                         "use_bias": False}),
    "transposed1d": ([4, 3], {"type": "conv_transpose1d", "filters": 2, "kernel_size": 3}),
    "transposed1d_strided": ([5, 2], {"type": "conv_transpose1d", "filters": 3, "kernel_size": 5, "strides": 3, "padding": 2, "output_padding": 1}),
    "transposed1d_long": ([20, 2], {"type": "conv_transpose1d", "filters": 2, "kernel_size": 4, "strides": 2, "padding": 1}),
    "transposed1d_dilated": ([4, 2], {"type": "conv_transpose1d", "filters": 2, "kernel_size": 3, "strides": 2, "dilation": 3, "padding": 1,
                                      "output_padding": 2}),
    "transposed1d_gaps": ([3, 2], {"type": "conv_transpose1d", "filters": 2, "kernel_size": 2, "strides": 4}),
    "transposed2d": ([3, 4, 2], {"type": "conv_transpose2d", "filters": 3, "kernel_size": 3, "strides": 2, "padding": 1, "output_padding": 1}),
    "transposed2d_stride_1": ([4, 3, 2], {"type": "conv_transpose2d", "filters": 3, "kernel_size": [2, 3], "padding": [0, 1]}),
    "transposed2d_grouped": ([3, 3, 4], {"type": "conv_transpose2d", "filters": 6, "kernel_size": 2, "strides": [2, 1], "groups": 2}),
    "transposed2d_single_groups": ([6, 3, 3], {"type": "conv_transpose2d", "filters": 3, "kernel_size": 3, "strides": 2, "groups": 3}),
    "transposed2d_same": ([7, 4, 2], {"type": "conv_transpose2d", "filters": 2, "kernel_size": [4, 3], "strides": [3, 2], "padding": "same"}),
    "transposed2d_valid": ([3, 2, 2], {"type": "conv_transpose2d", "filters": 2, "kernel_size": [1, 3], "strides": 2, "padding": "valid"}),
    "transposed2d_uneven": ([4, 4, 1], {"type": "conv_transpose2d", "filters": 2, "kernel_size": 3, "strides": 2, "padding": [[2, 0], [0, 1]]}),
    "max_pool1d": ([8, 3], {"type": "max_pool1d"}),
    "max_pool1d_dilated": ([9, 2], {"type": "max_pool1d", "pool_size": 3, "strides": 2, "dilation": 2, "padding": 1}),
    "max_pool2d": ([6, 6, 3], {"type": "max_pool2d"}),
    "max_pool2d_rest": ([5, 7, 2], {"type": "max_pool2d", "pool_size": [2, 3]}),
    "max_pool2d_ceil": ([5, 7, 2], {"type": "max_pool2d", "pool_size": 2, "ceil_mode": True}),
    "max_pool2d_overlapping": ([7, 6, 2], {"type": "max_pool2d", "pool_size": 3, "strides": 2, "padding": 1, "ceil_mode": True}),
    "max_pool2d_same": ([5, 4, 1], {"type": "max_pool2d", "pool_size": 3, "strides": 2, "padding": "same"}),
    "max_pool2d_uneven": ([4, 5, 2], {"type": "max_pool2d", "pool_size": [3, 2], "strides": 1, "padding": [[2, 0], 1]}),
    "max_pool2d_points": ([5, 4, 2], {"type": "max_pool2d", "pool_size": 1, "strides": [2, 1]}),
    "max_pool2d_whole": ([3, 3, 5], {"type": "max_pool2d", "pool_size": 3}),
    "max_pool1d_ties": ([7, 2], {"type": "max_pool1d", "pool_size": 3, "strides": 2}),
    "max_pool2d_ties": ([6, 5, 2], {"type": "max_pool2d", "pool_size": [2, 3], "strides": [1, 2]}),
    "max_pool2d_ties_one_channel": ([17, 18, 1], {"type": "max_pool2d", "pool_size": 5, "padding": 2}),
    "average_pool1d": ([9, 2], {"type": "average_pool1d", "pool_size": 3, "strides": 2}),
    "average_pool1d_ceil": ([7, 2], {"type": "average_pool1d", "pool_size": 3, "strides": 2, "padding": 1, "ceil_mode": True, "count_include_pad": True}),
    "average_pool2d": ([6, 5, 3], {"type": "average_pool2d"}),
    "average_pool2d_padded": ([5, 6, 2], {"type": "average_pool2d", "pool_size": 3, "strides": 2, "padding": 1}),
    "average_pool2d_counted": ([5, 6, 2], {"type": "average_pool2d", "pool_size": 3, "strides": 2, "padding": 1, "count_include_pad": True}),
    "average_pool2d_same": ([5, 4, 2], {"type": "average_pool2d", "pool_size": [2, 3], "strides": [2, 1], "padding": "same"}),
    "average_pool2d_same_counted": ([4, 5, 2], {"type": "average_pool2d", "pool_size": 2, "strides": 1, "padding": "same", "count_include_pad": True}),
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


BATCH_NORMS = {  # batch, shape of an example, keys
    "batch_norm": (7, [5], {}),
    "batch_norm_1d": (3, [4, 3], {"momentum": 0.25, "epsilon": 0.01}),
    "batch_norm_2d": (3, [3, 5, 2], {"scale": False}),
    "batch_norm_3d": (2, [2, 1, 3, 4], {"offset": False}),
    "batch_norm_one_example": (1, [3, 3, 2], {"scale": False, "offset": False}),
    "batch_norm_one_channel": (5, [1], {}),
    "batch_norm_two_values": (2, [3], {"momentum": 1, "epsilon": 0.5}),
    "batch_norm_still": (3, [2, 3], {"trainable": False}),
}


def of_batch_norm(batch, shape, keys, random):
    """With running statistics that are not those it begins with."""
    layer = {"name": "f", "type": "batch_norm", **keys}
    n = shape[-1]
    params = {"a.weight": random.standard_normal((n, n)), "a.bias": random.standard_normal(n),
              **torch_model.parameters(layer, shape, random)}
    buffers = {"f.running_mean": random.standard_normal(n), "f.running_variance": random.uniform(0.5, 2, n)}
    inputs = {"x": random.standard_normal((batch, *shape)), "y": random.standard_normal((batch, *shape))}
    return model_of(shape, [layer], shape), params, inputs, buffers


def of_layers(shape, layers, random, ties=False):
    """With `ties` all positions of the image have equal values, and the gradient of a.weight tells which of them counted."""
    n = shape[-1]
    params = {"a.weight": random.standard_normal((n, n)) * (not ties), "a.bias": random.standard_normal(n)}
    for layer in layers:
        params.update(torch_model.parameters(layer, shape, random))
    inputs = {"x": random.standard_normal((BATCH, *shape)), "y": np.zeros(1)}
    output = run(model_of(shape, layers, []), tensors(params), tensors(inputs)).shape
    inputs["y"] = random.standard_normal(output)
    return model_of(shape, layers, list(output[1:])), params, inputs


def tensors(values, requires_grad=False):
    return {name: torch.tensor(value, dtype=torch.float64, requires_grad=requires_grad) for name, value in values.items()}


def run(model, params, inputs, buffers=None):
    """The output of prediction."""
    values, last = torch_model.forward(model, params, inputs, buffers, training=False)
    return values[last]


def flat(x):
    return np.asarray(x).ravel().tolist()


def case(name, model, params, inputs, buffers=None):
    """The loss and the gradients are those of training."""
    held = {key: value for key, value in params.items() if not (key.startswith("f.") and model["layers"][-1].get("trainable") is False)}
    learned, given, moved = tensors(params, True), tensors(inputs), tensors(buffers or {})
    output = run(model, learned, given, moved)
    loss = torch_model.loss(model, learned, given, moved)
    loss.backward()
    statistics = {"buffers": {key: flat(value) for key, value in buffers.items()},
                  "moved": {key: flat(value) for key, value in moved.items()}} if buffers else {}
    return {"name": name, "model": model, "inputs": {key: flat(value) for key, value in inputs.items()},
            "parameters": {key: flat(value) for key, value in params.items()},
            "output": flat(output.detach()), "loss": loss.item(),
            "gradients": {key: flat(learned[key].grad) for key in held}, **statistics}


def cases():
    random = np.random.default_rng(0)
    for activation in ACTIVATIONS:
        name = activation if isinstance(activation, str) else " ".join(map(str, activation.values()))
        yield case(name, *of_activation(activation, random))
    for name, (shape, *layers) in LAYERS.items():
        named = [{"name": f"f{i}", **layer} for i, layer in enumerate(layers)]
        yield case(name, *of_layers(shape, named, random))
    for name, (shape, *layers) in IMAGES.items():
        named = [{"name": f"f{i}", **layer} for i, layer in enumerate(layers)]
        yield case(name, *of_layers(shape, named, random, "ties" in name))
    for name, (batch, shape, keys) in BATCH_NORMS.items():
        yield case(name, *of_batch_norm(batch, shape, keys, random))


if __name__ == "__main__":
    text = ",\n".join(json.dumps(each) for each in cases())
    (pathlib.Path(__file__).parent / "values.json").write_text(f"[{text}]\n")
