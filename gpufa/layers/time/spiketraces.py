"""Eligibility traces of spiking units (Bellec et al. 2020), carried forward in time in place of their steps.

eps_v = decay eps_v + x             how far the potential goes with a weight of that input: the same for all units,
                                    unless a spike lets it begin from zero
eps_a = rho eps_a + trace           how far the threshold does, by the trace of the step before
trace = psi (eps_v - beta eps_a)    how far the spike does
dW    = sum over t of dL/dz_t trace_t

A unit's spike as other units, and its own potential, see it is held.
"""

from collections.abc import Iterator
from typing import ClassVar, Protocol

from ...basics.arrays import Array, T, without_diagonal
from ...functions.spikes import ADAPTED, LOWERED
from ..protocol.layer import At
from ..protocol.terms import Sums
from .tape import Views
from .traces import Traced, Traces


class Spiking(Traced, Protocol):
    """What is asked of spiking units beside."""

    adapts: ClassVar[bool]

    @property
    def reset(self) -> str: ...

    def pays(self, at: At) -> bool: ...

    def count(self, at: At, behind: list[Views], more: bool = False) -> None: ...

    def pressed(self, at: At) -> Array: ...

    def with_cost(self, at: At, e: Array) -> Array: ...

    def more(self, at: At) -> tuple[Array, ...]: ...


class SpikeTraces(Traces):
    """Those of one place: of the potential, (R, 1 or n, inputs, m), and of the threshold, (R, n, inputs, m)."""

    cell: Spiking

    def __init__(self, at: At, cell: Spiking) -> None:
        self.at, self.cell, self.tape, self.counts = at, cell, cell.tape(at, 1), False
        n, m, self.rows = cell.n, at.batch.m, cell.n if cell.reset == "zero" else 1
        self.x, self.one = at.array("x of a step", at.shape[0], m), at.array("one", 1, m)
        self.decay, self.gain, self.local, self.keep, self.signal = (
            at.array(f"{name} of traces", n, m) for name in ("decay", "gain", "local", "keep", "signal")
        )
        self.inputs = {"W": self.x, "U": self.tape.states[0][0], "b": self.one}
        self.traces = {name: self._made(name, self.rows, x) for name, x in self.inputs.items()}
        self.of_threshold = {
            name: self._made(f"the threshold by {name}", n, x) for name, x in self.inputs.items() if cell.adapts
        }
        self.raised = cell.more(at)
        self.sums = {name: at.array(f"sums of {name}", n, x.shape[1]) for name, x in self.inputs.items()}

    def _made(self, name: str, rows: int, x: Array) -> Array:
        inputs, m = x.shape[1:]
        return self.at.array(f"traces of {name}", rows * inputs, m).reshape(-1, rows, inputs, m)

    def run(self) -> None:
        self.counts = self.cell.pays(self.at)
        super().run()
        self.counts = False

    def learn(self, grads: Sums) -> None:
        at, cell, last = self.at, self.cell, self.at.shape[1] - 1
        if pays := cell.pays(at):
            cell.pressed(at)
        for a in self.sums.values():
            a.fill(0)
        arriving = self._by_time(at.delta) if cell.all else None
        for t in self.through():
            if arriving is not None:
                self._take(cell.with_cost(at, arriving[:, :, t]))
            elif t == last or pays:
                self._take(cell.with_cost(at, at.delta if t == last else self.tape.nothing))
        without_diagonal(self.sums["U"])
        for name, found in self.sums.items():
            grads.add(at.names[name], found.reshape(at.w[name].shape))

    def through(self) -> Iterator[int]:
        """The way up; behind each step that comes of it the traces are those of its spikes."""
        backend, rows = self.at.backend, self.rows
        for a in (*self.traces.values(), *self.of_threshold.values()):
            a.fill(0)
        self.one.fill(1)
        self.tape.begin()
        for t in range(self.at.shape[1]):
            self._up(t)
            self._measure()
            for name, x in self.inputs.items():
                backend.trace(self.traces[name], self.decay[:, :rows], self.local[:, :rows], x)
            yield t
            if self.of_threshold:
                backend.evaluate(ADAPTED, self.keep, self.gain, *self.raised, **self.cell.constants)
            for name, trace in self.of_threshold.items():
                backend.trace(trace, self.keep, self.gain, self.traces[name])
            self._go_on()

    def of(self, name: str) -> Array:
        """The traces of W, U or b as they are now, (R, n, inputs, m), made for whoever looks at them."""
        known = self.traces[name]
        if name in self.of_threshold:
            known = known - self.raised[0][:, :, None] * self.of_threshold[name]
        return self.gain[:, :, None] * known

    def _up(self, t: int) -> None:
        super()._up(t)
        if self.counts:
            self.cell.count(self.at, self.tape.states[1:], more=t > 0)

    def _take(self, e: Array) -> None:
        backend, signal = self.at.backend, self.signal
        backend.xp.multiply(self.gain, e, out=signal)
        for name, trace in self.traces.items():
            if self.rows == 1:
                backend.gemm(signal, T(trace[:, 0]), out=self.sums[name], beta=1.0)
            else:
                backend.trace_sums(trace, signal, out=self.sums[name])
        for beta in self.raised:
            backend.evaluate(LOWERED, signal, beta)
        for name, trace in self.of_threshold.items():
            backend.trace_sums(trace, signal, out=self.sums[name])
