"""JAX as an arm: jax_worker.py jax MODEL BATCH THREADS, where MODEL is a file of workload.flat_model()"""
import os
import sys

ALONE = sys.argv[4] == "1"  # one core: handing work over to another thread only costs
if ALONE:
    os.environ["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false"
os.environ["JAX_PLATFORMS"] = "cpu"

import jax

from answer import answer
from jax_model import Training


def main(how, model, batch, threads):
    jax.config.update("jax_cpu_enable_async_dispatch", not ALONE)
    answer(Training(model, int(batch)).step, float)


main(*sys.argv[1:])
