"""Steps of units that relax, operation by operation; a backend may do each in one pass behind its products."""

from collections.abc import Callable
from typing import Any

from .operands import Inputs, Nudge, Units

Array = Any


class Relaxing:
    """drive = W x + b + gain V y; h = f(u), and what is sent on, follows from every new u."""

    layer: Callable[..., None]
    gemm: Callable[..., None]
    gate: Callable[..., None]
    activate: Callable[..., None]

    def drive(self, inputs: Inputs, out: Array, less: Array = None) -> None:
        """out = drive, or what is left of it where something is to be taken off."""
        self._from_below(inputs, out)
        if inputs.V is not None:
            self.gemm(inputs.V, inputs.y, out=out, alpha=inputs.gain, beta=1.0)
        if less is not None:
            out -= less

    def settle(self, units: Units, inputs: Inputs) -> None:
        """u = drive."""
        self.drive(inputs, units.u)
        self._follow(units)

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
        self._follow(units)
        if bound:
            u[...] = units.h

    def infer(self, units: Units, inputs: Inputs, step: float, missed: Array, pull: Array) -> None:
        """missed = W x + b - u, then d = step * (missed + f'(u) * gain V y), u += d, missed -= d; `pull` is scratch."""
        u = units.u
        self._from_below(inputs, missed)
        missed -= u
        self.gemm(inputs.V, inputs.y, out=pull, alpha=inputs.gain)
        self.gate(pull, [units.gate])
        pull += missed
        pull *= step
        u += pull
        missed -= pull
        self._follow(units)

    def _from_below(self, inputs: Inputs, out: Array) -> None:
        if inputs.W is None:
            out[...] = inputs.b
        else:
            self.layer(inputs.W, inputs.x, inputs.b, None, a=out, h=out)

    def _follow(self, units: Units) -> None:
        self.activate(units.f, units.u, units.h, units.mask, units.sent)
