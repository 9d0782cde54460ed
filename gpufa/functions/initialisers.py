"""INITIALISERS: how weight matrices start. Biases start at zero."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from ..basics.arguments import several
from ..basics.arrays import UNTIED, T, kernels, tied
from ..basics.errors import InvalidValue
from ..basics.random import Generator, Purpose
from .parts import Part

Fill = Callable[[NDArray, int, int, float | None], None]


@dataclass(frozen=True)
class Initialiser(Part):
    """fill(w, seed, layer, scale) writes w, (fan_out, fan_in); the same of the same seed and layer, which counts the
    matrices from 1. `scale` is that of --init-scale, None where there is none. A kernel is such a matrix, (filters,
    what a filter sees), those of all places below each other where they differ, or is handed over as it is, (filters,
    channels, height, width), to those that say `kernels`."""

    kind: ClassVar[str] = "init"

    fill: Fill
    kernels: bool = False

    def draw(self, w: NDArray, seed: int, layer: int, scale: float | None = None) -> None:
        """Write w, a matrix or a kernel."""
        self.fill(w if self.kernels else w.reshape(w.size // math.prod(tied(w.shape)[1:]), -1), seed, layer, scale)

    def fault(self) -> str:
        """Tried on a small matrix, twice."""
        found = [np.full((4, 3), np.nan, np.float32) for _ in range(2)]
        for w in found:
            self.fill(w, 0, 1, None)
        if not np.isfinite(found[0]).all():
            return "leaves weights that are not finite, or not written; let fill(w, seed, layer, scale) write all of w"
        return (
            ""
            if np.array_equal(found[0], found[1])
            else "makes two matrices of one seed and layer; draw by these alone"
        )


def fans(shape: Sequence[int]) -> tuple[int, int]:
    """(fan_in, fan_out) of a matrix or a kernel: how many a unit sees, and how many see it."""
    rows, columns, *places = tied(tuple(shape))
    return columns * math.prod(places), rows * math.prod(places)


def _scaled(law: str, usual: Callable[[int, int], float]) -> Fill:
    """W = scale * law, usual(fan_in, fan_out) being the scale where none is given."""

    def fill(w: NDArray, seed: int, layer: int, scale: float | None = None) -> None:
        fan_in, fan_out = fans(w.shape)
        scale = usual(fan_in, fan_out) if scale is None else scale
        Generator().fill(law, w, seed, Purpose.INIT, stream=layer, scale=scale)

    return fill


def _zeros(w: NDArray, seed: int, layer: int, scale: float | None = None) -> None:
    w[...] = 0


def _orthogonal(w: NDArray, seed: int, layer: int, scale: float | None = None) -> None:
    """Orthonormal rows or columns, whichever are fewer: Q of a normal-like matrix, signs made unique (Saxe 2014)."""
    each = kernels(w[None]) if w.ndim < UNTIED else kernels(w[None])[0]
    rows, columns = each.shape[-2:]
    tall = np.empty((len(each), max(rows, columns), min(rows, columns)))
    q, r = np.linalg.qr(Generator().fill("normal", tall, seed, Purpose.INIT, stream=layer))
    q *= np.sign(np.diagonal(r, axis1=-2, axis2=-1))[:, None]
    each[...] = q if rows >= columns else T(q)
    w *= 1.0 if scale is None else scale


ROWS = (
    Initialiser("zeros", _zeros),
    Initialiser("uniform", _scaled("uniform", lambda fan_in, fan_out: fan_in**-0.5)),
    Initialiser("normal", _scaled("normal", lambda fan_in, fan_out: fan_in**-0.5)),
    Initialiser("glorot", _scaled("uniform", lambda fan_in, fan_out: (6 / (fan_in + fan_out)) ** 0.5), kernels=True),
    Initialiser("he", _scaled("normal", lambda fan_in, fan_out: (2 / fan_in) ** 0.5)),
    Initialiser("orthogonal", _orthogonal, kernels=True),
)
INITIALISERS: Mapping[str, Initialiser] = {row.name: row for row in ROWS}
Initialiser.table = INITIALISERS


def initialiser(given: Any, parts: Sequence[Part] = ()) -> Initialiser:
    """The row, as Part.find."""
    return Initialiser.find(given, parts, ", nokland, nokland_code")


def layer_inits(init: Any, may_be_zero: bool, layers: int, parts: Sequence[Part] = ()) -> tuple[Initialiser, ...]:
    """One initialiser per weight matrix, from one for all or from one each, by name or as rows.

    "nokland" is what Nokland 2016 did: zeros where nets may start from them, as where all hidden units are tanh or
    logistic, else "uniform".
    "nokland_code" is what the author's code does for FA: the first layer is "uniform" all the same.
    Raises InvalidValue for an unknown name or a wrong number of them.
    """
    names = (init,) if isinstance(init, str | Initialiser) else several(init, "init", '["he", "uniform"]')
    names = names * layers if len(names) == 1 else names
    if len(names) != layers:
        raise InvalidValue(
            f"{len(names)} inits were given for {layers} weight matrices; give one for all or one for each"
        )
    published = "zeros" if may_be_zero else "uniform"
    meant = {"nokland": published}
    inits = []
    for k, name in enumerate(names, start=1):
        meant["nokland_code"] = "uniform" if k == 1 else published
        inits.append(initialiser(meant.get(name, name) if isinstance(name, str) else name, parts))
    return tuple(inits)
