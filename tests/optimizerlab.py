"""What tests of optimizers are made of: vectors that PyTorch recorded, and settings of a step."""

from pathlib import Path

import numpy as np

from gpufa.functions.optimizers import Hyper, unbias

RECORDED = np.load(Path(__file__).parent / "recorded" / "torch_optimizers.npz", allow_pickle=False)


def hyper(row, step=1, **kw):
    unbias1, unbias2 = unbias(row.momentum, row.beta2, step)
    defaults = {"lr": row.lr, "momentum": row.momentum, "beta2": row.beta2, "eps": row.eps}
    return Hyper(**defaults | kw, unbias1=unbias1, unbias2=unbias2)
