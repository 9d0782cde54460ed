"""Kernels of BLAS that the environment presets: a product with them, timed beside one without."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from typing import NamedTuple

from ....basics.finding import Finding

NAMES = "OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE", "MKL_ENABLE_INSTRUCTIONS", "BLIS_ARCH_TYPE"
WORTH = 1.1  # times faster: less is noise
# The product is of whole numbers, which float32 holds to the last digit: whatever a kernel rounds, it has to be right.
# One thread's time on the processor is the least moved by what else runs there.
PROGRAM = """
import json, time
import numpy as np
from scipy.linalg.blas import sgemm
from threadpoolctl import threadpool_info, threadpool_limits

n = 768
a, b = (np.arange(n * n).reshape(n, n) % k for k in (7, 5))
right = np.array_equal(sgemm(1.0, a, b)[:4], (a[:4, :, None] * b).sum(1))
a, b = (np.asfortranarray(x, "float32") for x in (a, b))
seconds = []
with threadpool_limits(1):
    for _ in range(25):
        start = time.process_time()
        sgemm(1.0, a, b)
        seconds.append(time.process_time() - start)
kernels = {p.get("architecture", "?") for p in threadpool_info() if p["user_api"] == "blas"}
print(json.dumps([", ".join(sorted(kernels)), min(seconds), bool(right)]))
"""


class Product(NamedTuple):
    """The kernels that did one, the seconds of one thread that it took, and whether it was right."""

    kernels: str
    seconds: float
    right: bool


def preset() -> Finding:
    """Whether a product is faster without what the environment presets."""
    given = {name: os.environ[name] for name in NAMES if name in os.environ}
    if not given:
        return Finding("kernels of BLAS", "the processor's own choice: nothing is preset")
    said, unset = " ".join(f"{name}={value}" for name, value in given.items()), f"unset {' '.join(given)}"
    without = {name: value for name, value in os.environ.items() if name not in given}
    with_it, own = paired(os.environ, without)
    if with_it is None or not with_it.right:
        return Finding("kernels of BLAS", f"products are wrong with {said}", "so is what is trained", unset, True)
    if own is None or not own.right:
        return Finding("kernels of BLAS", f"{said}, which this BLAS needs here: without, products are wrong")
    ratio = with_it.seconds / own.seconds
    state = f"{said}: a product takes {ratio:.2f} times as long as by the processor's own kernels ({own.kernels})"
    if ratio < WORTH:
        return Finding("kernels of BLAS", state)
    return Finding("kernels of BLAS", state, "training is mostly products", unset, weighs=True)


def paired(*environments: Mapping[str, str]) -> list[Product | None]:
    """The best product in each, measured by turns; None where it fails."""
    rounds = [[_measured(one) for one in environments] for _ in range(3)]
    return [None if None in found else min(found, key=lambda one: one.seconds) for found in zip(*rounds, strict=True)]


def _measured(environment: Mapping[str, str]) -> Product | None:
    args = [sys.executable, "-c", PROGRAM]
    try:
        done = subprocess.run(args, env=dict(environment), capture_output=True, text=True, timeout=60, check=True)
        return Product(*json.loads(done.stdout))
    except (OSError, subprocess.SubprocessError, ValueError):
        return None
