"""What is timed: WAYS of training one net."""

from typing import NamedTuple


class Way(NamedTuple):
    """How many processes with how many threads of BLAS each; how gpufa divides the work among them, "ddp" standing for
    PyTorch's DistributedDataParallel; its rule; and whether steps overlap."""

    ranks: int
    threads: int
    parallel: str
    rule: str = "dfa"
    overlap: bool = False


HIDDEN, BATCH, INPUTS, CLASSES = (1024,) * 8, 256, 784, 10
WAYS = {
    "one process, 1 thread": Way(1, 1, "none"),
    "one process, 2 threads": Way(1, 2, "none"),
    "data, 2 processes": Way(2, 1, "data"),
    "layers, 2 processes": Way(2, 1, "layers"),
    "layers, 2 processes, overlapping": Way(2, 1, "layers", overlap=True),
    "bp, one process, 1 thread": Way(1, 1, "none", "bp"),
    "bp, data, 2 processes": Way(2, 1, "data", "bp"),
    "torch bp, one process, 1 thread": Way(1, 1, "ddp", "bp"),
    "torch bp, DDP (gloo), 2 processes": Way(2, 1, "ddp", "bp"),
}
