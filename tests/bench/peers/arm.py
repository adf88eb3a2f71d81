"""An arm of a comparison: a process that steps when told to and is stopped otherwise, so that none of its threads
spins while another arm is timed.
"""
import contextlib
import os
import pathlib
import random
import signal
import subprocess
import tempfile
import time


class Arm:
    def __init__(self, name, command, cores, environment=None):
        """Starts the process on these cores and waits until it is ready; `report` is what else it said then."""
        self.name, self.errors = name, tempfile.TemporaryFile()
        allowed = os.sched_getaffinity(0)
        os.sched_setaffinity(0, cores)  # which the process inherits before it starts any thread
        self.started = time.perf_counter_ns()
        try:
            self.process = subprocess.Popen([str(part) for part in command], env={**os.environ, **(environment or {})},
                                            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.errors)
        finally:
            os.sched_setaffinity(0, allowed)
        self.report = self.read()[1:]

    def read(self):
        line = self.process.stdout.readline().split()
        if not line:
            self.errors.seek(0)
            text = self.errors.read().decode(errors="replace").strip()
            raise RuntimeError(f"{self.name} ended" + (f": {text[-2000:]}" if text else ""))
        return line

    def ask(self, command, count):
        with contextlib.suppress(BrokenPipeError):  # of a process that ended, which reading tells with its message
            self.process.stdin.write(f"{command} {count}\n".encode())
            self.process.stdin.flush()
        return [float(word) for word in self.read()]

    def losses(self, count):
        """Trains `count` steps; their time in nanoseconds and their losses."""
        nanoseconds, *losses = self.ask("losses", count)
        return nanoseconds, losses

    def age(self):
        """Seconds since the process was started."""
        return (time.perf_counter_ns() - self.started) / 1e9

    def calibrate(self, nanoseconds):
        """Sets the steps of a sample so that it takes about that long; warms up on the way."""
        self.go_on()
        self.count = 1
        while (took := self.ask("run", self.count)[0]) < nanoseconds / 2:
            self.count *= 2
        self.count = max(1, round(self.count * nanoseconds / took))
        self.stop()

    def bind(self, cores):
        """Gives each core one of the threads that work most, so that the system cannot run two of them on one."""
        self.go_on()
        before = self.thread_times()
        self.ask("run", 10 * self.count)
        worked = {thread: time - before.get(thread, 0) for thread, time in self.thread_times().items()}
        for core, thread in zip(cores, sorted(worked, key=worked.get, reverse=True)):
            os.sched_setaffinity(thread, {core})
        self.stop()

    def thread_times(self):
        """Nanoseconds that each thread has run."""
        tasks = pathlib.Path(f"/proc/{self.process.pid}/task")
        return {int(task.name): int((task / "schedstat").read_text().split()[0]) for task in tasks.iterdir()}

    def sample(self):
        """Nanoseconds of a step, averaged over one sample."""
        self.go_on()
        took = self.ask("run", self.count)[0]
        self.stop()
        return took / self.count

    def stop(self):
        os.kill(self.process.pid, signal.SIGSTOP)
        os.waitid(os.P_PID, self.process.pid, os.WSTOPPED)  # from here on none of its threads runs

    def go_on(self):
        os.kill(self.process.pid, signal.SIGCONT)

    def close(self):
        self.go_on()
        with contextlib.suppress(BrokenPipeError):
            self.process.stdin.close()  # at which it ends
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process.stdout.close()
        self.errors.close()


def cores_for(threads):
    return sorted(os.sched_getaffinity(0))[-threads:]


def take_turns(arms, rounds):
    """Nanoseconds of a step of each arm, by its name and round: each round takes a sample of every arm, in random order."""
    times = {arm.name: [] for arm in arms}
    for _ in range(rounds):
        for arm in random.sample(arms, len(arms)):
            times[arm.name].append(arm.sample())
    return times
