"""What recurrent layers share: the way up through time, and back.

h_t is made of W x_t + b, U h_{t-1} and the states before it, by formulas of functions/cells.py, a step after the other;
what all steps need is one product over all of them: W x + b, the gradients of W, U and b, and the signal at the input.

How an error goes back is said by what stands in for U (`Carriers`): U's own transpose, feedback in its place, or None
for a U through which none goes, while the cell's own states, leak and gates, still carry it. That last is what RFLO and
e-prop descend. A pass that `traces` keeps no steps: what comes to the same is carried forward, see traces.py.
"""

from dataclasses import dataclass, replace
from typing import ClassVar

from ...backends.operations.operands import Signal
from ...basics.arguments import whole
from ...basics.arrays import Array, T
from ...basics.errors import InvalidValue
from ...functions.cells import Steps
from ..protocol.carrying import carrier
from ..protocol.layer import At, Layer
from ..protocol.sequences import behind_the_last, widened
from ..protocol.terms import Carriers, Option, Parameter, Shape, Sums
from .tape import Rows, Tape, Views
from .traces import Traces


@dataclass(frozen=True)
class Cell(Layer):
    """`n` units that go through channels x time a step after the other, from states of zero. On goes what they are
    behind the last step, (n,), or with `all` behind each, n x time.

    A class below has its formulas, and in `rows` how many times n rows they have of what; U is called "U", and what it
    is multiplied with is h.
    """

    n: int
    all: bool = False

    rows: ClassVar[Rows]
    spent = True
    timed = by_step = True
    loops = ("U",)
    sample: ClassVar[Shape] = (3, 7)
    options: ClassVar[tuple[Option, ...]] = (
        Option("all", "", sets=("all", True)),
        Option("last", "", sets=("all", False)),
    )

    def __post_init__(self) -> None:
        whole(self.n, f"the units of a {self.word} layer")
        if not isinstance(self.all, bool):
            raise InvalidValue(f"all of a {self.word} layer can't be {self.all!r}; give True or False")

    @property
    def steps(self) -> Steps:
        """Its formulas."""
        raise NotImplementedError(f"{type(self).__name__} must define steps")

    @property
    def constants(self) -> dict[str, float]:
        """The numbers that they take."""
        return {}

    def more(self, at: At) -> tuple[Array, ...]:
        """What a step up takes behind all else, (R, n, 1) each."""
        return ()

    @property
    def every_step(self) -> "Cell":
        return replace(self, all=True)

    def felt(self, shape: Shape) -> Shape:
        if len(shape) != 2:
            raise InvalidValue(
                f"'{self}' can't take an input of the shape {shape}; it takes channels x time, such as of 'input 3x7':"
                " say in front of all blocks what the inputs are, and of a recurrent layer below that all its steps go"
                " on, such as 'gru 6 all'"
            )
        return widened(shape, self.n)

    def out(self, shape: Shape) -> Shape:
        every = self.felt(shape)
        return every if self.all else behind_the_last(self, every)

    def parameters(self, shape: Shape) -> dict[str, Parameter]:
        rows = self.rows.gates * self.n
        return {"W": Parameter((rows, shape[0])), "U": Parameter((rows, self.n)), "b": Parameter((rows,))}

    def tape(self, at: At, steps: int) -> Tape:
        return at.batch.kept(f"{at.path} tape of {steps}", lambda: Tape(at, self.n, self.rows, steps))

    def forward(self, at: At) -> None:
        if at.batch.traces:
            self.traces(at).run()
            return
        tape, W = self.tape(at, at.shape[1]), at.w["W"]
        if at.batch.begins:
            tape.begin()
        sums = tape.sums[:, tape.of_W]
        at.backend.layer(W, by_channels(at, at.x), at.w["b"], None, a=sums, h=sums)
        for t in range(tape.steps):
            self.up(at, tape, t)
        if self.all:
            by_time(at.y, self.n)[...] = tape.every_h
        else:
            at.y[...] = tape.states[-1][0]

    def go_on(self, at: At, before: At) -> None:
        """Begin the next way up from the states that the way up at another place of the layer ended with."""
        tape, other = self.tape(at, at.shape[1]), self.tape(before, before.shape[1])
        for state, last in zip(tape.states[0], other.states[-1], strict=True):
            state[...] = last

    def carried(self, at: At, t: int) -> Views:
        """The states in front of step t, or behind the last, h first, (R, n, m) each."""
        return self.tape(at, at.shape[1]).states[t]

    def came_back(self, at: At) -> Views:
        """dL/d of those in front of the first step, behind `send`."""
        return self.tape(at, at.shape[1]).signals

    def up(self, at: At, tape: Tape, t: int) -> None:
        """Step t, from W x_t + b and the states before it."""
        before, gates = tape.states[t], self.rows.gates
        at.backend.gemm(at.w["U"], before[0], out=tape.u)
        x = tape.at_step[t][:gates]
        arrays = *tape.states[t + 1], *tape.parts[t], *before, *x, *tape.u_rows, *self.more(at)
        at.backend.evaluate(self.steps.up, *arrays, **self.constants)

    def send(self, at: At, carriers: Carriers) -> None:
        """Back from the last step to the first: what arrives at h_t from above and from step t + 1 goes through that
        step; in the end `signals` of the tape have dL/d of the states that the first began from."""
        if at.batch.traces:
            return
        tape = self.tape(at, at.shape[1])
        back = T(at.w["U"]) if carriers is None else carriers[at.names["U"]]
        self.begin_back(at, tape, tape.steps)
        arriving = by_time(at.delta, self.n) if self.all else None
        for t in reversed(range(tape.steps)):
            e = tape.nothing if t < tape.steps - 1 else at.delta
            self.down(at, tape, t, e if arriving is None else arriving[:, :, t], back is not None)
            if back is not None:
                at.backend.gemm(back, tape.deltas[:, tape.of_U], out=tape.signals[0], beta=1.0)
            if at.batch.cut(t):
                self.begin_back(at, tape, t)

    def begin_back(self, at: At, tape: Tape, t: int) -> None:
        """What is at the states in front of step t before the error at the step before: what arrives from beyond, or
        nothing."""
        found = at.batch.arriving.get(at.path, {}).get(t)
        for i, signal in enumerate(tape.signals):
            if found is None:
                signal.fill(0)
            else:
                signal[...] = found[:, i * self.n : (i + 1) * self.n]

    def down(self, at: At, tape: Tape, t: int, e: Array, loops: bool = False) -> None:
        """Back through step t, of what arrives there, (R, n, m), beside the signals from later steps; `loops` says
        whether errors go back through U."""
        deltas = *tape.delta_rows, *tape.at_step[t]
        arrays = *tape.signals, *deltas, e, *tape.parts[t], *tape.states[t]
        at.backend.evaluate(self.steps.down, *arrays, **self.constants)

    def receive(self, at: At, signal: Array, carriers: Carriers) -> None:
        """A signal of its own at each step's h, (R, n * time, m), from which nothing goes to other steps."""
        tape, arriving = self.tape(at, at.shape[1]), by_time(signal, self.n)
        at.delta[...] = signal if self.all else arriving[:, :, -1]
        for t in range(tape.steps):
            for one in tape.signals:
                one.fill(0)
            self.down(at, tape, t, arriving[:, :, t])

    def pull(self, at: At, carriers: Carriers) -> Signal:
        down = at.down
        if at.batch.traces:  # what would be pulled is of all steps, which are not kept
            down.fill(0)
            return Signal(None, down)
        back = carrier(at.w["W"]) if carriers is None else carriers[at.names["W"]]
        tape = self.tape(at, at.shape[1])
        at.backend.gemm(back, tape.sums[:, tape.of_W], out=by_channels(at, down))
        return Signal(None, down)

    def gradients(self, at: At, grads: Sums) -> None:
        if at.batch.traces:
            self.traces(at).learn(grads)
            return
        tape = self.tape(at, at.shape[1])
        before = at.array("h of the steps before", self.n, tape.steps * at.batch.m)
        tape.h_before(out=before.reshape(len(before), self.n, tape.steps, -1))
        of_W, of_U = tape.sums[:, tape.of_W], tape.sums[:, tape.of_U]
        grads.product(at.names["W"], of_W, by_channels(at, at.x))
        grads.product(at.names["U"], of_U, before)
        for name, deltas in (("b", of_W), ("c", of_U[:, -self.n :])):
            if name in at.w:
                grads.sums(at.names[name], deltas)

    def traces(self, at: At) -> Traces:
        return at.batch.kept(f"{at.path} traces", lambda: Traces(at, self))


def by_channels(at: At, x: Array) -> Array:
    """An input of that place, (R, channels, time * m), or without R where the replicas share it."""
    return x.reshape(*x.shape[:-2], at.shape[0], -1)


def by_time(y: Array, n: int) -> Array:
    """(R, n * time, m) as (R, n, time, m)."""
    return y.reshape(len(y), n, -1, y.shape[-1])
