"""PyTorch as an arm: torch_worker.py eager|compile MODEL BATCH THREADS, where MODEL is a file of workload.flat_model()"""
import sys

import torch

from answer import answer
from torch_model import Training


def main(how, model, batch, threads):
    torch.set_num_threads(int(threads))
    torch.set_num_interop_threads(1)
    answer(Training(how, model, int(batch)).step, lambda loss: loss.item())


main(*sys.argv[1:])
