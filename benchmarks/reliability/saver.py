"""python -m benchmarks.reliability.saver FILE: saves twice, the second time between two marks that strace sees."""

import os
import sys
import warnings
from pathlib import Path

import numpy as np

from gpufa.basics.errors import GpufaError
from gpufa.checkpoints import hdf5

BEGIN, END = "/the save begins", "/the save has ended"
ARRAYS = {"parameters/W1": np.arange(10_000.0).reshape(100, 100), "progress/step": np.asarray(1)}
SAVED, TOLD = 0, 2


def contents(turn: int) -> dict[str, np.ndarray]:
    """What is saved the first and the second time."""
    return {name: array + turn for name, array in ARRAYS.items()}


def main(path: Path) -> int:
    hdf5.write(path, contents(1), {"turn": 1})
    os.access(BEGIN, os.F_OK)
    try:
        hdf5.write(path, contents(2), {"turn": 2})
    except GpufaError as error:
        print(error)
        return TOLD
    finally:
        os.access(END, os.F_OK)
    return SAVED


if __name__ == "__main__":
    warnings.simplefilter("error")
    sys.exit(main(Path(sys.argv[1])))
