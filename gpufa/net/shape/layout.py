"""The blocks of a net: what they are made of, and where each block's units stand in the slab."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate

from ...basics.arguments import shown
from ...basics.errors import InvalidValue
from ...functions.activations import Activation
from ...layers.chain import Chain
from ...layers.own import check_worded
from ...layers.protocol.terms import Shape
from ...layers.residual import Residual
from ...layers.units.act import Act
from ...layers.units.dense import Dense
from ...layers.words import said
from ...parallel.ranks import Share
from .firsts import check_tokens
from .kinds import Kinds


@dataclass(frozen=True, eq=False)
class Layout(Kinds):
    """`units[k]` are how many block k has at its output, units[0] those of the input.

    As in the papers 1 .. L-1 are hidden and L is the output. Where each is one dense layer, as in most nets, a block
    is what the papers call a layer.
    """

    @classmethod
    def dense(
        cls, units: Sequence[int], activations: Sequence[str | Activation], residual: Sequence[int] = ()
    ) -> "Layout":
        """One dense layer a block, those of `residual` with a skip connection."""
        layers = [(Dense(n), Act(f)) for n, f in zip(units[1:-1], activations, strict=True)]
        blocks = [Residual(two) if k in residual else Chain(two) for k, two in enumerate(layers, start=1)]
        return cls(tuple((n,) for n in units), (*blocks, Chain((Dense(units[-1]),))))

    @classmethod
    def of(cls, inputs: int | Shape, blocks: Sequence[Chain]) -> "Layout":
        """Any blocks, the last of which makes the outputs. Raises InvalidValue where they don't fit each other."""
        shapes: list[Shape] = [(inputs,) if isinstance(inputs, int) else inputs]
        for k, block in enumerate(blocks, start=1):
            shapes.append(block.out(shapes[-1]))
            if not any(layer.parameters(shape) for layer, shape in block.walk(shapes[-2])):
                raise InvalidValue(
                    f"block {k}, '{block}', has nothing to learn; put it behind the layer that it belongs to"
                )
        check_tokens(shapes, blocks)
        last, shape, one = blocks[-1], shapes[-2], blocks[-1].one_dense
        for layer in last.layers[:-1]:
            shape = layer.out(shape)
        bare = (one and not (one.act or one.dropout)) or len(shapes[-1]) > 1 or _behind_edges(last)
        if not bare or isinstance(last, Residual) or not last.layers[-1].parameters(shape):
            raise InvalidValue(
                f"the last block is '{last}'; give the outputs as 'dense 10', or at every place as 'conv1d 10 1', their"
                " non-linearity is the loss's"
            )
        return cls(tuple(shapes), tuple(blocks))

    @cached_property
    def units(self) -> tuple[int, ...]:
        """At the input, and at the output of each block."""
        return tuple(map(math.prod, self.shapes))

    @property
    def inputs(self) -> int:
        return self.units[0]

    @property
    def outputs(self) -> int:
        return self.units[-1]

    @property
    def at_place(self) -> int:
        """The outputs at one place."""
        return self.shapes[-1][0]

    @property
    def forms(self) -> tuple[Shape, ...]:
        """The shapes in which a sample's targets at places may come: as the outputs, these in a row of places, or all
        in a row."""
        return self.shapes[-1], (self.at_place, self.outputs // self.at_place), (self.outputs,)

    def __getitem__(self, k: int) -> int:
        return self.units[k]

    def rows(self, k: int) -> slice:
        """Block k's rows in a slab of all units."""
        starts = [0, *accumulate(self.units[1:])]
        return slice(starts[k - 1], starts[k])

    @property
    def total(self) -> int:
        """Rows of a slab: hidden and output units."""
        return sum(self.units[1:])

    @property
    def hidden_units(self) -> int:
        return sum(self.units[1:-1])

    @property
    def among_hidden(self) -> Share:
        """Which of the net's hidden units these are."""
        return Share(0, self.hidden_units, self.hidden_units)

    @property
    def present(self) -> tuple[int, ...]:
        """The blocks that have rows in a slab."""
        return self.every

    @property
    def whole(self) -> "Layout":
        """That of all of the net, where this is of a part."""
        return self

    @cached_property
    def made(self) -> int:
        """How many numbers all layers together put out for one sample."""
        return sum(math.prod(layer.out(shape)) for k in self.every for layer, shape in self.walk(k))

    @property
    def told(self) -> list[str]:
        """Its inputs and blocks, to be read."""
        return [said(self.shapes[0]), *map(str, self.blocks)]

    @property
    def words(self) -> list[str]:
        """The same as Network takes them. Raises InvalidValue for layers of one's own that have no word."""
        check_worded(self.blocks)
        return self.told

    @property
    def sketch(self) -> str:
        """Its shapes in one word: 784-800-10, or 1x28x28-8x14x14-10."""
        return "-".join("x".join(map(shown, shape)) for shape in self.shapes)

    @property
    def by_sizes(self) -> bool:
        """Whether sizes, activations, and whether there are skip connections wherever there can be, say all of it."""
        dense = Layout.dense(self.units, self.functions, self.residual)
        wide = self.residual in ((), as_wide_as_below(self.units))
        return not self.layered and wide and (self.shapes, self.blocks) == (dense.shapes, dense.blocks)

    def alike(self, layers: tuple[int, ...]) -> list[tuple[int, int]]:
        """Runs (first, last) of these blocks, each one dense layer, with weights of one shape; the first of a run takes
        no input of the net."""
        if layers not in self._alike:
            runs: list[tuple[int, int]] = []
            for k in layers:
                first, last = runs[-1] if runs else (0, 0)
                if first > self.every[0] and last == k - 1 and self.units[k - 2 : k] == self.units[k - 1 : k + 1]:
                    runs[-1] = first, k
                else:
                    runs.append((k, k))
            self._alike[layers] = runs
        return self._alike[layers]

    @cached_property
    def _alike(self) -> dict[tuple[int, ...], list[tuple[int, int]]]:
        return {}


def _behind_edges(block: Chain) -> bool:
    """Whether it is one dense layer behind nothing but what goes along edges."""
    *lead, last = block.layers
    alone = isinstance(last, Dense) and last.known and block.known and not isinstance(block, Residual)
    return alone and all(layer.joins for layer in lead)


def as_wide_as_below(units: Sequence[int]) -> tuple[int, ...]:
    """The hidden layers, above the first, that are as wide as the one below."""
    return tuple(k for k in range(2, len(units) - 1) if units[k] == units[k - 1])
