"""Make gpufa/data/sets/digits.npz, the embedded data set, from data/digits.csv.gz: run `python data/make_digits.py`."""

import sys
from pathlib import Path

import numpy as np

from gpufa.data.samples.splits import split
from gpufa.data.sets.namedsets import DATASETS

HERE = Path(__file__).resolve().parent
FRACTION, KEY = 0.2, 1998  # of the test part, and of the random choice of its samples


def main(target: Path = HERE.parent / "gpufa" / "data" / "sets" / "digits.npz") -> None:
    """Split the 1797 samples, 64 pixels of 0 .. 16 and the digit, by class and write the parts to `target` as bytes."""
    table = np.loadtxt(HERE / "digits.csv.gz", dtype=np.uint8, delimiter=",")
    x, y = table[:, :-1], table[:, -1]
    train, test = split(y, FRACTION, KEY)
    np.savez_compressed(
        target, x_train=x[train], y_train=y[train], x_test=x[test], y_test=y[test], source=DATASETS["digits"].source
    )


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
