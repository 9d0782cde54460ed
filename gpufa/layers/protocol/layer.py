"""What a layer is: a frozen dataclass of hyperparameters that knows shapes, its way up and its own way down.

Layers know nothing of rules. Whatever a layer needs of a pass it finds in the place where it stands, an `At`.
A shape is (units,), or (channels, height, width) or (channels, time) of units that have a place; in memory all are
(R, units, m).
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from copy import copy
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from ...backends.operations.operands import Factors, Signal
from ...backends.operations.places import Windows
from ...basics.arrays import Array
from .terms import Batch, Carriers, Parameter, Shape, State, Sums
from .traits import Traits


class At:
    """Where a layer stands in a pass: made once, all of it arrays that stay where they are.

    shape    of its input, and `units` of that, `out` of its output
    x, y     what comes in, as whoever is below has left it, and what goes out, (R, units, m)
    delta    the signal at y, which a pass that only goes up never has: there from its first use on
    factors  what delta is known to be the product of, where its layer is at places
    w        its parameters, by the layer's own names, and `names` those that the net has for them
    state    what it measures from step to step, by its own names
    stream   a number of its own, for random numbers
    inside   the places of the layers that it is made of
    below    the place whose output is its input, in a chain
    straight what arrives at y from elsewhere in place of what the layer above hands down, None where nothing does
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
        top: "At | None" = None,
    ) -> None:
        self.layer, self.batch, self.backend, self.shape, self.path = layer, batch, batch.backend, shape, path
        self.units, self.out = math.prod(shape), layer.out(shape)
        self.parameters, self.suffixes, self.streams = parameters, suffixes, streams
        self.stream = next(streams)
        self.x: Array = None
        self.y, self.top = y, top
        self._factors: Factors | None = None
        if delta is not None:
            self.delta = delta
        self.below: At | None = None
        self.straight: Array = None
        own, state = layer.parameters(shape), layer.state(shape)
        suffix = next(suffixes) if own or state else ""
        self.names = {name: name + suffix for name in own}
        self.w = {name: parameters[full] for name, full in self.names.items()}
        self.state = {name: batch.state[name + suffix] for name in state}
        self.inside: tuple[At, ...] = layer.inside(self)

    @cached_property
    def delta(self) -> Array:
        """Of its own, or that of the place on whose top it stands."""
        if self.top is not None:
            return self.top.delta
        return self.batch.array(f"{self.path} delta", math.prod(self.out), self.batch.m)

    @property
    def factors(self) -> Factors | None:
        """Those of the place on whose top it stands, if there is one."""
        return self.top.factors if self.top is not None else self._factors

    @factors.setter
    def factors(self, factors: Factors | None) -> None:
        self._factors = factors

    @cached_property
    def windows(self) -> Windows:
        """Where its layer looks at its input."""
        return self.layer.windows(self.shape)

    @property
    def down(self) -> Array:
        """Where the signal at x goes, (R, units, m): to where the place below awaits it."""
        return self.array("down", self.units, self.batch.m) if self.below is None else self.below.delta

    def array(self, name: str, *shape: int) -> Array:
        """Work space of this place alone, (R, *shape), kept under its name."""
        return self.batch.array(f"{self.path} {name}", *shape)

    def beside(self, x: Array, y: Array) -> "At":
        """A place of the same layer with another input, and an output that is its signal too."""
        place = copy(self)
        place.x, place.y, place.delta = x, y, y
        place.top = place.factors = None
        return place

    def leaves(self) -> Iterator["At"]:
        """The places in here of layers that are made of no others, or this one itself."""
        if not self.inside:
            yield self
        for place in self.inside:
            yield from place.leaves()

    def put(
        self,
        layer: "Layer",
        number: int,
        shape: Shape,
        y: Array = None,
        delta: Array = None,
        top: "At | None" = None,
    ) -> "At":
        """A place inside this one, with an output and a signal of its own where none is given; at the `top` of another
        place it has the signal of that."""
        path = f"{self.path}.{number}"
        if y is None:
            y = self.batch.array(f"{path} y", math.prod(layer.out(shape)), self.batch.m)
        return At(layer, self.batch, shape, self.parameters, self.suffixes, self.streams, y, delta, path, top)


@dataclass(frozen=True)
class Layer(Traits):
    """Base of all layers."""

    def out(self, shape: Shape) -> Shape:
        """The shape of what it makes of an input of that shape; raises InvalidValue where that can't enter."""
        return shape

    def felt(self, shape: Shape) -> Shape:
        """The shape of the units that a signal may be sent straight to, see `receive`: those of its output, or of one
        that goes through time those of all steps."""
        return self.out(shape)

    @property
    def every_step(self) -> "Layer":
        """The same with all steps going on, of a layer that hands on its last step in time alone."""
        return self

    def parameters(self, shape: Shape) -> dict[str, Parameter]:
        """What it learns, by its own names."""
        return {}

    def state(self, shape: Shape) -> dict[str, State]:
        """What it measures from step to step, by its own names."""
        return {}

    def check_batch(self, shape: Shape, m: int) -> None:
        """Raise InvalidValue where it can't be trained on batches of m samples of that shape."""

    def looks(self, shape: Shape) -> Windows | None:
        """Where its kernel looks at an input of that shape; None where it has none."""
        return None

    def windows(self, shape: Shape) -> Windows:
        """Where it looks at an input of that shape, kernel or not; raises InvalidValue where it can't."""
        raise NotImplementedError(f"{type(self).__name__} must define windows(shape)")

    def inside(self, at: At) -> tuple[At, ...]:
        """The places of the layers that it is made of."""
        return ()

    def parts(self, shape: Shape) -> Iterator[tuple["Layer", Shape]]:
        """The layers that it is made of, each with the shape of its input."""
        return iter(())

    def walk(self, shape: Shape) -> Iterator[tuple["Layer", Shape]]:
        """The layers in it that are made of no others, or itself, from the input up, with the shape of their input."""
        alone = True
        for layer, own in self.parts(shape):
            alone = False
            yield from layer.walk(own)
        if alone:
            yield self, shape

    def at_input(self) -> Iterator[bool]:
        """Of the layers of `walk`, whether each takes the input of this one as it comes."""
        yield True

    def forward(self, at: At) -> None:
        """y from x."""
        raise NotImplementedError(f"{type(self).__name__} must define forward(at)")

    def go_on(self, at: At, before: At) -> None:
        """Begin the next way up with what the way up at another place of the layer ended with, where it has states."""

    def send(self, at: At, carriers: Carriers) -> None:
        """The signal has arrived in at.delta: let it go down inside."""

    def receive(self, at: At, signal: Array, carriers: Carriers) -> None:
        """As `send`, of a signal for all units that are `felt`, (R, felt units, m), past whatever is between them."""
        at.delta[...] = signal
        self.send(at, carriers)

    def pull(self, at: At, carriers: Carriers) -> Signal:
        """J^T delta, the signal at x, through the weights or what stands in for them."""
        raise NotImplementedError(f"{type(self).__name__} must define pull(at, carriers)")

    def remember(self, at: At, running: Sequence[slice]) -> None:
        """Bring what it measures up to date, for the replicas that are trained: once in a step of training, when the
        rule's way forward has left the batch in it."""

    def gradients(self, at: At, grads: Sums) -> None:
        """Hand over the gradients of its parameters, from x and delta."""

    def uses(self, shape: Shape) -> NDArray:
        """How often one sample passes each weight of its W, where it has one; axes may be 1 long."""
        return np.ones((1, 1))
