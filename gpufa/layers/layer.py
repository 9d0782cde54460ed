"""What a layer is: a frozen dataclass of hyperparameters that knows shapes, its way up and its own way down.

Layers know nothing of rules. Whatever a layer needs of a pass it finds in the place where it stands, an `At`.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple, Protocol

from ..backends import Backend
from ..backends.operands import Signal
from ..basics.arrays import Array

Shape = tuple[int, ...]  # of an activity, without replicas in front and samples behind
Carriers = Mapping[str, Array] | None  # by parameter, what carries a signal back in place of its transpose


class Parameter(NamedTuple):
    """An array that is trained; matrices start as the net's `init` says, vectors from zero."""

    shape: Shape


class Batch(Protocol):
    """What a layer may ask of the pass that it stands in."""

    backend: Backend
    seeds: Sequence[int]
    m: int

    @property
    def dropping(self) -> bool: ...

    @property
    def step(self) -> Array: ...

    def array(self, name: str, *shape: int) -> Array: ...


class Sums(Protocol):
    """Where a layer's gradients go, see Gradients."""

    def product(self, name: str, delta: Array, h: Array, factor: float = 1.0) -> None: ...

    def sums(self, name: str, delta: Array, factor: float = 1.0) -> None: ...


class At:
    """Where a layer stands in a pass: made once, all of it arrays that stay where they are.

    x, y     what comes in, as whoever is below has left it, and what goes out, (R, *shape, m)
    delta    the signal at y
    w        its parameters, by the layer's own names, and `names` those that the net has for them
    stream   a number of its own, for random numbers
    inside   the places of the layers that it is made of
    """

    def __init__(
        self,
        layer: "Layer",
        batch: Batch,
        shape: Shape,
        parameters: Mapping[str, Array],
        suffixes: Iterator[str],
        streams: Iterator[int],
        y: Array,
        delta: Array,
        path: str,
    ) -> None:
        self.layer, self.batch, self.backend, self.shape, self.path = layer, batch, batch.backend, shape, path
        self.parameters, self.suffixes, self.streams = parameters, suffixes, streams
        self.stream = next(streams)
        self.x, self.y, self.delta = None, y, delta
        own = layer.parameters(shape)
        suffix = next(suffixes) if own else ""
        self.names = {name: name + suffix for name in own}
        self.w = {name: parameters[full] for name, full in self.names.items()}
        self.inside: tuple[At, ...] = layer.inside(self)

    def array(self, name: str, *shape: int) -> Array:
        """Work space of this place alone, (R, *shape), kept under its name."""
        return self.batch.array(f"{self.path} {name}", *shape)

    def leaves(self) -> Iterator["At"]:
        """The places in here of layers that are made of no others, or this one itself."""
        if not self.inside:
            yield self
        for place in self.inside:
            yield from place.leaves()

    def put(self, layer: "Layer", number: int, shape: Shape, y: Array = None, delta: Array = None) -> "At":
        """A place inside this one, with an output and a signal of its own where none is given."""
        out, path = layer.out(shape), f"{self.path}.{number}"
        y, delta = (
            self.batch.array(f"{path} {what}", *out, self.batch.m) if given is None else given
            for what, given in (("y", y), ("delta", delta))
        )
        return At(layer, self.batch, shape, self.parameters, self.suffixes, self.streams, y, delta, path)


@dataclass(frozen=True)
class Layer:
    """Base of all layers. `str` of a layer is its word, which `block` reads back; `example` is such a word."""

    word: ClassVar[str] = ""
    example: ClassVar[str] = ""

    def __str__(self) -> str:
        return " ".join([self.word, *map(str, vars(self).values())])

    def out(self, shape: Shape) -> Shape:
        """The shape of what it makes of an input of that shape; raises InvalidValue where that can't enter."""
        return shape

    def parameters(self, shape: Shape) -> dict[str, Parameter]:
        """What it learns, by its own names."""
        return {}

    def inside(self, at: At) -> tuple[At, ...]:
        """The places of the layers that it is made of."""
        return ()

    def walk(self, shape: Shape) -> Iterator[tuple["Layer", Shape]]:
        """The layers that are made of no others, from the input up, with the shape of their input."""
        yield self, shape

    def forward(self, at: At) -> None:
        """y from x."""
        raise NotImplementedError(f"{type(self).__name__} must define forward(at)")

    def send(self, at: At, carriers: Carriers) -> None:
        """The signal has arrived in at.delta: let it go down inside."""

    def pull(self, at: At, carriers: Carriers) -> Signal:
        """J^T delta, the signal at x, through the weights or what stands in for them."""
        raise NotImplementedError(f"{type(self).__name__} must define pull(at, carriers)")

    def gradients(self, at: At, grads: Sums) -> None:
        """Hand over the gradients of its parameters, from x and delta."""


def write(backend: Any, signal: Signal, out: Array) -> None:
    """The signal into `out`, (R, n, m)."""
    if signal.matrix is None:
        out[...] = signal.signal
    else:
        backend.gemm(signal.matrix, signal.signal, out=out)
    if signal.plus is not None:
        out += signal.plus
