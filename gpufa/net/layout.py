"""The blocks of a net: what they are made of, and where each block's units stand in the slab."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate

from ..basics.arguments import shown
from ..basics.errors import InvalidValue
from ..functions.activations import ACTIVATIONS, Activation
from ..layers.act import Act
from ..layers.chain import Chain, DenseParts
from ..layers.dense import Dense
from ..layers.residual import Residual
from ..layers.sequences import numbered, stepwise
from ..layers.terms import Shape
from ..layers.words import said
from ..parallel.ranks import Share
from .firsts import check_tokens
from .naming import Naming

IDENTITY = "identity"


@dataclass(frozen=True, eq=False)
class Layout(Naming):
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
    def hidden(self) -> range:
        """The hidden blocks, 1 .. L-1."""
        return range(1, self.L)

    @property
    def places(self) -> int:
        """Of how many places the outputs are, each of which has an error of its own; 1 where a sample has one."""
        return math.prod(self.shapes[-1][1:])

    @property
    def at_place(self) -> int:
        """The outputs at one place."""
        return self.shapes[-1][0]

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

    @cached_property
    def recurrent(self) -> tuple[int, ...]:
        """The blocks in which a layer goes through time a step after the other."""
        return tuple(k for k in self.every if any(layer.timed for layer, _ in self.walk(k)))

    @cached_property
    def priced(self) -> bool:
        """Whether the gradients of some layer have a part that is of no error."""
        return any(layer.priced for k in self.every for layer, _ in self.walk(k))

    @cached_property
    def timed(self) -> tuple[int, ...]:
        """The hidden blocks that end in such a layer."""
        return tuple(k for k in self.hidden if self.blocks[k - 1].timed)

    @cached_property
    def felt(self) -> tuple[Shape, ...]:
        """By block, of 0 the inputs, the shape of the units that a signal may be sent straight to: those of its output,
        or of one that goes through time those of all steps."""
        below = zip(self.blocks, self.shapes[:-1], strict=True)
        return (self.shapes[0], *(block.felt(shape) for block, shape in below))

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

    @property
    def all_dense(self) -> bool:
        """Whether each block of the net is one dense layer and what belongs to it."""
        return not self.layered

    @cached_property
    def made(self) -> int:
        """How many numbers all layers together put out for one sample."""
        return sum(math.prod(layer.out(shape)) for k in self.every for layer, shape in self.walk(k))

    def one_dense(self, k: int) -> DenseParts | None:
        """Block k's dense layer, activation and dropout, where it is nothing else but a skip connection over them, and
        its dropout is that of all hidden blocks."""
        one = self._parts(k)
        return one if one and (one.dropout is None or one.dropout.p == self.dropout) else None

    def _parts(self, k: int) -> DenseParts | None:
        """Those of block k where it is one dense layer of units."""
        below = self.shapes[k - 1]
        return None if numbered(below) or stepwise(below) else self.blocks[k - 1].one_dense

    @cached_property
    def dropout(self) -> float:
        """The probability with which all hidden blocks drop their outputs; 0 where they don't, or differ."""
        parts = map(self._parts, self.hidden)
        found = {one.dropout.p if one and one.dropout else 0.0 for one in parts}
        return found.pop() if len(found) == 1 else 0.0

    @cached_property
    def residual(self) -> tuple[int, ...]:
        """The blocks that are one dense layer with a skip connection."""
        return tuple(k for k in self.hidden if self.one_dense(k) and isinstance(self.blocks[k - 1], Residual))

    @cached_property
    def layered(self) -> tuple[int, ...]:
        """The blocks that are more than one dense layer and what belongs to it."""
        return tuple(k for k in range(1, self.L + 1) if not self.one_dense(k))

    @cached_property
    def joining(self) -> tuple[int, ...]:
        """The blocks with a layer that goes along the edges of a graph."""
        return tuple(k for k in range(1, self.L + 1) if any(layer.joins for layer, _ in self.walk(k)))

    @cached_property
    def activations(self) -> tuple[str, ...]:
        """The names of `functions`."""
        return tuple(f.name for f in self.functions)

    @cached_property
    def functions(self) -> tuple[Activation, ...]:
        """By hidden block, the activation that belongs to its one dense layer; identity for all else."""
        parts = [self.one_dense(k) for k in range(1, self.L)]
        return tuple(one.act.f if one and one.act else ACTIVATIONS[IDENTITY] for one in parts)

    @cached_property
    def every_function(self) -> tuple[Activation, ...]:
        """Those of all layers of all blocks."""
        return tuple(layer.f for k in self.every for layer, _ in self.walk(k) if isinstance(layer, Act))

    @property
    def words(self) -> list[str]:
        """Its inputs and blocks as Network takes them."""
        return [said(self.shapes[0]), *map(str, self.blocks)]

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

    def offers(self, k: int) -> frozenset[str]:
        """What block k has of that which a rule may need, see Rule."""
        found, one = {"pull"}, self.one_dense(k)
        if one:
            found |= {"matrix"}
        if k not in self.residual:
            found |= {"plain"}
        if self.suffixes(k) == [f"{k}"] and len(self.matrices(k)) == 1 and not _skips(self.blocks[k - 1]):
            found |= {"single"}
        if k not in self.recurrent:
            found |= {"timeless"}
        if not any(layer.gated for layer, _ in self.walk(k)):
            found |= {"ungated"}
        if all(layer.f.learns for layer, _ in self.walk(k) if isinstance(layer, Act)):
            found |= {"derivative"}
        if one or k != self.L or self.places == 1:
            found |= {"output"}
        if all(sum(len(one.shape) > 1 for one in at.layer.parameters(at.shape).values()) < 2 for at in self.named(k)):
            found |= {"apart"}
        if k > 1 or not numbered(self.shapes[0]):
            found |= {"amounts"}
        return frozenset(found)

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


def _skips(chain: Chain) -> bool:
    """Whether there is a skip connection anywhere in it."""
    return isinstance(chain, Residual) or any(_skips(one) for one in chain.layers if isinstance(one, Chain))


def as_wide_as_below(units: Sequence[int]) -> tuple[int, ...]:
    """The hidden layers, above the first, that are as wide as the one below."""
    return tuple(k for k in range(2, len(units) - 1) if units[k] == units[k - 1])
