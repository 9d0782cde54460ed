"""Means over one axis of (R, rows, columns), and what norms do with them, in operations of `xp`.

`axis` is -1 for a mean over each row, (R, rows, 1), and -2 over each column, (R, 1, columns).
"""

from collections.abc import Callable
from types import ModuleType
from typing import Any, NamedTuple

import numpy as np

Array = Any
Over = Callable[[Array], None]  # makes of means over what this process has those over what all of them have


class Moments(NamedTuple):
    """Of each mean one: mean, variance, the sum of squares over their number, and 1 / sqrt(variance + eps)."""

    mean: Array
    variance: Array
    factor: Array


class Norms:
    """What goes up and down through a norm. Arrays that are written, and z, lie row by row without gaps."""

    xp: ModuleType
    scratch: Callable[..., Array]

    def norm(
        self,
        x: Array,
        axis: int,
        eps: float,
        gain: Array,
        shift: Array,
        moments: Moments,
        z: Array,
        out: Array,
        over: Over | None = None,
    ) -> None:
        """z = (x - mean) / sqrt(variance + eps), out = gain * z + shift, by the moments of x itself, or `over` more of
        which x is a part; these are written down. gain and shift are (R, rows)."""
        z[...] = x
        self.centre(z, axis, moments.mean, moments.variance, over)
        self.standardise(z, eps, gain, shift, moments, out)

    def standardise(self, z: Array, eps: float, gain: Array, shift: Array, moments: Moments, out: Array) -> None:
        """Of z without its mean."""
        self.inverse_roots(moments.variance, eps, out=moments.factor)
        self.xp.multiply(z, moments.factor, out=z)
        self.gain_and_shift(z, gain, shift, out=out)

    def norm_back(
        self, delta: Array, axis: int, gain: Array, factor: Array, z: Array, out: Array, over: Over | None = None
    ) -> None:
        """out = J^T delta of `norm`."""
        self.xp.multiply(delta, gain[..., None], out=out)
        self.project(out, z, axis, over)
        self.xp.multiply(out, factor, out=out)

    def means(self, x: Array, axis: int, out: Array, by: Array = None) -> None:
        """out = the means along the axis of x, or of x * by."""
        raise NotImplementedError

    def centre(self, x: Array, axis: int, mean: Array, variance: Array, over: Over | None = None) -> None:
        """x -= its means; these, and its variances."""
        self.means(x, axis, out=mean)
        if over:
            over(mean)
        self.xp.subtract(x, mean, out=x)
        self.means(x, axis, out=variance, by=x)
        if over:
            over(variance)

    def inverse_roots(self, variance: Array, eps: float, out: Array) -> None:
        """out = 1 / sqrt(variance + eps), as large as numbers go where both are 0, and NaN of an infinite variance, as
        zeros in place of all that varied so much would hide it."""
        self.xp.fmod(variance, np.inf, out=out)  # what is finite stays as it is
        self.xp.add(out, eps, out=out)
        self.xp.maximum(out, float(np.finfo(out.dtype).tiny), out=out)
        self.xp.sqrt(out, out=out)
        self.xp.divide(1, out, out=out)

    def gain_and_shift(self, z: Array, gain: Array, shift: Array, out: Array) -> None:
        """out = gain * z + shift, (R, rows) each."""
        self.xp.multiply(z, gain[..., None], out=out)
        self.xp.add(out, shift[..., None], out=out)

    def project(self, d: Array, z: Array, axis: int, over: Over | None = None) -> None:
        """d -= its means + z * the means of d * z: what the mean and the variance of z's own x have of it."""
        shape = (*d.shape[:-1], 1) if axis == -1 else (len(d), 1, d.shape[-1])
        mean, along = (self.scratch(f"{name} of a signal", shape, d.dtype) for name in ("mean", "mean along z"))
        part = self.scratch("part along z", d.shape, d.dtype)
        self.means(d, axis, out=mean)
        self.means(d, axis, out=along, by=z)
        if over:
            over(mean)
            over(along)
        self.xp.multiply(z, along, out=part)
        self.xp.subtract(d, part, out=d)
        self.xp.subtract(d, mean, out=d)

    def follow(self, running: Array, found: Array, momentum: float, times: float = 1.0) -> None:
        """running += momentum * (times * found - running), (R, rows) each."""
        part = self.scratch("part that is followed", running.shape, running.dtype)
        self.xp.multiply(found, momentum * times, out=part)
        self.xp.multiply(running, 1 - momentum, out=running)
        self.xp.add(running, part, out=running)
