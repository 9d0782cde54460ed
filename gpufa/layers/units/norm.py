"""Norms: y = g z + b, z = (x - mean) / sqrt(variance + eps), over a batch or over the units of a sample.

Of a batch, what comes down is J^T delta = (d - mean(d) - z mean(d z)) / sqrt(variance + eps), d = g delta, as mean and
variance are x's own; where they are running ones it is d / sqrt(variance + eps).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from ...backends.operations.norms import Moments, Over
from ...backends.operations.operands import Signal
from ...basics.arguments import is_number, shown
from ...basics.arrays import Array
from ...basics.errors import InvalidValue
from ..protocol.layer import At, Layer
from ..protocol.sequences import stepwise
from ..protocol.terms import Carriers, Option, Parameter, Shape, State, Sums

EPS = Option("eps", "1e-5")
ZERO = Option("zero", "", sets=("zero", True))


@dataclass(frozen=True)
class Norm(Layer):
    """Base of norms. The gain g starts from 1, or from 0 where it is `zero`, the shift b from 0."""

    eps: float = 1e-5
    zero: bool = False

    sample = 3, 32, 32
    options: ClassVar[tuple[Option, ...]] = (EPS, ZERO)
    spent = True
    axis: ClassVar[int]  # what the means are over, of (R, gains, all else)

    def __post_init__(self) -> None:
        if not is_number(self.eps) or self.eps < 0:
            raise InvalidValue(f"the eps of a {self.word} can't be {shown(self.eps)}; give a number of at least 0")
        if not isinstance(self.zero, bool):
            raise InvalidValue(f"the zero of a {self.word} can't be {shown(self.zero)}; give True or False")

    def gains(self, shape: Shape) -> int:
        """How many g and b there are."""
        raise NotImplementedError(f"{type(self).__name__} must define gains(shape)")

    def coupled(self, at: At) -> bool:
        """Whether mean and variance are those of x itself."""
        return True

    def over(self, at: At) -> Over | None:
        """What lets means go over more than is in x."""
        return None

    def parameters(self, shape: Shape) -> dict[str, Parameter]:
        n = (self.gains(shape),)
        return {"g": Parameter(n, 0.0 if self.zero else 1.0), "b": Parameter(n, 0.0)}

    def forward(self, at: At) -> None:
        x = at.x if at.x.ndim > 2 else at.x[None]  # the replicas may share it
        self.normalise(at, self._rows(at, x), self._z(at), self._rows(at, at.y))

    def normalise(self, at: At, x: Array, z: Array, y: Array) -> None:
        """z and y of x, (R, gains, all else) each."""
        w, over = at.w, self.over(at)
        at.backend.norm(x, self.axis, self.eps, w["g"], w["b"], self._moments(at), z, out=y, over=over)

    def pull(self, at: At, carriers: Carriers) -> Signal:
        delta, out, factor = self._rows(at, at.delta), self._rows(at, at.down), self._moments(at).factor
        if self.coupled(at):
            at.backend.norm_back(delta, self.axis, at.w["g"], factor, self._z(at), out=out, over=self.over(at))
        else:
            out[...] = delta
            out *= at.w["g"][..., None]
            out *= factor
        return Signal(None, at.down)

    def gradients(self, at: At, grads: Sums) -> None:
        delta = self._rows(at, at.delta)
        part = at.backend.scratch("part of a gain", delta.shape, delta.dtype)
        at.backend.xp.multiply(delta, self._z(at), out=part)
        grads.sums(at.names["g"], part)
        grads.sums(at.names["b"], delta)

    def _rows(self, at: At, a: Array) -> Array:
        """(R, gains, all else)"""
        return a.reshape(len(a), self.gains(at.shape), -1)

    def _z(self, at: At) -> Array:
        return self._rows(at, at.array("normalised", at.units, at.batch.m))

    def _moments(self, at: At) -> Moments:
        """(R, gains, 1), or (R, 1, all else)."""
        n = self.gains(at.shape)
        shape = (n, 1) if self.axis == -1 else (1, at.units * at.batch.m // n)
        return Moments(*(at.array(name, *shape) for name in Moments._fields))


@dataclass(frozen=True)
class LayerNorm(Norm):
    """Over the units of each sample, those of all channels and places, each with a gain and a shift of its own (Ba,
    Kiros & Hinton 2016, arXiv:1607.06450). Above tokens it goes over the features of each token, as transformers have
    it, each feature with a gain and a shift."""

    word = "layer norm"
    example = "layer norm"
    by_step = deaf = True
    axis = -2

    def out(self, shape: Shape) -> Shape:
        if self.gains(shape) < 2:
            over = "features of each token" if stepwise(shape) else "units of each sample"
            raise InvalidValue(
                f"'{self}' goes over the {over}, and of the shape {shape} there is one, which always"
                " becomes 0; leave it out, or give it more units"
            )
        return shape

    def gains(self, shape: Shape) -> int:
        return shape[0] if stepwise(shape) else math.prod(shape)


@dataclass(frozen=True)
class BatchNorm(Norm):
    """Over the batch and the places, channel by channel, or over the batch, unit by unit (Ioffe & Szegedy 2015,
    arXiv:1502.03167), each replica by itself.

    A training pass goes by the batch's own mean and variance, the sum of squares over their number. Every other pass
    goes by the running ones, which each step of training moves by `momentum` of the way to the batch's mean, and to its
    variance over the number less 1, as PyTorch does. Of a batch that processes share, each goes by its own part of it,
    or by all of it.
    """

    momentum: float = 0.1

    word = "batch norm"
    example = "batch norm"
    options = (Option("momentum", "0.1"), EPS, ZERO)
    axis = -1
    spent = True

    def __post_init__(self) -> None:
        super().__post_init__()
        if not is_number(self.momentum) or not 0 < self.momentum <= 1:
            raise InvalidValue(
                f"the momentum of a batch norm can't be {shown(self.momentum)}; give a number above 0, up to 1"
            )

    def gains(self, shape: Shape) -> int:
        return shape[0]

    def state(self, shape: Shape) -> dict[str, State]:
        n = (self.gains(shape),)
        return {"mean": State(n), "variance": State(n, 1.0)}

    def check_batch(self, shape: Shape, m: int) -> None:
        if m * math.prod(shape[1:]) < 2:
            raise InvalidValue(
                f"'{self}' goes by the variance over a batch, and of a batch of 1 sample each of the {shape[0]} units"
                " has one value; give --batch-size a number that leaves no sample alone"
            )

    def coupled(self, at: At) -> bool:
        return at.batch.training

    def over(self, at: At) -> Over | None:
        return at.batch.all.over if at.batch.all else None

    def normalise(self, at: At, x: Array, z: Array, y: Array) -> None:
        if self.coupled(at):
            super().normalise(at, x, z, y)
            return
        z[...] = x
        z -= at.state["mean"][..., None]
        moments = self._moments(at)._replace(variance=at.state["variance"][..., None])
        at.backend.standardise(z, self.eps, at.w["g"], at.w["b"], moments, out=y)

    def remember(self, at: At, running: Sequence[slice]) -> None:
        n = at.units * (at.batch.all.m if at.batch.all else at.batch.m) // self.gains(at.shape)
        mean, variance, _ = self._moments(at)
        for name, found, times in (("mean", mean, 1.0), ("variance", variance, n / (n - 1))):
            for r in running:
                at.backend.follow(at.state[name][r], found[r, :, 0], self.momentum, times)
