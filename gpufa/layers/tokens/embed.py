"""Tokens as vectors: what a net of text begins with."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...backends.operations.operands import Signal
from ...basics.arguments import whole
from ...basics.arrays import Array
from ...basics.errors import InvalidValue
from ..protocol.layer import At, Layer
from ..protocol.sequences import Steps, Tokens, numbered, of_each
from ..protocol.terms import Carriers, Option, Parameter, Shape, Sums


@dataclass(frozen=True)
class Embed(Layer):
    """Row W[token] of `n` features for each token, 0 .. V - 1; always the first of a net. `tied` has no W of its own:
    it is that of the outputs, which are then as many as there are tokens (Press & Wolf 2017, arXiv:1608.05859)."""

    n: int
    tied: bool = False

    word = "embed"
    example = "embed 64"
    sample = Tokens((16,), 65)
    options = (Option("tied", "", sets=("tied", True)),)
    spent = by_step = True
    numbers = True

    def __post_init__(self) -> None:
        whole(self.n, "the features of an embedding")
        if not isinstance(self.tied, bool):
            raise InvalidValue(f"the tied of an embedding can't be {self.tied!r}; give True or False")

    def out(self, shape: Shape) -> Shape:
        if not (found := numbered(shape)):
            raise InvalidValue(
                f"'{self}' takes numbers of tokens, and its input has the shape {tuple(shape)}; put it first in a net"
                " that begins with such as 'tokens 128 of 65'"
            )
        return Steps((self.n, *found), found.pad)

    def parameters(self, shape: Shape) -> dict[str, Parameter]:
        found = numbered(shape)
        assert found
        return {} if self.tied else {"W": Parameter((found.of, self.n))}

    def uses(self, shape: Shape) -> NDArray:
        found = numbered(shape)
        assert found
        return np.full((1, 1), found[0] / found.of)

    def forward(self, at: At) -> None:
        at.backend.look_up(at.parameters[self._name(at)], at.x, out=self._rows(at.y))

    def pull(self, at: At, carriers: Carriers) -> Signal:
        raise InvalidValue(f"'{self}' hands nothing down: numbers of tokens have no gradient")

    def gradients(self, at: At, grads: Sums) -> None:
        grads.look_ups(self._name(at), self._rows(at.delta), at.x)

    def _name(self, at: At) -> str:
        return at.batch.outputs_by if self.tied else at.names["W"]

    def _rows(self, a: Array) -> Array:
        """(R, features, T * m)"""
        return a.reshape(len(a), self.n, -1)


@dataclass(frozen=True)
class Positions(Layer):
    """Adds to each token a vector of its place: P, which is learned and starts from 0, or with `sinusoidal` the sines
    and cosines of Vaswani et al. 2017, of places counted from 0."""

    learned: bool = True

    word = "positions"
    example = "positions"
    sample = Steps((64, 16))
    options = (Option("sinusoidal", "", sets=("learned", False)),)
    spent = deaf = True

    def __post_init__(self) -> None:
        if not isinstance(self.learned, bool):
            raise InvalidValue(f"the learned of positions can't be {self.learned!r}; give True or False")

    def out(self, shape: Shape) -> Shape:
        return of_each(self, shape)

    def parameters(self, shape: Shape) -> dict[str, Parameter]:
        return {"P": Parameter((math.prod(shape),))} if self.learned else {}

    def forward(self, at: At) -> None:
        P = at.w["P"] if self.learned else at.batch.constant(f"{at.path} sines", lambda: waves(at.shape))
        at.backend.xp.add(at.x, P[..., None], out=at.y)

    def pull(self, at: At, carriers: Carriers) -> Signal:
        return Signal(None, at.delta)

    def gradients(self, at: At, grads: Sums) -> None:
        if self.learned:
            grads.sums(at.names["P"], at.delta)


@dataclass(frozen=True)
class AsTokens(Layer):
    """Takes channels x time, or channels x height x width, place by place and row by row, as tokens of as many features
    as there are channels; what stands above then goes by tokens."""

    word = "as tokens"
    example = "as tokens"
    sample = 3, 32, 32
    by_step = True

    def out(self, shape: Shape) -> Shape:
        if len(shape) < 2:
            raise InvalidValue(
                f"'{self}' makes tokens of places, and an input of the shape {tuple(shape)} has none; say the inputs as"
                " channels x time, such as 'input 3x100', or channels x height x width"
            )
        return Steps((shape[0], math.prod(shape[1:])))

    def forward(self, at: At) -> None:
        at.y[...] = at.x

    def pull(self, at: At, carriers: Carriers) -> Signal:
        return Signal(None, at.delta)


def waves(shape: Shape) -> NDArray:
    """sin(t / 10000^(2i/d)) for feature 2i of token t, and the cosine for feature 2i + 1: (d * T,)."""
    features, length = np.arange(shape[0])[:, None], np.arange(shape[1])
    angles = length / 10000.0 ** (features // 2 * 2 / shape[0])
    made: NDArray = np.where(features % 2, np.cos(angles), np.sin(angles)).reshape(-1)
    return made
