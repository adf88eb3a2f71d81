#!/usr/bin/env python3
"""Times whole training steps of gradc, PyTorch (eager and compiled) and JAX against each other, and against the
machine's peak. README.md says what is measured and how to read it.
"""
import argparse
import importlib.util
import json
import os
import pathlib
import random
import statistics
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
WORKERS = {"eager": ("torch", "torch_worker.py"), "compile": ("torch", "torch_worker.py"),
           "jax": ("jax", "jax_worker.py")}
CHECKED_STEPS, TOLERANCE = 50, 1e-3  # losses of the first steps, relative to that of the first


def options():
    parser = argparse.ArgumentParser(description="Times training steps of gradc beside other libraries.")
    parser.add_argument("--build", type=pathlib.Path, default=HERE.parents[2] / "build", help="build folder of gradc")
    parser.add_argument("--models", nargs="+", default=["mlp_4_16_3", "mlp_784_128_10", "mlp_784_512_512_10"])
    parser.add_argument("--batches", nargs="+", type=int, default=[1, 32, 128])
    parser.add_argument("--threads", nargs="+", type=int, default=[1, 2])
    parser.add_argument("--libraries", nargs="+", default=list(WORKERS), choices=list(WORKERS), help="beside gradc")
    parser.add_argument("--rounds", type=int, default=100, help="samples of each library")
    parser.add_argument("--sample-ms", type=float, default=2, help="length of a sample")
    parser.add_argument("--starts", type=int, default=7, help="times gradc's first step is timed from process start")
    parser.add_argument("--json", type=pathlib.Path, help="write all numbers there")
    chosen = parser.parse_args()
    cores = sorted(os.sched_getaffinity(0))
    for threads in list(chosen.threads):
        if threads > len(cores):
            print(f"left out: {threads} threads on {len(cores)} cores")
            chosen.threads.remove(threads)
    for library in list(chosen.libraries):
        module = WORKERS[library][0]
        if importlib.util.find_spec(module) is None:
            print(f"left out: {library}, {module} is not installed")
            chosen.libraries.remove(library)
    return chosen


class Comparison:
    """One workload on a number of threads."""

    def __init__(self, chosen, workload, threads, folder):
        self.chosen, self.workload, self.threads, self.folder = chosen, workload, threads, folder
        self.cores = sorted(os.sched_getaffinity(0))[-threads:]
        self.times, self.first, self.start, self.arms, self.failures = {}, {}, {}, [], []
        self.bench = chosen.build / "tests" / "bench"

    def compile(self):
        """Compiles with an empty cache."""
        command = [self.chosen.build / "gradc", "compile", self.workload.path, "-o", self.folder / "model.so",
                   "--batch-size", str(self.workload.batch)]
        begin = time.perf_counter()
        done = subprocess.run(command, env={**os.environ, "GRADC_CACHE_DIR": str(self.folder / "cache")},
                              capture_output=True, text=True)
        if done.returncode:
            raise RuntimeError(done.stderr)
        self.first["gradc"] = time.perf_counter() - begin

    def begin(self, name):
        """Starts a library, takes its first step and checks the first losses."""
        of = self.workload
        if name == "gradc":
            arm = Arm(name, [self.bench / "gradc_step_worker", self.folder / "model.so", of.name, of.batch,
                             self.threads, self.folder], self.cores)
        else:
            arm = Arm(name, [sys.executable, HERE / WORKERS[name][1], name, of.name, of.batch, self.threads],
                      self.cores, {"TORCHINDUCTOR_CACHE_DIR": str(self.folder / "inductor")})
        self.arms.append(arm)
        took, losses = arm.losses(1)
        self.start.setdefault(name, []).append((time.perf_counter_ns() - arm.started) / 1e9)
        self.first[name] = self.first.get(name, 0) + took / 1e9
        losses += arm.losses(CHECKED_STEPS - 1)[1]
        self.check(name, losses)
        return arm

    def check(self, name, losses):
        if name == "gradc":
            self.losses = losses
        error = max(abs(a - b) for a, b in zip(losses, self.losses)) / self.losses[0]
        if not error <= TOLERANCE:
            self.failures.append(f"{name}: its losses differ from gradc's by {error:.1e} of the first")

    def start_times(self):
        """More starts of gradc: a millisecond is too short to be timed once."""
        for _ in range(self.chosen.starts - 1):
            compiled = self.first["gradc"]
            self.begin("gradc")
            self.first["gradc"] = compiled
            self.arms.pop().close()

    def run(self):
        self.workload.write(self.folder)
        self.compile()
        try:
            self.start_times()
            for name in ["gradc", *self.chosen.libraries]:
                self.begin(name).stop()
            for name in ["fma", "copy"]:
                probe = Arm(name, [self.bench / "gradc_probe", name, self.threads], self.cores)
                self.arms.append(probe)
                probe.stop()
            for arm in self.arms:
                arm.go_on()
                arm.calibrate(self.chosen.sample_ms * 1e6)
                arm.stop()
            self.times = {arm.name: [] for arm in self.arms}
            for _ in range(self.chosen.rounds):
                for arm in random.sample(self.arms, len(self.arms)):
                    self.times[arm.name].append(arm.sample())
            self.work = {arm.name: float(arm.report[0]) for arm in self.arms if arm.report}
        finally:
            for arm in self.arms:
                arm.close()

    def microseconds(self, name):
        return statistics.median(self.times[name]) / 1e3

    def ratios(self, name):
        """How many times longer than gradc, in each round."""
        return [a / b for a, b in zip(self.times[name], self.times["gradc"])]

    def best_peer(self):
        return min(self.chosen.libraries, key=lambda name: statistics.median(self.ratios(name)), default=None)

    def share_of_peak(self, name):
        """Of the multiply-adds that the probe did in the same round."""
        shares = [probe / step for probe, step in zip(self.times["fma"], self.times[name])]
        return statistics.median(shares) * self.workload.flop() / self.work["fma"] if self.work["fma"] else 0

    def rate(self, probe):
        """GFLOP/s or GB/s."""
        return statistics.median(self.work[probe] / time for time in self.times[probe])

    def numbers(self):
        of = self.workload
        return {"model": of.name, "batch": of.batch, "threads": self.threads, "flop": of.flop(), "cores": self.cores,
                "first_call_s": self.first, "start_to_first_step_s": self.start, "failures": self.failures,
                "step_ns": self.times, "probe_work": self.work}


