#!/usr/bin/env python3
"""The memory that a training step takes beside parameters, optimizer state and examples, in gradc, PyTorch (eager and compiled)
and JAX. README.md says how it is counted.
"""
import os
import pathlib
import re
import subprocess
import sys
import tempfile

from command_line import parser, table
from compare import BATCHES, present
from comparison import PEERS
from workload import MODELS, flat_model

WARM_UP = 3  # steps: the first ones allocate what stays


def gradc_bytes(gradc, name, batch):
    """Of the workspace, its lower bound, which is the most bytes alive at once, and of what each thread has besides."""
    plan = subprocess.run([gradc, "inspect", MODELS / f"{name}.json", "--emit=plan", "--batch-size", str(batch)], check=True,
                          capture_output=True, text=True).stdout
    numbers = re.search(r"plan workspace (\d+) lower_bound (\d+)", plan).groups()
    of_thread = re.search(r"and (\d+) bytes a thread", plan)
    return [*map(int, numbers), int(of_thread[1]) if of_thread else 0]


def torch_bytes(how, path, batch):
    """The most bytes that PyTorch's allocator has given out at once during a step, above what it had given out before. The
    gradients of the step before are let go first.
    """
    import torch
    from torch_model import Training
    training = Training(how, path, batch)
    for i in range(WARM_UP):
        training.step(i)
    training.forget_gradients()
    with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CPU], profile_memory=True) as profile:
        training.step(WARM_UP)
    changes = [event for event in profile.profiler.kineto_results.events() if event.name() == "[memory]"]
    held = peak = 0
    for change in sorted(changes, key=lambda event: event.start_ns()):
        held += change.nbytes()
        peak = max(peak, held)
    return peak


def jax_bytes(how, path, batch):
    os.environ["JAX_PLATFORMS"] = "cpu"
    from jax_model import Training
    return Training(path, batch).temporary_bytes()


def row(build, name, batch, peers, path):
    ours, bound, of_thread = gradc_bytes(build / "gradc", name, batch)
    cells = [name, str(batch), *(f"{count / 1e6:.3f}" for count in [ours, bound, of_thread])]
    for peer in peers:
        theirs = (jax_bytes if peer == "jax" else torch_bytes)(peer, path, batch)
        cells += [f"{theirs / 1e6:.3f}", f"{theirs / ours:.2f}"]
    return cells


def main():
    of_command = parser("The memory of training steps in gradc and other libraries.")
    of_command.add_argument("--models", nargs="+", default=list(BATCHES), choices=list(BATCHES))
    of_command.add_argument("--batches", nargs="+", type=int, help="default: each model has its own")
    of_command.add_argument("--peers", nargs="*", default=list(PEERS), choices=list(PEERS))
    chosen = of_command.parse_args()
    peers = list(present(chosen.peers))
    rows = [["model", "batch", "gradc", "lower bound", "a thread"] + [cell for peer in peers for cell in [peer, "/ gradc"]]]
    for name in chosen.models:
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / "model.json"
            path.write_text(flat_model(chosen.build / "gradc", name))
            rows += [row(chosen.build, name, batch, peers, path) for batch in chosen.batches or BATCHES[name]]
    print("\nMegabytes of a training step, without parameters, optimizer state and examples\n")
    table(rows)


if __name__ == "__main__":
    sys.exit(main())
