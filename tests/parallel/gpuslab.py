"""Runs that two processes share on two GPUs, here stand-ins, and the program that trains them.

`mpiexec -n 2 python gpuslab.py` leaves NAME of each, and in told-RANK.json what is said before it begins, what is
warned of, and what the stand-in has counted. With WHAT in the environment it is one run, in which rank 1 does that.
"""

import json
import os
import warnings
from pathlib import Path

import standin
from parallellab import EVEN, ODD, SETTINGS

import gpufa
from gpufa import plots
from gpufa.backends.gpu import cupydevice, nccl
from gpufa.backends.gpu.device import CaptureFailed

RANK = int(os.environ.get("PMI_RANK", "0"))
DEEP = {"hidden": (8, 7, 9)}
ADAM = {"optimizer": "adam", "lr": 3e-3, "eps": 1e-3, "dropout": 0.2}
ATTACKED = {"clip": 0.1, "adversarial": 0.1, "adversarial_mix": "only"}
LAYERS = "input 1x4x4", "conv 3 3x3, batch norm, relu", "dense 6, batch norm, tanh"
NORMED = {"layers": LAYERS, "hidden": None, "activation": None, "rule": "bp"}
CLIPPED = DEEP | {"clip": 0.1, "calibrate": 2, "probe_every": 3}
RUNS = {  # what is divided, how arrays cross, settings, samples
    "attacked-auto": ("data", "auto", ATTACKED, ODD),
    "data-nccl": ("data", "nccl", ADAM, ODD),
    "data-host": ("data", "host", ADAM, ODD),
    "norms-nccl": ("data", "nccl", NORMED, EVEN),
    "norms-host": ("data", "host", NORMED, EVEN),
    "layers-nccl": ("layers", "nccl", DEEP | ADAM, ODD),
    "layers-host": ("layers", "host", DEEP | ADAM, ODD),
    "clipped-nccl": ("layers", "nccl", CLIPPED, ODD),
    "clipped-host": ("layers", "host", CLIPPED, ODD),
    "unrecorded-nccl": ("data", "nccl", ADAM, ODD),
}
TOLD = {  # what sends arrays through the host
    "shared": ("data", "auto", {"device": 1, "epochs": 1}, ODD),
    "missing": ("data", "auto", {"epochs": 1}, ODD),
}
OVERLAPPED = {
    "overlap-gpus": ("layers", "auto", DEEP | {"overlap": True}, ODD),
    "overlap-cpu": ("layers", "auto", DEEP | {"overlap": True, "backend": "numpy"}, ODD),
}


class Hanging(gpufa.Callback):
    """Does WHAT in place of the last step, which the other has recorded by then, so that its GPU alone waits."""

    def on_step(self, trainer):
        if RANK == 1 and trainer.progress.step == trainer.total_steps - 1:
            trainer.step = lambda: exec(os.environ["WHAT"])


def trained(name, way, exchange, settings, samples, wait=30, callbacks=()):
    """What it says before it begins."""
    how = gpufa.Processes(way, exchange=exchange, wait=wait, batch_norm="ranks" if settings == NORMED else "share")
    told, config = [], gpufa.Config(**SETTINGS | {"backend": "cupy", "out": name} | settings)
    gpufa.train(config, samples, parallel=how, callbacks=[*callbacks, lambda trainer: told.append(trainer.told)])
    return told[0]


def refused(*_):
    raise CaptureFailed("as a test wants it")


def main():
    found = {}
    for name, run in (RUNS | OVERLAPPED | TOLD).items():
        if name.startswith("unrecorded") and RANK:
            cupydevice.CupyDevice.record = refused
        if name == "missing" and RANK:
            nccl.load_nccl = lambda: None
        with warnings.catch_warnings(record=True) as warned, standin.count() as counts:
            warnings.simplefilter("always")
            told = trained(name, *run)
        found[name] = {"told": told, "warned": [str(one.message) for one in warned], "counts": counts}
    found["faults"] = standin.faults()
    Path(f"told-{RANK}.json").write_text(json.dumps(found))


if __name__ == "__main__":
    standin.install()
    plots.curves = lambda *_: None
    if "WHAT" in os.environ:
        trained("run", *RUNS["data-nccl"], float(os.environ["WAIT"]), [Hanging()])
    else:
        main()
