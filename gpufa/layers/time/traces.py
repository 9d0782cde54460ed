"""Eligibility traces: what a recurrent layer carries forward in time in place of its steps.

Of each weight and sample there is one, how far the state of its unit goes with it while no error goes back through U:
trace_t = decay_t trace_{t-1} + local_t input_t. A gradient is the sum over steps of gain_t dL/dh_t trace_t, dL/dh_t
being what arrives at the layer's output there (Murray 2019; Bellec et al. 2020). It is to rounding what `Cell.send`
comes to with None for U, and the memory for it does not grow with the number of steps. The layer goes through them
twice: on the way up, and once more when it learns, as the error is there then.
"""

from typing import ClassVar, Protocol

from ...basics.arrays import Array
from ...functions.cells import Steps
from ..protocol.layer import At
from ..protocol.terms import Sums
from .tape import Rows, Tape, by_rows


class Traced(Protocol):
    """What is asked of a layer that has them. Decay and gain of U's rows are those of W's."""

    rows: ClassVar[Rows]

    @property
    def n(self) -> int: ...

    @property
    def all(self) -> bool: ...

    @property
    def steps(self) -> Steps: ...

    @property
    def constants(self) -> dict[str, float]: ...

    def tape(self, at: At, steps: int) -> Tape: ...

    def up(self, at: At, tape: Tape, t: int) -> None: ...


class Traces:
    """The traces of one place, (R, rows, inputs, m), of W, U and the biases, and the sums that they come to."""

    def __init__(self, at: At, cell: Traced) -> None:
        self.at, self.cell, self.tape, m = at, cell, cell.tape(at, 1), at.batch.m
        n, rows, channels = cell.n, cell.rows.gates * cell.n, at.shape[0]
        self.x, self.one = at.array("x of a step", channels, m), at.array("one", 1, m)
        self.decay, self.gain, self.signal = (
            at.array(f"{name} of traces", rows, m) for name in ("decay", "gain", "signal")
        )
        self.local = at.array("local of traces", cell.rows.sums * n, m)
        of_W, of_U, h = self.local[:, self.tape.of_W], self.local[:, self.tape.of_U], self.tape.states[0][0]
        self.weights = {"W": (rows, channels, of_W, self.x), "U": (rows, n, of_U, h), "b": (rows, 1, of_W, self.one)}
        if "c" in at.w:
            self.weights["c"] = (n, 1, of_U[:, -n:], self.one)
        self.traces = {
            name: at.array(f"traces of {name}", count * inputs, m).reshape(-1, count, inputs, m)
            for name, (count, inputs, *_) in self.weights.items()
        }
        self.sums = {
            name: at.array(f"sums of {name}", count, inputs) for name, (count, inputs, *_) in self.weights.items()
        }

    def run(self) -> None:
        """The way up."""
        self.tape.begin()
        y = self._by_time(self.at.y) if self.cell.all else None
        for t in range(self.at.shape[1]):
            self._up(t)
            self._go_on()
            if y is not None:
                y[:, :, t] = self.tape.states[0][0]
        if y is None:
            self.at.y[...] = self.tape.states[0][0]

    def learn(self, grads: Sums) -> None:
        """The way up once more, with the traces, and what the signal at the output makes of them."""
        at, backend, last = self.at, self.at.backend, self.at.shape[1] - 1
        for a in (*self.traces.values(), *self.sums.values()):
            a.fill(0)
        self.one.fill(1)
        self.tape.begin()
        arriving = self._by_time(at.delta) if self.cell.all else None
        for t in range(last + 1):
            self._up(t)
            self._measure()
            for name, (count, _, local, x) in self.weights.items():
                backend.trace(self.traces[name], self.decay[:, :count], local, x)
            self._go_on()
            if arriving is not None:
                self._take(arriving[:, :, t])
            elif t == last:
                self._take(at.delta)
        for name, found in self.sums.items():
            grads.add(at.names[name], found.reshape(at.w[name].shape))

    def _up(self, t: int) -> None:
        at, sums = self.at, self.tape.sums
        x = at.x.reshape(*at.x.shape[:-2], *at.shape, at.batch.m)
        self.x[...] = x[..., t, :]
        of_W = sums[:, self.tape.of_W]
        at.backend.layer(at.w["W"], self.x, at.w["b"], None, a=of_W, h=of_W)
        self.cell.up(at, self.tape, 0)

    def _measure(self) -> None:
        """What traces decay by, what is added to them, and what a signal is multiplied with."""
        n = self.cell.n
        rows = (one for a in (self.decay, self.gain, self.local) for one in by_rows(a, n))
        arrays = *rows, *self.tape.parts[0], *self.tape.states[0]
        self.at.backend.evaluate(self.cell.steps.traced, *arrays, **self.cell.constants)

    def _take(self, e: Array) -> None:
        """Let the signal at h_t, (R, n, m), meet the traces."""
        for gain, signal in zip(by_rows(self.gain, self.cell.n), by_rows(self.signal, self.cell.n), strict=True):
            self.at.backend.xp.multiply(gain, e, out=signal)
        for name, (count, *_) in self.weights.items():
            self.at.backend.trace_sums(self.traces[name], self.signal[:, :count], out=self.sums[name])

    def _go_on(self) -> None:
        """The states behind the step are those that the next begins from."""
        for before, behind in zip(*self.tape.states, strict=True):
            before[...] = behind

    def _by_time(self, y: Array) -> Array:
        return y.reshape(len(y), self.cell.n, -1, y.shape[-1])
