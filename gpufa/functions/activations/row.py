"""What an activation is: value, derivative, and both in CUDA C."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

import numpy as np

from ..parts import Part, far_apart, slope_of

Array = Any


@dataclass(frozen=True)
class Activation(Part):
    """h = f(a) and g = f'(z), z being h or a as `of` says; without CUDA texts it runs on NumPy alone.

    value        value(a, h) writes h; h may be a itself where `of` is "h"
    derivative   derivative(z, g, t) writes g; t is scratch of the same shape
    learns       False where f' is zero almost everywhere
    zero_init    whether Nokland's runs start nets of such units from zero weights
    rising       f never falls, so that the largest of some h is f of the largest a
    """

    kind: ClassVar[str] = "activation"

    of: Literal["h", "a"]
    value: Callable[[Array, Array], Any] = field(hash=False)  # a callable of one's own may have no hash
    derivative: Callable[[Array, Array, Array], Any] = field(hash=False)
    cuda: str = ""
    cuda_derivative: str = ""
    learns: bool = True
    zero_init: bool = False
    rising: bool = False

    @property
    def on_gpu(self) -> bool:
        return bool(self.cuda and self.cuda_derivative)

    def fault(self) -> str:
        """Tried on -4 .. 4, but for kinks, in float64; whether it falls, on -1000 .. 1000."""
        if self.of not in ("h", "a"):
            return f'has a derivative of {self.of!r}; say "h" or "a"'
        a = np.linspace(-4.003, 4.001, 401).reshape(1, 401)
        far, (h, g) = np.sinh(2 * a), (np.full_like(a, np.nan) for _ in range(2))
        self.value(a.copy(), h)
        if not np.isfinite(h).all():
            return "has values that are not finite, or not written into h; let value(a, h) write all of h"
        if self.of == "h":
            self.value(again := a.copy(), again)
            if not np.array_equal(again, h):
                return 'has other values where h is a itself; mend value(a, h), or give the derivative in a, of="a"'
        falls = (np.diff(h) < 0) | (np.diff(self._values(far)) < -1e-12 * abs(far[:, 1:]))  # but by rounding, far out
        if self.rising and falls.any():
            return "falls somewhere, though it says rising = True; leave that out"
        self.derivative((a if self.of == "a" else h).copy(), g, np.empty_like(a))
        slope, smooth = slope_of(self._values, a)
        wrong = np.argwhere(smooth & far_apart(g, slope))
        for i in wrong[:1]:
            return (
                f"has the derivative {g[*i]:.6g} at {a[*i]:.4g}, where central differences give {slope[*i]:.6g}; mend"
                " derivative(z, g, t)"
            )
        return "" if self.learns == bool(g.any()) else f"has learns = {self.learns}, against its derivative; mend that"

    def _values(self, a: Array) -> Array:
        self.value(a, h := np.empty_like(a))
        return h


def constant(value: float) -> Callable[[Array, Array, Array], None]:
    """The derivative that is the same everywhere."""

    def derivative(h: Array, g: Array, t: Array) -> None:
        g[...] = value

    return derivative
