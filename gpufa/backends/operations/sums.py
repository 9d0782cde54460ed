"""What is looked at beside training, in operations of `xp`: sums of products, and whether all numbers pass a test."""

from collections.abc import Callable, Mapping
from types import ModuleType
from typing import Any, NamedTuple

import numpy as np

Array = Any
LOOK = 1 << 20  # numbers that are looked at at a time


class Test(NamedTuple):
    """Of each number of an array whether it passes; `cuda` is that of one number x."""

    passed: Callable[[Array], Array]
    cuda: str


TESTS: Mapping[str, Test] = {
    "finite": Test(np.isfinite, "x - x == 0"),
    "0 or 1": Test(lambda x: (x == 0) | (x == 1), "x == 0 || x == 1"),
    "1": Test(lambda x: x == 1, "x == 1"),
}


class Sums:
    """They are kept in double whatever the numbers are."""

    xp: ModuleType

    def dots(self, a: Array, b: Array, out: Array) -> None:
        """out = the sum of a * b, (R, n, m) each or 1 long where it is the same, over n to (R, m), or over both n and m
        to (R,), in double. Either may lie in memory in any way."""
        (a * b).sum(axis=-2 if out.ndim > 1 else (-2, -1), dtype="float64", out=out)

    def every(self, test: str, x: Array, out: Array) -> None:
        """out = whether all of x pass that one of TESTS, (R, n) to (R,)."""
        out.fill(True)
        for start in range(0, x.shape[1], LOOK):
            out &= TESTS[test].passed(x[:, start : start + LOOK]).all(axis=1)
