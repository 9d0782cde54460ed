"""The smallest net that feedback alignment trains: y = w_2 w_1 x learns y = x through the feedback b.

    w_1' = b (1 - w_1 w_2) <x x>,   w_2' = w_1 (1 - w_1 w_2) <x x>

With a negative b the flow is that of -b with both weights negated; so trajectories are drawn as for b > 0.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from ..plots import style
from ..runs.run import train
from ..training.course.callbacks import Callback
from .outcome import Outcome

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from ..training.trainer import Trainer

REACH = 2.2  # the weights that are shown
NETS = 16


class Weights(Callback):
    """(w_1, w_2) of every replica before the first step and after each, (steps + 1, 2, R)."""

    def __init__(self) -> None:
        self.seen: list[Any] = []

    def on_start(self, trainer: "Trainer") -> None:
        net = trainer.net
        self.flip = np.sign(net.backend.to_host(net.fixed["B1"])[:, 0, 0])
        self.on_step(trainer)

    def on_step(self, trainer: "Trainer") -> None:
        arena = trainer.net.arena
        self.seen.append([self.flip * trainer.net.backend.to_host(arena[name])[:, 0, 0] for name in ("W1", "W2")])


def phase(cells: dict[str, Outcome], wanted: Mapping[str, Any]) -> "Figure":
    """The flow, where it rests (w_1 w_2 = 1), and what training does from sixteen starts."""
    (outcome,) = cells.values()
    recorded = Weights()
    train(outcome.cell.config(seeds=range(NETS)), callbacks=[recorded])
    figure, ((axes,),) = style.panels(1, 1, 5.5, 5)
    w1, w2 = np.meshgrid(*[np.linspace(-REACH, REACH, 25)] * 2)
    error = 1 - w1 * w2
    axes.streamplot(w1, w2, error, w1 * error, color="#bbbbbb", linewidth=0.8, arrowsize=0.8, density=1.2)
    curve = np.linspace(1 / REACH, REACH, 100)
    for sign in (-1, 1):
        axes.plot(sign * curve, sign / curve, color=style.COLOURS[1], label="$w_1 w_2 = 1$" if sign > 0 else None)
    paths = np.array(recorded.seen)
    axes.plot(paths[:, 0], paths[:, 1], color=style.COLOURS[0], linewidth=1.5)
    axes.plot(paths[0, 0], paths[0, 1], "o", color=style.COLOURS[0], markersize=4, label="starts")
    axes.set(xlim=(-REACH, REACH), ylim=(-REACH, REACH), xlabel="$w_1$", ylabel="$w_2$", aspect="equal")
    axes.legend(loc="upper left")
    return figure