def table(rows):
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        cells = [cell.ljust(width) if column == 0 else cell.rjust(width)
                 for column, (cell, width) in enumerate(zip(row, widths))]
        print("  ".join(cells).rstrip())
    print()


def steps_row(run, libraries):
    row = [run.workload.name, str(run.workload.batch), str(run.threads)]
    row += [f"{run.microseconds(name):.4g}" for name in libraries]
    best = run.best_peer()
    if best:
        low, middle, high = statistics.quantiles(run.ratios(best), n=4)
        row += [best, f"{middle:.2f}", f"{low:.2f}-{high:.2f}", f"{run.share_of_peak(best):.1%}"]
    else:
        row += ["-"] * 4
    return row + [f"{run.share_of_peak('gradc'):.1%}", f"{run.rate('fma'):.0f}", f"{run.rate('copy'):.1f}",
                  "differ" if run.failures else "agree"]


def report(runs, libraries):
    print("Training steps: median microseconds; best peer / gradc: median and quartiles of the ratios of all rounds\n")
    table([["model", "batch", "threads", *libraries, "best peer", "/ gradc", "quartiles", "its share of peak",
            "gradc's share", "peak GFLOP/s", "copy GB/s", "losses"]] + [steps_row(run, libraries) for run in runs])
    print("First call, compilation included / from process start to the first step done, seconds\n")
    rows = [["model", "batch", "threads", *libraries]]
    for run in runs:
        rows.append([run.workload.name, str(run.workload.batch), str(run.threads)] + [
            f"{run.first[name]:.3f} / {statistics.median(run.start[name]):.4f}" for name in libraries])
    table(rows)


def main():
    chosen = options()
    libraries = ["gradc", *chosen.libraries]
    print(f"load average before: {os.getloadavg()[0]:.1f}", flush=True)
    runs = []
    for name in chosen.models:
        for batch in chosen.batches:
            for threads in chosen.threads:
                with tempfile.TemporaryDirectory() as folder:
                    run = Comparison(chosen, Workload(name, batch), threads, pathlib.Path(folder))
                    run.run()
                runs.append(run)
                print(f"{name}, batch {batch}, {threads} threads: done", file=sys.stderr)
    print(f"load average after: {os.getloadavg()[0]:.1f}\n")
    report(runs, libraries)
    failures = [f"{run.workload.name}, batch {run.workload.batch}, {run.threads} threads: {failure}"
                for run in runs for failure in run.failures]
    for failure in failures:
        print(failure)
    if chosen.json:
        chosen.json.write_text(json.dumps([run.numbers() for run in runs]))
    return 1 if failures else 0


if __name__ == "__main__":
    if importlib.util.find_spec("numpy") is None:
        sys.exit("compare.py needs numpy")
    from arm import Arm
    from workload import Workload
    sys.exit(main())
