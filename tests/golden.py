"""Golden numbers: what 20 steps of every rule make of its weights, feedback and deltas, and what a run's files hold.

python tests/golden.py    records them anew in tests/recorded, for this processor and BLAS; the kernels' on the stand-in

On the processor and BLAS that they were recorded on they hold to the bit, elsewhere to rounding, in float64.
"""

import contextlib
import json
import re
import tempfile
import warnings
import zlib
from itertools import count, product
from pathlib import Path
from unittest import mock

import h5py
import numpy as np
import scipy.linalg  # noqa: F401  (has a BLAS of its own)
from rulelab import OWN, STEADY_EPS, trainer
from threadpoolctl import threadpool_info

import gpufa
from gpufa.backends import get_backend
from gpufa.rules import RULES

HERE = Path(__file__).parent / "recorded"
CRCS, VALUES = HERE / "golden.json", HERE / "golden.npz"
STEPS = 20
NETS = {
    "plain": {"hidden": (7, 5)},
    "dropout": {"hidden": (7, 5), "dropout": 0.25, "input_dropout": 0.125},
    "residual": {"hidden": (7, 7, 7), "residual": True, "depth_drop": 0.25},
}


def place(backend):
    """The processor, BLAS and libraries that the bits depend on."""
    cpu = get_backend("numpy").describe()["processor"].rpartition(",")[0]
    blas = {f"{b['internal_api']} {b['version']} {b['architecture']}" for b in threadpool_info() if "architecture" in b}
    return f"{backend}: {cpu}, {', '.join(sorted(blas))}, numpy {np.__version__}, h5py {h5py.__version__}"


def cases():
    """(name, settings) of all that is recorded."""
    for rule, optimizer, dtype, net in product(RULES, ("sgd", "adam"), ("float32", "float64"), NETS):
        own = OWN.get(rule, {})
        shape = NETS[net] | ({"hidden": own["hidden"]} if "hidden" in own else {})
        settings = {"rule": rule, "optimizer": optimizer, "lr": 0.05 if optimizer == "sgd" else 0.003, "dtype": dtype}
        yield f"{rule} {optimizer} {dtype} {net}", STEADY_EPS | own | settings | shape | {"seeds": (0, 1)}


def run(settings, backend):
    """(weights, feedback, deltas) on the host after some steps, one flat array each; None where the rule takes no such
    net."""
    try:
        made = trainer(backend=backend, **settings)
    except gpufa.InvalidValue:
        return None
    for _ in range(STEPS):
        if made.progress.batch == made.batches.per_epoch:
            made.progress.epoch += 1
            made.progress.start_epoch()
            made.begin_epoch()
        made.step()
    net, p = made.net, made._steps[8].p
    fixed = [np.ravel(net.backend.to_host(b)) for b in net.feedback.values()]
    host = (net.arena.flat, p.delta.slab)
    weights, deltas = (np.array(net.backend.to_host(a)) for a in host)
    return weights, np.concatenate([*fixed, np.zeros(0, weights.dtype)]), deltas


def crcs(found):
    return [zlib.crc32(np.ascontiguousarray(a).tobytes()) for a in found]


def flat(found):
    """One array of what `run` gives, of the first of its seeds."""
    weights, fixed, deltas = found
    return np.concatenate([weights[0].ravel(), fixed, deltas[0].ravel()])


def files(rule):
    """CRCs of a run's files in the current folder, with a clock that counts; without what names version and place."""
    own = {"hidden": (7, 5), "epochs": 2, "seeds": (0, 1), "backend": "numpy", "samples": 200, "out": f"run-{rule}"}
    here = mock.patch("gpufa.backends.cpu.backend.NumpyBackend.describe", dict[str, str])
    version = mock.patch("gpufa.checkpoints.networks.__version__", "0.1.0")
    with here, version, mock.patch("time.perf_counter", count().__next__), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        gpufa.train(gpufa.Config(rule=rule, **own | OWN.get(rule, {})))
    return [
        zlib.crc32((Path(f"run-{rule}") / name).read_bytes())
        for name in ("checkpoint.h5", "history.csv", "config.toml")
    ]


def record(backends):
    known = json.loads(CRCS.read_text()) if CRCS.exists() else {}
    values = {}
    for backend in backends:
        rows = known[place(backend)] = {}
        for name, settings in cases():
            found = run(settings, backend)
            if found is None:
                continue
            rows[name] = crcs(found)
            if backend == "numpy" and " float64 " in name:
                values[name] = flat(found)
    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
        known[place("files")] = {rule: files(rule) for rule in RULES}
    text = json.dumps(known, indent=1)
    CRCS.write_text(re.sub(r"\[\s+(\d+),\s+(\d+),\s+(\d+)\s+\]", r"[\1, \2, \3]", text) + "\n")
    if values:
        np.savez_compressed(VALUES, **values)


if __name__ == "__main__":
    import conftest  # puts the stand-in GPU in its place

    record(["numpy", "cupy"] if conftest.GPU == conftest.STANDIN else ["numpy"])
