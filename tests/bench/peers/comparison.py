"""One workload on a number of threads, in all libraries: compiles and starts them, checks that they compute the same,
and times them in turn.
"""
import os
import statistics
import subprocess
import sys
import time

from arm import Arm, cores_for, take_turns
from command_line import HERE
from workload import Workload, flat_model

PEERS = {"eager": ("torch", "torch_worker.py"), "compile": ("torch", "torch_worker.py"),
         "jax": ("jax", "jax_worker.py")}  # name: the module it needs, its worker
CHECKED_STEPS = 50
OF_LOSS, OF_CHANGE = 1e-3, 1e-2  # how far losses may differ, relative to the first and to how far training moves them


class Comparison:
    """After run(): `times` is nanoseconds of a step, per arm and round; `first_call` and `start` are seconds; `peers`
    are those that could be started, `left_out` says why others could not, `failures` who computes something else.
    """

    def __init__(self, build, model, batch, threads, peers, folder):
        self.threads, self.peers, self.folder = threads, peers, folder
        self.gradc, self.bench = build / "gradc", build / "tests" / "bench"
        self.model = folder / "model.json"
        self.model.write_text(flat_model(self.gradc, model))
        self.workload = Workload(self.model, batch)
        self.cores = cores_for(threads)
        self.times, self.work, self.first_call, self.start = {}, {}, {}, {}
        self.arms, self.failures, self.left_out = [], [], []

    def run(self, rounds, sample_ms, starts, bind):
        self.workload.write(self.folder)
        compiled = self.compile()
        try:
            self.start["gradc"] = [self.start_gradc() for _ in range(starts)]
            self.begin("gradc")
            self.first_call["gradc"] += compiled
            self.peers = [peer for peer in self.peers if self.joins(peer)]
            for name in ["fma", "copy"]:
                probe = Arm(name, [self.bench / "gradc_probe", name, self.threads], self.cores)
                self.work[name] = float(probe.report[0])
                self.arms.append(probe)
            for arm in self.arms:
                arm.calibrate(sample_ms * 1e6)
                if bind and arm.name not in self.work:
                    arm.bind(self.cores)
            self.times = take_turns(self.arms, rounds)
        finally:
            for arm in self.arms:
                arm.close()

    def compile(self):
        """Makes the shared object, with an empty cache; the seconds it took."""
        command = [self.gradc, "compile", self.model, "-o", self.folder / "model.so", "--batch-size",
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
        return [sys.executable, HERE / PEERS[name][1], name, self.model, of.batch, self.threads]

    def launch(self, name):
        return Arm(name, self.command(name), self.cores, {"TORCHINDUCTOR_CACHE_DIR": str(self.folder / "inductor")})

    def start_gradc(self):
        """Seconds from the start of a process to its first step: milliseconds, so one time says little."""
        arm = self.launch("gradc")
        arm.losses(1)
        seconds = arm.age()
        arm.close()
        return seconds

    def begin(self, name):
        """Adds a library, and checks that its first losses are those of gradc."""
        arm = self.launch(name)
        nanoseconds, losses = arm.losses(1)
        self.start.setdefault(name, [arm.age()])
        self.first_call[name] = nanoseconds / 1e9
        losses += arm.losses(CHECKED_STEPS - 1)[1]
        if name == "gradc":
            self.losses = losses
        self.check(name, losses)
        arm.stop()
        self.arms.append(arm)

    def check(self, name, losses):
        """The first loss alone would not show a wrong update, and a small learning rate moves it little."""
        error = max(abs(a - b) for a, b in zip(losses, self.losses))
        change = max(abs(loss - self.losses[i % 2]) for i, loss in enumerate(self.losses))  # from the same labels
        if not error <= min(OF_LOSS * self.losses[0], OF_CHANGE * change):  # nor where it is NaN
            self.failures.append(f"the losses of {name} differ from gradc's by {error:.1e}")

    def joins(self, peer):
        """Whether it can be begun: one that cannot is left out."""
        try:
            self.begin(peer)
        except RuntimeError as error:
            self.left_out.append(str(error))
            return False
        return True

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
