"""Sums that are looked at beside training, in operations of `xp`: of products, and whether all is finite."""

from types import ModuleType
from typing import Any

Array = Any
LOOK = 1 << 20  # numbers that are looked at at a time


class Sums:
    """They are kept in double whatever the numbers are."""

    xp: ModuleType

    def dots(self, a: Array, b: Array, out: Array) -> None:
        """out = the sum of a * b, (R, n, m) each or 1 long where it is the same, over n to (R, m), or over both n and m
        to (R,), in double. Either may lie in memory in any way."""
        (a * b).sum(axis=-2 if out.ndim > 1 else (-2, -1), dtype="float64", out=out)

    def finite(self, x: Array, out: Array) -> None:
        """out = whether all of x is finite, (R, n) to (R,)."""
        out.fill(True)
        for start in range(0, x.shape[1], LOOK):
            out &= self.xp.isfinite(x[:, start : start + LOOK]).all(axis=1)
