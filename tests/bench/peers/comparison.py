"""One workload on a number of threads, in all libraries: compiles and starts them, checks that they compute the same,
and times them in turn.
"""
import os
import pathlib
import random
import statistics
import subprocess
import sys
import time

from arm import Arm

HERE = pathlib.Path(__file__).resolve().parent
PEERS = {"eager": ("torch", "torch_worker.py"), "compile": ("torch", "torch_worker.py"),
         "jax": ("jax", "jax_worker.py")}  # name: the module it needs, its worker
CHECKED_STEPS, TOLERANCE = 50, 1e-3  # of the losses of the first steps, relative to the first of all


class Comparison:
    """After run(): `times` is nanoseconds of a step, per arm and round; `first_call` and `start` are seconds."""

    def __init__(self, build, workload, threads, peers, folder):
        self.workload, self.threads, self.peers, self.folder = workload, threads, peers, folder
        self.gradc, self.bench = build / "gradc", build / "tests" / "bench"
        self.cores = sorted(os.sched_getaffinity(0))[-threads:]
        self.times, self.work, self.first_call, self.start, self.failures, self.arms = {}, {}, {}, {}, [], []

    def run(self, rounds, sample_ms, starts):
        self.workload.write(self.folder)
        compiled = self.compile()
        try:
            self.start["gradc"] = [self.start_gradc() for _ in range(starts)]
            for name in ["gradc", *self.peers]:
                self.begin(name)
            self.first_call["gradc"] += compiled
            for name in ["fma", "copy"]:
                self.add(name, [self.bench / "gradc_probe", name, self.threads])
                self.work[name] = float(self.arms[-1].report[0])
            for arm in self.arms:
                arm.calibrate(sample_ms * 1e6)
            self.times = {arm.name: [] for arm in self.arms}
            for _ in range(rounds):
                for arm in random.sample(self.arms, len(self.arms)):
                    self.times[arm.name].append(arm.sample())
        finally:
            for arm in self.arms:
                arm.close()

    def compile(self):
        """Makes the shared object, with an empty cache; the seconds it took."""
        command = [self.gradc, "compile", self.workload.path, "-o", self.folder / "model.so", "--batch-size",
                   str(self.workload.batch)]
        begin = time.perf_counter()
        done = subprocess.run(command, env={**os.environ, "GRADC_CACHE_DIR": str(self.folder / "cache")},
                              capture_output=True, text=True)
        if done.returncode:
            raise RuntimeError(done.stderr)
        return time.perf_counter() - begin

    def command(self, name):
        of = self.workload
        if name == "gradc":
            return [self.bench / "gradc_step_worker", self.folder / "model.so", of.name, of.batch, self.threads,
                    self.folder]
        return [sys.executable, HERE / PEERS[name][1], name, of.name, of.batch, self.threads]

    def add(self, name, command):
        self.arms.append(Arm(name, command, self.cores, {"TORCHINDUCTOR_CACHE_DIR": str(self.folder / "inductor")}))
        return self.arms[-1]

    def start_gradc(self):
        """Seconds from the start of a process to its first step: milliseconds, so one time says little."""
        arm = self.add("gradc", self.command("gradc"))
        arm.losses(1)
        seconds = arm.age()
        self.arms.pop().close()
        return seconds

    def begin(self, name):
        """Adds a library, and checks that its first losses are those of gradc."""
        arm = self.add(name, self.command(name))
        nanoseconds, losses = arm.losses(1)
        self.start.setdefault(name, [arm.age()])
        self.first_call[name] = nanoseconds / 1e9
        losses += arm.losses(CHECKED_STEPS - 1)[1]
        if name == "gradc":
            self.losses = losses
        error = max(abs(a - b) for a, b in zip(losses, self.losses)) / self.losses[0]
        if not error <= TOLERANCE:  # nor where it is NaN
            self.failures.append(f"the losses of {name} differ from gradc's by {error:.1e} of the first")
        arm.stop()

    def microseconds(self, name):
        return statistics.median(self.times[name]) / 1e3

    def ratios(self, name):
        """How many times longer than gradc, in each round."""
        return [a / b for a, b in zip(self.times[name], self.times["gradc"])]

    def best_peer(self):
        return min(self.peers, key=lambda name: statistics.median(self.ratios(name)), default=None)

    def share_of_peak(self, name):
        """Of the multiply-adds that the probe did in the same round."""
        shares = [probe / step for probe, step in zip(self.times["fma"], self.times[name])]
        return statistics.median(shares) * self.workload.flop() / self.work["fma"] if self.work["fma"] else 0

    def rate(self, probe):
        """GFLOP/s or GB/s."""
        return self.work[probe] / statistics.median(self.times[probe])

    def numbers(self):
        of = self.workload
        return {"model": of.name, "batch": of.batch, "threads": self.threads, "flop": of.flop(), "cores": self.cores,
                "first_call_s": self.first_call, "start_to_first_step_s": self.start, "failures": self.failures,
                "step_ns": self.times, "probe_work": self.work}
