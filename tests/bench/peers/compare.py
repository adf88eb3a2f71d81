#!/usr/bin/env python3
"""Times whole training steps of gradc, PyTorch (eager and compiled) and JAX against each other, and against the
machine's peak. README.md says what is measured and how to read it.
"""
import importlib.metadata
import importlib.util
import json
import os
import pathlib
import statistics
import sys
import tempfile

from command_line import load_average, parsed, parser, possible, table, timing
from comparison import PEERS, Comparison

BATCHES = {"mlp_4_16_3": [1, 32, 128], "mlp_784_128_10": [1, 32, 128], "mlp_784_512_512_10": [1, 32, 128],
           "lenet5": [1, 32, 128], "resnet20": [8, 32]}  # of each model, where none are asked for


def options():
    of_command = parser("Times training steps of gradc beside other libraries.")
    of_command.add_argument("--models", nargs="+", default=list(BATCHES), choices=list(BATCHES))
    of_command.add_argument("--batches", nargs="+", type=int, help="default: each model has its own")
    of_command.add_argument("--peers", nargs="*", default=list(PEERS), choices=list(PEERS))
    of_command.add_argument("--starts", type=int, default=7, help="times that gradc's start is timed")
    timing(of_command)
    chosen = parsed(of_command)
    if min(chosen.batches or [1]) < 1 or chosen.starts < 1:
        of_command.error("batches and starts are at least 1")
    return chosen


def present(peers):
    for peer in peers:
        module = PEERS[peer][0]
        if importlib.util.find_spec(module):
            print(f"{peer}: {module} {importlib.metadata.version(module)}")
            yield peer
        else:
            print(f"left out: {peer}, {module} is not installed")


def label(run):
    return [run.workload.name, str(run.workload.batch), str(run.threads)]


def steps_row(run, libraries):
    row = label(run) + [f"{run.microseconds(name):.4g}" if name in run.times else "-" for name in libraries]
    best = run.best_peer()
    if best:
        low, middle, high = statistics.quantiles(run.ratios(best), n=4)
        row += [best, f"{middle:.2f}", f"{low:.2f}-{high:.2f}", f"{run.share_of_peak(best):.0%}"]
    else:
        row += ["-"] * 4
    return row + [f"{run.share_of_peak('gradc'):.0%}", f"{run.rate('fma'):.0f}", f"{run.rate('copy'):.1f}",
                  "differ" if run.failures else "agree"]


def first_row(run, libraries):
    return label(run) + [f"{run.first_call[name]:.3f} / {statistics.median(run.start[name]):.4f}"
                         if name in run.times else "-" for name in libraries]


def report(runs, libraries):
    print("Training steps: median microseconds; median and quartiles of (best peer / gradc) over the rounds;\n"
          "shares of the peak measured in the same rounds\n")
    table([["model", "batch", "threads", *libraries, "best peer", "/ gradc", "quartiles", "its share", "gradc's share",
            "GFLOP/s", "copy GB/s", "losses"]] + [steps_row(run, libraries) for run in runs])
    print("Seconds of the first call, compilation included / from the start of a process to the first step done;\n"
          "the process of gradc has the shared object\n")
    table([["model", "batch", "threads", *libraries]] + [first_row(run, libraries) for run in runs])


def main():
    chosen = options()
    peers, threads = list(present(chosen.peers)), list(possible(chosen.threads))
    print("load average before:", load_average(), flush=True)
    runs = []
    for model, batch in [(model, batch) for model in chosen.models for batch in chosen.batches or BATCHES[model]]:
        for count in threads:
            with tempfile.TemporaryDirectory() as folder:
                run = Comparison(chosen.build, model, batch, count, peers, pathlib.Path(folder))
                run.run(chosen.rounds, chosen.sample_ms, chosen.starts, chosen.bind)
            runs.append(run)
            print(*label(run), f"done, load average {os.getloadavg()[0]:.1f}", file=sys.stderr, flush=True)
    print(f"load average after: {load_average()}\n")
    if runs:
        report(runs, ["gradc", *peers])
    for run in runs:
        for note in run.failures + run.left_out:
            print(*label(run), note)
    if chosen.json:
        chosen.json.write_text(json.dumps([run.numbers() for run in runs]))
    return 1 if any(run.failures for run in runs) else 0


if __name__ == "__main__":
    sys.exit(main())
