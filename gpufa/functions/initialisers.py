"""INITIALISERS: how weight matrices start. Biases start at zero."""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from ..basics.arguments import row_of, several
from ..basics.errors import InvalidValue
from ..basics.random import Generator, Purpose

Initialiser = Callable[[NDArray, int, int, float | None], None]


def _scaled(law: str, usual: Callable[[int, int], float]) -> Initialiser:
    """W = scale * law, usual(fan_in, fan_out) being the scale where none is given."""

    def fill(w: NDArray, seed: int, layer: int, scale: float | None = None) -> None:
        fan_out, fan_in = w.shape
        scale = usual(fan_in, fan_out) if scale is None else scale
        Generator().fill(law, w, seed, Purpose.INIT, stream=layer, scale=scale)

    return fill


def _zeros(w: NDArray, seed: int, layer: int, scale: float | None = None) -> None:
    w[...] = 0


def _orthogonal(w: NDArray, seed: int, layer: int, scale: float | None = None) -> None:
    """Orthonormal rows or columns, whichever are fewer: Q of a normal-like matrix, signs made unique (Saxe 2014)."""
    tall = np.empty((max(w.shape), min(w.shape)))
    q, r = np.linalg.qr(Generator().fill("normal", tall, seed, Purpose.INIT, stream=layer))
    q *= np.sign(np.diagonal(r))
    w[...] = q if w.shape[0] >= w.shape[1] else q.T
    w *= 1.0 if scale is None else scale


INITIALISERS: dict[str, Initialiser] = {
    "zeros": _zeros,
    "uniform": _scaled("uniform", lambda fan_in, fan_out: fan_in**-0.5),
    "normal": _scaled("normal", lambda fan_in, fan_out: fan_in**-0.5),
    "glorot": _scaled("uniform", lambda fan_in, fan_out: (6 / (fan_in + fan_out)) ** 0.5),
    "he": _scaled("normal", lambda fan_in, fan_out: (2 / fan_in) ** 0.5),
    "orthogonal": _orthogonal,
}


def initialiser(name: str) -> Initialiser:
    """The row of that name; raises InvalidValue for an unknown one."""
    return row_of(INITIALISERS, name, "init", ", nokland, nokland_code")


def layer_inits(init: str | Sequence[str], may_be_zero: bool, layers: int) -> tuple[str, ...]:
    """One initialiser's name per weight matrix, from one name for all or from one name each.

    "nokland" is what Nokland 2016 did: zeros where nets may start from them, as where all hidden units are tanh or
    logistic, else "uniform".
    "nokland_code" is what the author's code does for FA: the first layer is "uniform" all the same.
    Raises InvalidValue for an unknown name or a wrong number of them.
    """
    names = (init,) if isinstance(init, str) else several(init, "init", '["he", "uniform"]')
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
        inits.append(meant.get(name, name) if isinstance(name, str) else name)
        initialiser(inits[-1])
    return tuple(inits)
