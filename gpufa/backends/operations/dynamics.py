"""Steps of units that relax, operation by operation, and beside each what it comes to in CUDA C.

The CUDA forms find u, the sum `below` = W x + b, `above` = gain V y, slope = f'(u) under the mask, and step, strength
and e of a nudge, all of type T, in scope.
"""

from collections.abc import Callable
from typing import Any

from .operands import Inputs, Nudge, Units

Array = Any

SETTLE = "u = below + above;"
DESCEND = "u += step * ((below + above) * slope - strength * e - u);"
INFER = "delta = below - u; const T d = step * (delta + slope * above); u += d; delta -= d;"


class Dynamics:
    """drive = W x + b + gain V y; h = f(u), and what is sent on, follows from every new u.

    A backend may do each step in one pass behind its products.
    """

    layer: Callable[..., None]
    gemm: Callable[..., None]
    gate: Callable[..., None]
    activate: Callable[..., None]

    def drive(self, inputs: Inputs, out: Array, less: Array = None) -> None:
        """out = drive, or what is left of it where something is to be taken off, (R, n, m)."""
        self._from_below(inputs, out)
        if inputs.V is not None:
            self.gemm(inputs.V, inputs.y, out=out, alpha=inputs.gain, beta=1.0)
        if less is not None:
            out -= less

    def settle(self, units: Units, inputs: Inputs) -> None:
        """u = drive."""
        self.drive(inputs, units.u)
        self.activate(*units)

    def descend(
        self,
        units: Units,
        inputs: Inputs,
        step: float,
        pull: Array,
        nudge: Nudge | None = None,
        bound: bool = False,
    ) -> None:
        """u += step * (f'(u) * drive - nudge - u), and where `bound` u = h in the end; `pull` is scratch like u."""
        u = units.u
        self.drive(inputs, pull)
        self.gate(pull, [units.gate])
        if nudge:
            e = nudge.e
            e *= nudge.sign
            e *= nudge.strength
            pull -= e
        u *= 1 - step
        pull *= step
        u += pull
        self.activate(*units)
        if bound:
            u[...] = units.h

    def infer(self, units: Units, inputs: Inputs, step: float, delta: Array, pull: Array) -> None:
        """delta = W x + b - u, then d = step * (delta + f'(u) * gain V y), u += d, delta -= d; `pull` is scratch."""
        u = units.u
        self._from_below(inputs, delta)
        delta -= u
        self.gemm(inputs.V, inputs.y, out=pull, alpha=inputs.gain)
        self.gate(pull, [units.gate])
        pull += delta
        pull *= step
        u += pull
        delta -= pull
        self.activate(*units)

    def _from_below(self, inputs: Inputs, out: Array) -> None:
        if inputs.W is None:
            out[...] = inputs.b
        else:
            self.layer(inputs.W, inputs.x, inputs.b, None, a=out, h=out)
