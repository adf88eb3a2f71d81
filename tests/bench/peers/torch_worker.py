"""PyTorch as an arm: torch_worker.py eager|compile MODEL BATCH THREADS"""
import sys

import torch

from answer import answer
from workload import Workload


def network(layers):
    modules = []
    for layer in layers:
        linear = torch.nn.Linear(*layer.weight.shape)
        with torch.no_grad():
            linear.weight.copy_(torch.from_numpy(layer.weight.T))
            linear.bias.copy_(torch.from_numpy(layer.bias))
        modules += [linear, torch.nn.ReLU()] if layer.relu else [linear]
    return torch.nn.Sequential(*modules)


def main(how, model, batch, threads):
    torch.set_num_threads(int(threads))
    torch.set_num_interop_threads(1)
    workload = Workload(model, int(batch))
    x = torch.from_numpy(workload.x)
    labels = [torch.from_numpy(row).long() for row in workload.labels]
    net = network(workload.layers)
    if workload.optimizer == "adam":  # its defaults are those of the workload
        optimizer = torch.optim.Adam(net.parameters(), lr=workload.learning_rate, fused=True)
    else:
        optimizer = torch.optim.SGD(net.parameters(), lr=workload.learning_rate, fused=True)

    def forward(x, y):
        return torch.nn.functional.cross_entropy(net(x), y)

    if how == "compile":
        forward = torch.compile(forward, dynamic=False)

    def step(i):
        optimizer.zero_grad(set_to_none=True)
        loss = forward(x, labels[i % 2])
        loss.backward()
        optimizer.step()
        return loss

    answer(step, lambda loss: loss.item())


main(*sys.argv[1:])
