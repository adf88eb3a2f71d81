"""What the commands of this folder have in common: options, the threads that there are cores for, tables."""
import argparse
import os
import pathlib
import signal
import sys

HERE = pathlib.Path(__file__).resolve().parent


def parser(description):
    options = argparse.ArgumentParser(description=description)
    options.add_argument("--build", type=pathlib.Path, default=HERE.parents[2] / "build", help="build folder of gradc")
    return options


def timing(options):
    options.add_argument("--threads", nargs="+", type=int, default=[1, 2])
    options.add_argument("--rounds", type=int, default=100, help="samples of each library")
    options.add_argument("--sample-ms", type=float, default=2, help="length of a sample")
    options.add_argument("--bind", action="store_true", help="bind the busiest threads of each library to a core each")
    options.add_argument("--json", type=pathlib.Path, help="write every sample there")


def parsed(options):
    chosen = options.parse_args()
    if min(chosen.threads) < 1 or chosen.rounds < 2:
        options.error("threads are at least 1, rounds at least 2")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # ends the workers, which may be stopped
    return chosen


def possible(threads):
    cores = len(os.sched_getaffinity(0))
    for count in threads:
        if count <= cores:
            yield count
        else:
            print(f"left out: {count} threads, there are {cores} cores")


def load_average():
    return "{:.1f} {:.1f} {:.1f}".format(*os.getloadavg())


def table(rows):
    widths = [max(map(len, column)) for column in zip(*rows)]
    for row in rows:
        cells = [row[0].ljust(widths[0])] + [cell.rjust(width) for cell, width in zip(row[1:], widths[1:])]
        print("  ".join(cells))
    print(flush=True)
