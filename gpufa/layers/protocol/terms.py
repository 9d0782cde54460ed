"""What a layer says of itself, and what it may ask of the pass that it stands in."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, Protocol

from numpy.typing import NDArray

from ...backends import Backend
from ...backends.operations.columns import Maps
from ...backends.operations.edges import Adjacency
from ...backends.operations.norms import Over
from ...basics.arrays import Array
from ...basics.random import Purpose

Shape = tuple[int, ...]  # of an activity, without replicas in front and samples behind
# By parameter, what carries a signal back in its place, see `carrier`; None of a recurrent one through which none goes.
Carriers = Mapping[str, Array] | None


class Parameter(NamedTuple):
    """An array that is trained. It starts from a number; where that is None, matrices and kernels, (filters, channels,
    height, width), (filters, channels, time) or, where each place has its own, (filters, down, across, channels,
    height, width), start as the net's `init` says, and vectors from zero. A `hollow` matrix starts with zeros on its
    diagonal, and the layer's gradients leave them there."""

    shape: Shape
    start: float | None = None
    hollow: bool = False


class State(NamedTuple):
    """An array that a layer measures from step to step, and that no optimizer touches; the number that it starts
    from."""

    shape: Shape
    start: float = 0.0


class Option(NamedTuple):
    """A word that may follow a layer's numbers, with an example of what follows it, "" where that is nothing; `words`
    may stand there in place of numbers, and `sets` is a field and its value where the option alone says it."""

    name: str
    example: str
    words: tuple[str, ...] = ()
    sets: tuple[str, Any] | None = None


class All(NamedTuple):
    """What statistics of a batch go over, where this process has a part of it: so many samples, and `over` makes of
    means over its own those over them all."""

    m: int
    over: Over


class Batch(Protocol):
    """What a layer may ask of the pass that it stands in: `inputs` is what that has let in, (R, n_0, m) or (n_0, m),
    and `outputs_by` the name of the matrix that makes the outputs."""

    backend: Backend
    seeds: Sequence[int]
    m: int
    state: Mapping[str, Array]
    all: All | None
    begins: bool  # whether steps in time begin from states of zero
    terms: float  # of how many terms of a sample the loss is the mean: its places, or as many as have a target
    costs: bool  # whether what a layer costs by itself, beside the loss, counts
    # By path, and by a step that errors don't go back from, or behind the last, what arrives at the states in front.
    arriving: Mapping[str, Mapping[int, Array]]

    @property
    def traces(self) -> bool:
        """Whether layers carry traces forward in place of their steps."""

    def cut(self, t: int) -> bool:
        """Whether no error goes back from step t to the one before it."""

    @property
    def training(self) -> bool: ...

    @property
    def dropping(self) -> bool: ...

    @property
    def step(self) -> Array: ...

    @property
    def inputs(self) -> Array: ...

    @property
    def outputs_by(self) -> str: ...

    def array(self, name: str, *shape: int) -> Array: ...

    def constant(self, name: str, make: Callable[[], NDArray]) -> Array: ...

    def kept(self, name: str, make: Callable[[], Any]) -> Any: ...

    def dropout(self, out: Array, drop: float, stream: int) -> None: ...

    def random(self, law: str, out: Array, stream: int, *, by_sample: bool, purpose: Purpose) -> None: ...
    def adjacency(self, by: str, loops: bool) -> Adjacency: ...


class Sums(Protocol):
    """Where a layer's gradients go, see Gradients."""

    def product(self, name: str, delta: Array, h: Array, factor: float = 1.0) -> None: ...

    def sums(self, name: str, delta: Array, factor: float = 1.0) -> None: ...

    def filters(self, name: str, maps: Maps) -> None: ...

    def look_ups(self, name: str, delta: Array, tokens: Array) -> None: ...

    def add(self, name: str, g: Array) -> None: ...
