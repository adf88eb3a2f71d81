#!/usr/bin/env python3
"""Times whole training steps of gradc, PyTorch (eager and compiled) and JAX against each other, and against the
machine's peak. README.md says what is measured and how to read it.
"""
import argparse
import importlib.metadata
import importlib.util
import json
import os
import pathlib
import signal
import statistics
import sys
import tempfile

from comparison import HERE, PEERS, Comparison
from workload import MODELS, Workload


def options():
    parser = argparse.ArgumentParser(description="Times training steps of gradc beside other libraries.")
    parser.add_argument("--build", type=pathlib.Path, default=HERE.parents[2] / "build", help="build folder of gradc")
    parser.add_argument("--models", nargs="+", default=["mlp_4_16_3", "mlp_784_128_10", "mlp_784_512_512_10"],
                        choices=sorted(file.stem for file in MODELS.glob("*.json")))
    parser.add_argument("--batches", nargs="+", type=int, default=[1, 32, 128])
    parser.add_argument("--threads", nargs="+", type=int, default=[1, 2])
    parser.add_argument("--peers", nargs="*", default=list(PEERS), choices=list(PEERS))
    parser.add_argument("--rounds", type=int, default=100, help="samples of each library")
    parser.add_argument("--sample-ms", type=float, default=2, help="length of a sample")
    parser.add_argument("--starts", type=int, default=7, help="times that gradc's start is timed")
    parser.add_argument("--bind", action="store_true", help="bind the busiest threads of each library to a core each")
    parser.add_argument("--json", type=pathlib.Path, help="write every sample there")
    chosen = parser.parse_args()
    if min(chosen.batches + chosen.threads) < 1 or chosen.rounds < 2 or chosen.starts < 1:
        parser.error("batches, threads and starts are at least 1, rounds at least 2")
    return chosen


def present(peers):
    for peer in peers:
        module = PEERS[peer][0]
        if importlib.util.find_spec(module):
            print(f"{peer}: {module} {importlib.metadata.version(module)}")
            yield peer
        else:
            print(f"left out: {peer}, {module} is not installed")


def possible(threads):
    cores = len(os.sched_getaffinity(0))
    for count in threads:
        if count <= cores:
            yield count
        else:
            print(f"left out: {count} threads, there are {cores} cores")


def table(rows):
    widths = [max(map(len, column)) for column in zip(*rows)]
    for row in rows:
        cells = [row[0].ljust(widths[0])] + [cell.rjust(width) for cell, width in zip(row[1:], widths[1:])]
        print("  ".join(cells))
    print(flush=True)


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
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # ends the workers, which may be stopped
    peers, threads = list(present(chosen.peers)), list(possible(chosen.threads))
    print("load average before: {:.1f} {:.1f} {:.1f}".format(*os.getloadavg()), flush=True)
    runs = []
    for workload in [Workload(model, batch) for model in chosen.models for batch in chosen.batches]:
        for count in threads:
            with tempfile.TemporaryDirectory() as folder:
                run = Comparison(chosen.build, workload, count, peers, pathlib.Path(folder))
                run.run(chosen.rounds, chosen.sample_ms, chosen.starts, chosen.bind)
            runs.append(run)
            print(*label(run), f"done, load average {os.getloadavg()[0]:.1f}", file=sys.stderr, flush=True)
    print("load average after: {:.1f} {:.1f} {:.1f}\n".format(*os.getloadavg()))
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
