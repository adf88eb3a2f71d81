#!/usr/bin/env python3
"""Times convolutions and their gradients in gradc and PyTorch (eager, channels last, f32) against each other, and against the
machine's peak. README.md says what is measured and how to read it.
"""
import importlib.util
import json
import pathlib
import statistics
import subprocess
import sys
import tempfile

import numpy as np

from arm import Arm, cores_for, take_turns
from command_line import HERE, load_average, parsed, parser, possible, table, timing

FORMS = ["forward", "data", "weights"]
OF_LARGEST = 1e-4  # how far two results may differ, relative to the largest element


class Convolution:
    """One form of one shape on a number of threads. After run(): `times` is nanoseconds of a run, per arm and round; `error`
    is how far the results differ, relative to the largest element.
    """

    def __init__(self, shape, form, threads):
        self.shape, self.form, self.threads = shape, form, threads

    def run(self, build, chosen):
        bench, cores, arms = build / "tests" / "bench", cores_for(self.threads), []
        with tempfile.TemporaryDirectory() as folder:
            folder = pathlib.Path(folder)
            self.write(folder)
            given = [self.shape, self.form, self.threads, folder]
            try:
                for name, command in [("gradc", [bench / "gradc_conv_worker", *given]),
                                      ("eager", [sys.executable, HERE / "torch_conv_worker.py", *given]),
                                      ("fma", [bench / "gradc_probe", "fma", self.threads])]:
                    arms.append(Arm(name, command, cores))
                    arms[-1].calibrate(chosen.sample_ms * 1e6)
                    if chosen.bind and name != "fma":
                        arms[-1].bind(cores)
                self.flop, self.probe_flop = float(arms[0].report[0]), float(arms[2].report[0])
                self.times = take_turns(arms, chosen.rounds)
            finally:
                for arm in arms:
                    arm.close()
            self.compare(*(np.fromfile(folder / name, np.float32) for name in ["result.bin", "eager.bin"]))

    def write(self, folder):
        n, channels, size, filters, k, stride = map(int, self.shape.split(","))
        result, random = (size + 2 * (k // 2) - k) // stride + 1, np.random.default_rng(1)
        for name, shape in [("x", (n, size, size, channels)), ("w", (k, k, channels, filters)),
                            ("dy", (n, result, result, filters))]:
            random.standard_normal(shape, np.float32).tofile(folder / f"{name}.bin")

    def compare(self, ours, theirs):
        self.error = float(np.max(np.abs(ours - theirs)) / np.max(np.abs(theirs))) if ours.shape == theirs.shape else np.inf

    def agrees(self):
        return self.error <= OF_LARGEST  # which NaN does not

    def nanoseconds(self, name):
        return statistics.median(self.times[name])

    def share_of_peak(self, name):
        """Of the multiply-adds that the probe did in the same round."""
        shares = [probe / run for probe, run in zip(self.times["fma"], self.times[name])]
        return statistics.median(shares) * self.flop / self.probe_flop

    def ratios(self):
        """How many times longer PyTorch takes, in each round."""
        return [theirs / ours for theirs, ours in zip(self.times["eager"], self.times["gradc"])]

    def ratio(self):
        return statistics.median(self.ratios())

    def label(self):
        return [self.shape, self.form, str(self.threads)]

    def row(self):
        cells = self.label() + [f"{self.nanoseconds(name) / 1e3:.4g}" for name in ["gradc", "eager"]]
        cells += [f"{self.flop / self.nanoseconds(name):.0f}" for name in ["gradc", "eager"]]
        cells += [f"{self.share_of_peak(name):.0%}" for name in ["gradc", "eager"]]
        low, _, high = statistics.quantiles(self.ratios(), n=4)
        return cells + [f"{self.ratio():.2f}", f"{low:.2f}-{high:.2f}", "agree" if self.agrees() else "differ"]

    def numbers(self):
        return {"shape": self.shape, "form": self.form, "threads": self.threads, "flop": self.flop,
                "probe_flop": self.probe_flop, "run_ns": self.times, "error": self.error}


def options():
    of_command = parser("Times convolutions and their gradients in gradc and PyTorch.")
    of_command.add_argument("--shapes", nargs="+", help="N,IN,SIZE,OUT,K,STRIDE; default: those of tests/bench/convolutions.h")
    of_command.add_argument("--forms", nargs="+", default=FORMS, choices=FORMS)
    timing(of_command)
    return parsed(of_command)


def worth_timing(build):
    worker = build / "tests" / "bench" / "gradc_conv_worker"
    return subprocess.run([worker], check=True, capture_output=True, text=True).stdout.split()


def summary(runs, what):
    ratios = [run.ratio() for run in runs]
    least = min(runs, key=Convolution.ratio)
    return [what, f"{statistics.geometric_mean(ratios):.2f}", f"{min(ratios):.2f}", " ".join(least.label()[:2])]


def report(runs):
    print("Convolutions: median microseconds; median and quartiles of (eager / gradc) over the rounds;\n"
          "shares of the peak measured in the same rounds\n")
    table([["n,in,size,out,k,stride", "form", "threads", "gradc", "eager", "gradc's GFLOP/s", "eager's", "gradc's share",
            "eager's", "/ gradc", "quartiles", "values"]] + [run.row() for run in runs])
    rows = [["of these ratios", "geometric mean", "least", "of"]]
    for threads in sorted({run.threads for run in runs}):
        of_count = [run for run in runs if run.threads == threads]
        for form in FORMS:
            if of_form := [run for run in of_count if run.form == form]:
                rows.append(summary(of_form, f"{form}, threads: {threads}"))
        rows.append(summary(of_count, f"all, threads: {threads}"))
    table(rows)


def main():
    chosen = options()
    if not importlib.util.find_spec("torch"):
        return "torch is not installed"
    print("load average before:", load_average(), flush=True)
    runs = []
    for shape in chosen.shapes or worth_timing(chosen.build):
        for form in chosen.forms:
            for threads in possible(chosen.threads):
                runs.append(Convolution(shape, form, threads))
                runs[-1].run(chosen.build, chosen)
                print(*runs[-1].label(), "done", file=sys.stderr, flush=True)
    print(f"load average after: {load_average()}\n")
    if runs:
        report(runs)
    for run in runs:
        if not run.agrees():
            print(*run.label(), f"the values differ by {run.error:.1e} of the largest")
    if chosen.json:
        chosen.json.write_text(json.dumps([run.numbers() for run in runs]))
    return 0 if all(run.agrees() for run in runs) else 1


if __name__ == "__main__":
    sys.exit(main())
