"""A convolution in PyTorch as an arm: torch_conv_worker.py N,IN,SIZE,OUT,K,STRIDE forward|data|weights THREADS FOLDER

Operands are those of gradc_conv_worker; what it computes goes to FOLDER/eager.bin, in the same order of dims as there. Images
and weights are channels last.
"""
import pathlib
import sys

import numpy as np
import torch

from answer import answer


def operand(path, shape, order):
    """A file in the dims of PyTorch; contiguous with channels last."""
    values = torch.from_numpy(np.fromfile(path, np.float32).reshape(shape)).permute(order)
    return values.contiguous(memory_format=torch.channels_last)


def main(shape, form, threads, folder):
    torch.set_num_threads(int(threads))
    n, channels, size, filters, k, stride = map(int, shape.split(","))
    pad, folder = k // 2, pathlib.Path(folder)
    result = (size + 2 * pad - k) // stride + 1
    x = operand(folder / "x.bin", (n, size, size, channels), (0, 3, 1, 2))
    w = operand(folder / "w.bin", (k, k, channels, filters), (3, 2, 0, 1))
    if form == "forward":
        def step(_):
            return torch.nn.functional.conv2d(x, w, stride=stride, padding=pad)
    else:
        dy = operand(folder / "dy.bin", (n, result, result, filters), (0, 3, 1, 2))
        wanted = [form == "data", form == "weights", False]

        def step(_):
            gradients = torch.ops.aten.convolution_backward(dy, x, w, None, [stride] * 2, [pad] * 2, [1, 1], False, [0, 0], 1,
                                                            wanted)
            return gradients[wanted.index(True)]

    with torch.inference_mode():
        order = (2, 3, 1, 0) if form == "weights" else (0, 2, 3, 1)
        step(0).permute(order).contiguous().numpy().tofile(folder / "eager.bin")
        answer(step, lambda value: None)


main(*sys.argv[1:])
