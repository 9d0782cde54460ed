"""Layers one after the other."""

import math
from collections.abc import Iterator
from copy import copy
from dataclasses import dataclass
from itertools import accumulate, pairwise
from typing import NamedTuple

from ..backends.operations.operands import Signal
from ..basics.arguments import several, shown
from ..basics.arrays import Array
from ..basics.errors import InvalidValue
from .graph import DenseBeforeEdges, Neighbours
from .maps.pool import MaxPool
from .maps.windowed import Windowed
from .protocol.carrying import write
from .protocol.layer import At, Layer
from .protocol.terms import Carriers, Shape, Sums
from .units.act import Act
from .units.dense import Dense
from .units.dropout import Dropout


class DenseParts(NamedTuple):
    """A chain of one dense layer and what belongs to it."""

    dense: Dense
    act: Act | None
    dropout: Dropout | None


@dataclass(frozen=True)
class Chain(Layer):
    """A signal that arrives on top goes down through every layer in it, each handing its own to the one below: local
    backprop. What would leave it at the bottom is computed where somebody asks for it."""

    layers: tuple[Layer, ...]

    known = True

    def __post_init__(self) -> None:
        layers = several(self.layers, "the layers of a chain", "[Dense(64), Act('tanh')]")
        if not layers or not all(isinstance(layer, Layer) for layer in layers):
            raise InvalidValue(
                f"the layers of a chain can't be {shown(self.layers)}; give layers such as [Dense(64), Act('tanh')]"
            )
        object.__setattr__(self, "layers", layers)

    def __str__(self) -> str:
        words: list[str] = []
        for i, layer in enumerate(self.layers):
            if isinstance(layer, Act) and i and isinstance(self.layers[i - 1], Dense | Windowed):
                words[-1] += f" {layer}"
            else:
                words.append(str(layer))
        return ", ".join(words)

    @property
    def timed(self) -> bool:  # type: ignore[override]
        """Whether its last layer goes through time, so that a signal may be sent straight to all of its steps."""
        return self.layers[-1].timed

    @property
    def one_dense(self) -> DenseParts | None:
        """Its parts where it is [dense, activation, dropout], of which the first alone is a must."""
        rest = list(self.layers)
        if not all(one.known for one in (self, *rest)) or not isinstance(dense := rest.pop(0), Dense):
            return None
        act = rest.pop(0) if rest and isinstance(rest[0], Act) else None
        dropout = rest.pop(0) if rest and isinstance(rest[0], Dropout) else None
        assert act is None or isinstance(act, Act)
        assert dropout is None or isinstance(dropout, Dropout)
        return None if rest else DenseParts(dense, act, dropout)

    def out(self, shape: Shape) -> Shape:
        for layer in self.layers:
            shape = layer.out(shape)
        return shape

    def felt(self, shape: Shape) -> Shape:
        *_, (last, own) = Chain.parts(self, shape)
        return last.felt(own)

    def parts(self, shape: Shape) -> Iterator[tuple[Layer, Shape]]:
        for layer in self.layers:
            yield layer, shape
            shape = layer.out(shape)

    def at_input(self) -> Iterator[bool]:
        for i, layer in enumerate(self.layers):
            yield from (here and not i for here in layer.at_input())

    def inside(self, at: At) -> tuple[At, ...]:
        places, shape, outputs = [], at.shape, self._outputs(at)
        for i, layer in enumerate(self.layers):
            places.append(at.put(layer, i, shape, outputs[i], top=at if i == len(self.layers) - 1 else None))
            shape = layer.out(shape)
        for lower, upper in pairwise(places):
            upper.below = lower
        return tuple(places)

    def _outputs(self, at: At) -> list[Array]:
        """Where each layer writes, an activation over what it reads where nobody reads that again; None for a place of
        its own."""
        shapes = list(accumulate(self.layers, lambda shape, layer: layer.out(shape), initial=at.shape))
        found = [None] * (len(self.layers) - 1) + [self.last_output(at)]
        for i, (lower, upper) in reversed(list(enumerate(pairwise(self.layers)))):
            if self.known and lower.spent and isinstance(upper, Act) and upper.known and upper.f.of == "h":
                if found[i + 1] is None:
                    found[i + 1] = at.array(f"output {i}", math.prod(shapes[i + 1]), at.batch.m)
                found[i] = found[i + 1]
        return found

    def last_output(self, at: At) -> Array:
        """Where the last layer writes; None for a place of its own."""
        return at.y

    @property
    def pooled_first(self) -> "Chain":
        """The same function, of fewer units: what never falls may as well be taken behind a max pool."""
        layers, chain = list(self.layers), copy(self)
        for i, (lower, upper) in enumerate(pairwise(self.layers)):
            if isinstance(lower, Act) and lower.f.rising and isinstance(upper, MaxPool) and lower.known and upper.known:
                layers[i : i + 2] = upper, lower
        object.__setattr__(chain, "layers", tuple(layers))
        return chain if self.known else self

    def edges_last(self, shape: Shape) -> "Chain":
        """The same function of an input of that shape, in which fewer units go along edges: neighbours in front of a
        dense layer of fewer units are summed behind it."""
        layers, chain = list[Layer](), copy(self)
        for layer in self.layers:
            below = layers[-1] if layers else None
            narrows = isinstance(layer, Dense) and layer.known and layer.n < math.prod(shape)
            if narrows and isinstance(layer, Dense) and isinstance(below, Neighbours) and below.known:
                layers[-1] = DenseBeforeEdges(below, layer)
            else:
                layers.append(layer)
            shape = layer.out(shape)
        object.__setattr__(chain, "layers", tuple(layers))
        return chain if self.known else self

    @property
    def every_step(self) -> "Chain":
        chain = copy(self)
        object.__setattr__(chain, "layers", (*self.layers[:-1], self.layers[-1].every_step))
        return chain

    def own(self, at: At) -> tuple[At, ...]:
        """The places of its layers, one above the other."""
        return at.inside[: len(self.layers)]

    def forward(self, at: At) -> None:
        x = at.x
        for place in self.own(at):
            place.x = x
            place.layer.forward(place)
            x = place.y

    def send(self, at: At, carriers: Carriers) -> None:
        last = self.own(at)[-1]
        last.layer.send(last, carriers)
        self._down(at, self.own(at), carriers)

    def _down(self, at: At, places: tuple[At, ...], carriers: Carriers) -> None:
        """From the last of these places, which a signal has been sent to."""
        for upper, lower in pairwise(reversed(places)):
            above = upper.layer.pull(upper, carriers) if lower.straight is None else Signal(None, lower.straight)
            write(at.backend, above, out=lower.delta)
            lower.layer.send(lower, carriers)

    def receive(self, at: At, signal: Array, carriers: Carriers) -> None:
        places = self.own(at)
        while len(places) > 1 and places[-1].layer.passes:
            places[-1].layer.receive(places[-1], signal, carriers)
            places = places[:-1]
        places[-1].layer.receive(places[-1], signal, carriers)
        self._down(at, places, carriers)

    def pull(self, at: At, carriers: Carriers) -> Signal:
        return at.inside[0].layer.pull(at.inside[0], carriers)

    def gradients(self, at: At, grads: Sums) -> None:
        for place in at.inside:
            place.layer.gradients(place, grads)


def chained(layers: tuple[Layer, ...]) -> Chain:
    """The chain of these layers; one alone that is a chain, such as a residual, is that itself."""
    return layers[0] if len(layers) == 1 and isinstance(layers[0], Chain) else Chain(layers)
