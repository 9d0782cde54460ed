"""Pictures of nets that go through time: how far signals point right the further back they are, spikes, and traces."""

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..basics.errors import InvalidValue
from ..data.samples.target import by_name
from ..layers.protocol.layer import At
from ..layers.time.cell import Cell
from ..layers.time.spiking import LIF
from ..measure.alignment import by_place
from .style import COLOURS, look, panels
from .subject import Subject

if TYPE_CHECKING:
    from matplotlib.figure import Figure

UNITS = 60  # of which spikes are drawn, at most
CLOSE = 3  # units whose potential is drawn
LINES = 4  # weights whose traces are drawn


def lags(subject: Subject) -> "Figure":
    """The angle of each recurrent layer's error signal with backprop's at each step, against how far it is from the
    last."""
    net = subject.trained
    chosen = _places(subject, Cell, "no layer goes through time; train one with --layers 'input 8x8' 'turn, gru 32'")
    if "signals" not in net.rule.makes:
        raise InvalidValue(f"rule {subject.rule!r} has no error signals to hold against backprop's")
    found = []
    for signals in (net.signals, net.backprop_signals):
        signals(subject.samples, by_name(subject.targets, net.about))
        found.append([_deltas(at, len(subject.samples)) for _, at in chosen])
    figure, ((axes,),) = panels(1, 1, 6, 4)
    for i, ((k, at), ours, true) in enumerate(zip(chosen, *found, strict=True)):
        degrees = by_place(ours, true)
        axes.plot(np.arange(len(degrees))[::-1], degrees, label=f"layer {k}: {at.layer.word}", **look(i))
    axes.set(xlabel="steps before the last", ylabel="angle with backprop's delta, degrees", ylim=(0, 95))
    axes.axhline(90, color="grey", linestyle=":", linewidth=1)
    axes.legend()
    return figure


def spikes(subject: Subject) -> "Figure":
    """What the first spiking layer does with one test sample: which units spike when, and the potential of the units
    that do so most, in thresholds."""
    (_, at), number = _spiking(subject)
    layer, tape = at.layer, at.layer.tape(at, at.shape[1])
    z, v = (np.array([states[i][0, :, 0] for states in tape.states[1:]]) for i in range(2))
    ms = (1 + np.arange(len(z))) * layer.dt
    figure, axes = panels(2, 1, 7.5, 2.7)
    drawn = _most(z.sum(axis=0), UNITS)
    steps, units = np.nonzero(z[:, np.sort(drawn)])
    axes[0, 0].scatter(ms[steps], units, s=4, marker="|", color=COLOURS[0])
    rate = 1000 * z.mean() / layer.dt
    axes[0, 0].set(ylabel="unit", title=f"test sample {number}: {rate:.0f} Hz in the mean over {z.shape[1]} units")
    for i, unit in enumerate(drawn[:CLOSE]):
        colour = COLOURS[i]
        axes[1, 0].plot(ms, v[:, unit] / layer.threshold, color=colour, linewidth=1, label=f"unit {unit}")
        if layer.adapts:
            a = np.array([states[2][0, unit, 0] for states in tape.states[1:]])
            raised = 1 + layer.betas[unit] / layer.threshold * a
            axes[1, 0].plot(ms, raised, color=colour, linewidth=1, linestyle="--")
        axes[1, 0].plot(ms[z[:, unit] > 0], v[z[:, unit] > 0, unit] / layer.threshold, ".", color=colour, markersize=6)
    if not layer.adapts:
        axes[1, 0].axhline(1, color="grey", linestyle="--", linewidth=1)
    axes[1, 0].set(xlabel="time, ms", ylabel="potential, thresholds")
    axes[1, 0].legend()
    for one in axes[:, 0]:
        one.set_xlim(0, ms[-1] + layer.dt)
    return figure


def traces(subject: Subject) -> "Figure":
    """The eligibility traces of the first spiking layer's weights on one test sample, those that are largest."""
    (_, at), number = _spiking(subject)
    names, carried = ("W", "U"), at.layer.traces(at)
    every = [[carried.of(name)[0, ..., 0] for name in names] for _ in carried.through()]
    figure, axes = panels(2, 1, 7.5, 2.7)
    ms = (1 + np.arange(len(every))) * at.layer.dt
    for one, name, own in zip(axes[:, 0], names, (np.array(each) for each in zip(*every, strict=True)), strict=True):
        if name == "U":
            own[:, np.arange(own.shape[1]), np.arange(own.shape[1])] = 0
        for i, flat in enumerate(_most(np.abs(own).sum(axis=0).ravel(), LINES)):
            row, column = np.unravel_index(flat, own.shape[1:])
            style = {"color": COLOURS[i], "linewidth": 1}
            one.plot(ms, own[:, row, column], label=f"${name}_{{{row},{column}}}$", **style)
        one.set(ylabel=f"traces of {name}", xlim=(0, ms[-1] + at.layer.dt))
        one.legend()
    axes[0, 0].set_title(f"test sample {number}")
    axes[1, 0].set_xlabel("time, ms")
    return figure


def _places(subject: Subject, kind: type[Cell], gap: str) -> list[tuple[int, At]]:
    """Where the layers of that kind stand, with their blocks, when the net has seen the samples. Raises InvalidValue
    where there is none."""
    net = subject.trained
    wanted = [k for k in net.sizes.hidden if any(isinstance(layer, kind) for layer, _ in net.sizes.walk(k))]
    if not wanted:
        raise InvalidValue(gap)
    net.signals(subject.samples, by_name(subject.targets, net.about))
    p = net.pass_for(len(subject.samples))
    return [(k, at) for k in wanted for at in p.layered[k].at.leaves() if isinstance(at.layer, kind)]


def _deltas(at: At, samples: int) -> NDArray:
    """Of the first seed, (samples, rows, steps)."""
    sums: Any = at.layer.tape(at, at.shape[1]).sums[0]  # type: ignore[attr-defined]
    return np.moveaxis(np.array(sums, float).reshape(len(sums), -1, samples), -1, 0)


def _spiking(subject: Subject) -> tuple[tuple[int, Any], int]:
    """Where the first spiking layer stands, when the net has seen one test sample, and that sample's number."""
    number, row = next(iter(subject.examples.items()))
    one = Subject(
        subject.name, subject.history, subject.rule, subject.network, subject.samples[[row]], subject.targets[[row]]
    )
    return _places(
        one, LIF, "no layer spikes; train one with --layers 'input 8x8' 'turn, lif 32 all, lowpass 20 last'"
    )[0], number


def _most(amounts: NDArray, count: int) -> NDArray:
    """Which are the largest, so many at most, in order."""
    return np.argsort(-amounts, kind="stable")[:count]
