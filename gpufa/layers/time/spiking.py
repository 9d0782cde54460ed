"""Spiking units that leak, integrate and fire, and such units whose threshold adapts (Bellec et al. 2018, 2020).

They are recurrent layers whose h is z, 1 where a unit spikes and else 0. W x, U z and b come as currents, in the unit
of the threshold; times are in ms. A unit has no weight to itself: U's diagonal is zero, and stays so."""

import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from ...basics.arguments import is_number, one_of, shown, whole
from ...basics.arrays import Array, T, without_diagonal
from ...basics.errors import InvalidValue
from ...functions.cells import Steps
from ...functions.spikes import spiking
from ...functions.surrogates import SURROGATES
from ..protocol.layer import At
from ..protocol.terms import Carriers, Option, Parameter, Shape, Sums
from .cell import Cell, by_channels
from .spiketraces import SpikeTraces
from .tape import Rows, Tape

RESETS = "subtract", "zero"
POSITIVE = "tau", "dt", "threshold", "damping", "sharp"
NOT_NEGATIVE = "refractory", "rate", "cost"


@dataclass(frozen=True)
class LIF(Cell):
    """v_t = exp(-dt / tau) v_{t-1} + W x_t + U z_{t-1} + b, z_t = 1 where v_t > threshold, and then v_{t+1} is less by
    the threshold, or with reset "zero" begins from 0. From spike to spike a unit takes `refractory` ms at least.

    dz/dv is damping / threshold * f(sharp (v / threshold - 1)), f being the row `surrogate`, and 0 where a unit can't
    spike. With a `cost` the loss has cost / 2 times the sum over units of (rate found - rate)^2 added to it, of rates
    in spikes a ms over the batch and its time: `rate` itself is in Hz. What is reported as loss is without it."""

    tau: float = 20.0
    dt: float = 1.0
    threshold: float = 1.0
    refractory: float = 0.0
    reset: str = "subtract"
    surrogate: str = "triangle"
    damping: float = 0.3
    sharp: float = 1.0
    rate: float = 10.0
    cost: float = 0.0

    known = spent = True
    word = "lif"
    example = "lif 6"
    rows = Rows(gates=1, states=3, parts=1, sums=1)
    adapts: ClassVar[bool] = False
    options: ClassVar[tuple[Option, ...]] = (
        *Cell.options,
        *(Option("tau", "20"), Option("dt", "1"), Option("threshold", "1"), Option("refractory", "5")),
        *(Option("reset", "zero", RESETS), Option("surrogate", "arctan", tuple(SURROGATES))),
        *(Option("damping", "0.3"), Option("sharp", "1"), Option("rate", "10"), Option("cost", "0.1")),
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in (*self.positive, *NOT_NEGATIVE):
            value, least = getattr(self, name), name in NOT_NEGATIVE
            if not is_number(value) or not math.isfinite(value) or value < 0 or not (least or value):
                wanted = "of at least 0" if least else "above 0"
                raise InvalidValue(f"the {name} of {self.word} can't be {shown(value)}; give a number {wanted}")
        one_of(self.reset, RESETS, f"reset of {self.word}")
        one_of(self.surrogate, tuple(SURROGATES), f"surrogate of {self.word}")

    @property
    def positive(self) -> tuple[str, ...]:
        """The fields that are numbers above 0."""
        return POSITIVE

    @property
    def priced(self) -> bool:  # type: ignore[override]
        return self.cost > 0

    @property
    def steps(self) -> Steps:
        return spiking(SURROGATES[self.surrogate], self.reset == "zero", self.adapts)

    @property
    def constants(self) -> dict[str, float]:
        return {
            "decay": math.exp(-self.dt / self.tau),
            "threshold": float(self.threshold),
            "refractory": float(round(self.refractory / self.dt)),
            "height": self.damping / self.threshold,
            "width": self.sharp / self.threshold,
            "rho": 0.0,
            "open": 0.0,
        }

    def parameters(self, shape: Shape) -> dict[str, Parameter]:
        own = super().parameters(shape)
        return {**own, "U": own["U"]._replace(hollow=True)}

    def forward(self, at: At) -> None:
        super().forward(at)
        if self.pays(at) and not at.batch.traces:
            self.count(at, self.tape(at, at.shape[1]).states[1:])

    def pays(self, at: At) -> bool:
        """Whether its rates cost something there."""
        return self.priced and at.batch.costs

    def count(self, at: At, behind: list[tuple[Array, ...]], more: bool = False) -> None:
        """Of the states behind some steps, or `more` of them, how many spikes there are a sample and step."""
        rates, share = at.array("rates", self.n), 1 / (at.batch.m * at.shape[1])
        for t, states in enumerate(behind):
            at.backend.row_sums(states[0], rates, share, float(more or t > 0))

    def pressed(self, at: At) -> Array:
        """What the cost of the rates sends to z at every step, (R, n, 1): dcost/dz for each sample, times as many terms
        as its error is divided by."""
        rates, out = at.array("rates", self.n), at.array("signal of rates", self.n, 1)
        if at.batch.all is not None:
            at.batch.all.over(rates)
        xp = at.backend.xp
        xp.subtract(rates[..., None], self.rate * self.dt / 1000, out=out)
        xp.multiply(out, self.cost / self.dt**2 / at.shape[1] * at.batch.terms, out=out)
        return out

    def send(self, at: At, carriers: Carriers) -> None:
        if self.pays(at) and not at.batch.traces:
            self.pressed(at)
        super().send(at, carriers)

    def receive(self, at: At, signal: Array, carriers: Carriers) -> None:
        if self.pays(at):
            self.pressed(at)
        super().receive(at, signal, carriers)

    def down(self, at: At, tape: Tape, t: int, e: Array, loops: bool = False) -> None:
        deltas, numbers = (*tape.delta_rows, *tape.at_step[t]), {**self.constants, "open": float(loops)}
        arrays = *tape.signals, *deltas, self.with_cost(at, e), *tape.parts[t], *tape.states[t], *self.more(at)
        at.backend.evaluate(self.steps.down, *arrays, **numbers)

    def with_cost(self, at: At, e: Array) -> Array:
        """What arrives at z, and what the cost of the rates sends there, as `pressed` has left it."""
        if not self.pays(at):
            return e
        out = at.array("signal with that of rates", self.n, at.batch.m)
        at.backend.xp.add(e, at.array("signal of rates", self.n, 1), out=out)
        return out

    def gradients(self, at: At, grads: Sums) -> None:
        if at.batch.traces:
            self.traces(at).learn(grads)
            return
        tape, dU = self.tape(at, at.shape[1]), at.array("gradient of U", self.n, self.n)
        before = at.array("h of the steps before", self.n, tape.steps * at.batch.m)
        tape.h_before(out=before.reshape(len(before), self.n, tape.steps, -1))
        grads.product(at.names["W"], tape.sums, by_channels(at, at.x))
        at.backend.gemm(tape.sums, T(before), out=dU)
        grads.add(at.names["U"], without_diagonal(dU))
        grads.sums(at.names["b"], tape.sums)

    def traces(self, at: At) -> SpikeTraces:
        return at.batch.kept(f"{at.path} traces", lambda: SpikeTraces(at, self))


@dataclass(frozen=True)
class ALIF(LIF):
    """As LIF, with a threshold that a unit's own spikes raise: threshold + beta a_t, a_t = exp(-dt / tau_a) a_{t-1} +
    z_{t-1}. Of the units the last `adapting` have such a threshold, all where it is not said; the others' beta is 0."""

    tau_a: float = 200.0
    beta: float = 0.07
    adapting: int | None = None

    word = "alif"
    example = "alif 6"
    known = True
    rows = Rows(gates=1, states=4, parts=1, sums=1)
    adapts = True
    options: ClassVar[tuple[Option, ...]] = (
        *LIF.options,
        *(Option("tau_a", "200"), Option("beta", "0.07"), Option("adapting", "3")),
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.adapting is not None and whole(self.adapting, "the adapting units of alif", most=self.n) == self.n:
            object.__setattr__(self, "adapting", None)

    @property
    def positive(self) -> tuple[str, ...]:
        return (*POSITIVE, "tau_a", "beta")

    @property
    def constants(self) -> dict[str, float]:
        return {**super().constants, "rho": math.exp(-self.dt / self.tau_a)}

    @property
    def betas(self) -> NDArray[np.float64]:
        """By unit, (n,)."""
        return np.where(np.arange(self.n) < self.n - (self.adapting or self.n), 0.0, self.beta)

    def more(self, at: At) -> tuple[Array, ...]:
        """beta of each unit, (1, n, 1), or of all of them."""
        some = slice(None) if self.adapting else slice(1)
        return (at.batch.constant(f"{at.path} beta", lambda: self.betas[None, some, None]),)
