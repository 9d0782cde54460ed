"""What a run offers to draw."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..basics.errors import GpufaError, InvalidValue
from ..checkpoints import networks, provenance
from ..data.samples.target import by_name
from ..functions.parts import Part
from ..measure.history import History
from ..net.given import network_input, network_target
from ..network import Network
from ..rules import Rule
from .style import plain, spread

LONGEST_TITLE = 60  # characters of a run's name
SAMPLES = 1000  # test samples that a picture is made of, at most
PLACED = 16  # the same at least of samples with a target at each place
SHOWN = 3  # of them that are drawn one by one where none are chosen


@dataclass(frozen=True)
class Subject:
    """A run's history, its rule's name, its network, and test samples: x as the data have it, y labels or real targets,
    `numbers` where they stand in the test data, of which `shown` are to be drawn one by one. Targets at places are
    `placed_y`, and no y, which pictures of samples with one target are made of.

    Where there is no network, or there are no samples, `gap` says in one sentence why.
    """

    name: str
    history: History
    rule: str = ""
    network: Network | None = None
    x: NDArray | None = None
    y: NDArray | None = None
    numbers: Sequence[int] = ()
    shown: Sequence[int] = ()
    placed_y: NDArray | None = None
    gap: str = "only the history was given; read the whole run with plots.read"

    @property
    def title(self) -> str:
        """The run and its rule."""
        return ": ".join(part for part in (plain(self.name, LONGEST_TITLE), self.rule and f"rule {self.rule}") if part)

    @property
    def classes(self) -> tuple[str, ...]:
        """The classes' names as a picture takes them."""
        about = self.trained.about
        names = about.classes if about and about.classes else map(str, range(self.trained.sizes.outputs))
        return tuple(map(plain, names))

    @property
    def trained(self) -> Network:
        """The network; this and what follows raise InvalidValue where it is missing."""
        return self._given(self.network)

    @property
    def targets(self) -> NDArray:
        """y of the test samples."""
        return self._given(self.y)

    @property
    def taught(self) -> NDArray:
        """The same, or targets at places."""
        return self._given(self.y if self.placed_y is None else self.placed_y)

    @property
    def inputs(self) -> NDArray:
        """x of the test samples, as the data have it."""
        return self._given(self.x)

    @property
    def samples(self) -> NDArray:
        """x of the test samples, (samples, n_0)."""
        x = np.asarray(self._given(self.x))
        return x.reshape(len(x), -1)

    @property
    def outputs(self) -> NDArray:
        """What the network predicts, (R, samples, n_L)."""
        outputs = self.trained.predict(self._given(self.x))
        return outputs[None] if self.trained.single else outputs

    @cached_property
    def signals(self) -> dict[str, NDArray]:
        """Network.signals of the first seed."""
        found = self.trained.signals(self.inputs, by_name(self.taught, self.trained.about))
        return found if self.trained.single else {name: signal[0] for name, signal in found.items()}

    @cached_property
    def backprop_signals(self) -> dict[str, NDArray]:
        """Network.backprop_signals of the first seed."""
        found = self.trained.backprop_signals(self.inputs, by_name(self.taught, self.trained.about))
        return found if self.trained.single else {name: signal[0] for name, signal in found.items()}

    @property
    def examples(self) -> dict[int, int]:
        """The samples to be drawn one by one, a few where none are chosen: by number in the test data the row of x."""
        numbers = list(self.numbers) or list(range(len(self._given(self.x))))
        return {n: numbers.index(n) for n in self.shown or spread(numbers, SHOWN)}

    @property
    def placed(self) -> list[int]:
        """The hidden blocks whose output has places. Raises InvalidValue where there is none."""
        found = [k for k in self.hidden if len(self.trained.sizes.shapes[k]) > 1]
        if not found:
            raise InvalidValue(
                "no hidden layer has maps; train one with --layers 'input 1x8x8' 'conv 8 3x3 relu' in place of --hidden"
            )
        return found

    @property
    def hidden(self) -> range:
        """The hidden layers, of which there is one at least."""
        if not self.trained.sizes.hidden:
            raise InvalidValue("the net has no hidden layer; train one with --hidden 256")
        return self.trained.sizes.hidden

    def _given(self, value: Any) -> Any:
        if value is None:
            raise InvalidValue(self.gap)
        return value


def of_history(file: Path, arrays: Mapping[str, NDArray], metadata: Mapping[str, Any]) -> Subject:
    """Of a run's checkpoint its history alone."""
    history = History.from_arrays(tuple(metadata["network"]["seeds"]), networks.inside("history", arrays))
    return Subject(file.resolve().parent.name, history, metadata["network"]["rule"]["name"])


def read(
    path: str | Path,
    rule: type[Rule] | None = None,
    data: str | Path | None = None,
    parts: Sequence[Part | str] = (),
    shown: Sequence[int] = (),
) -> Subject:
    """The subject that a run's folder or checkpoint holds, its network on the CPU, with samples of the run's test data,
    or of the set or file `data` (see provenance.samples_of).

    Samples are evenly chosen where there are more than SAMPLES. A rule and parts of your own are handed in as in
    gpufa.load; without them, or without the data, the subject has a gap. `shown` are numbers of samples to be drawn one
    by one, the first of the test data being 0. Raises FileProblem for a missing or damaged checkpoint, what samples_of
    raises for `data`, and InvalidValue for a number that no sample has.
    """
    file = networks.checkpoint_of(path)
    bare, net = of_history(file, *networks.contents(file)), None
    name, history, by = bare.name, bare.history, bare.rule
    try:
        net = networks.load(file, "numpy", rule, parts=parts)
        if net.graph is not None:
            raise InvalidValue("no picture is made of some of a graph's nodes, as each hangs on others")
        x, y, _ = provenance.samples_of(file, net, data)
        if y is None:
            raise InvalidValue(f"{data} holds no labels or targets; name data that have some with --data")
        check_shown(shown, len(x))
        most = max(SAMPLES // net.sizes.places, PLACED)
        evenly = np.linspace(0, len(x) - 1, min(most, len(x))).astype(int)
        chosen = np.union1d(evenly, np.array(shown, int))
        x, y = x[chosen], y[chosen]
        network_target(net, by_name(y, net.about), len(network_input(net, x)))
        if net.sizes.places > 1:
            gap = f"pictures of targets are of one each, and the net has one at each of {net.sizes.places} places"
            of_one = f"{gap}; draw the run's curves"
            return Subject(name, history, by, net, x, None, chosen.tolist(), tuple(shown), placed_y=y, gap=of_one)
    except GpufaError as error:
        if data is not None or shown:
            raise
        return Subject(name, history, by, net, gap=str(error))
    return Subject(name, history, by, net, x, y, chosen.tolist(), tuple(shown))


def check_shown(shown: Sequence[int], samples: int) -> None:
    """Raise InvalidValue where the test data have no sample of one of these numbers."""
    for n in shown:
        if not 0 <= n < samples:
            raise InvalidValue(f"there is no test sample {n} to show; the numbers are 0 to {samples - 1}")
