"""What each block of a net is, and has of that which a rule may need of it."""

import math
from functools import cached_property

from ...functions.activations import ACTIVATIONS, Activation
from ...layers.chain import Chain, DenseParts
from ...layers.protocol.sequences import numbered, stepwise
from ...layers.protocol.terms import Shape
from ...layers.residual import Residual
from ...layers.units.act import Act
from .naming import Naming
from .within import arrivals, unheard

IDENTITY = "identity"


class Kinds(Naming):
    """Blocks that are one dense layer, or more than that; that go through time, or along the edges of a graph."""

    @property
    def hidden(self) -> range:
        """The hidden blocks, 1 .. L-1."""
        return range(1, self.L)

    @property
    def places(self) -> int:
        """Of how many places the outputs are, each of which has an error of its own; 1 where a sample has one."""
        return math.prod(self.shapes[-1][1:])

    @property
    def all_dense(self) -> bool:
        """Whether each block of the net is one dense layer and what belongs to it."""
        return not self.layered

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

    @cached_property
    def recurrent(self) -> tuple[int, ...]:
        """The blocks in which a layer goes through time a step after the other."""
        return tuple(k for k in self.every if any(layer.timed for layer, _ in self.walk(k)))

    @cached_property
    def arrivals(self) -> dict[tuple[int, int], Shape]:
        """By hidden block and number among its layers, the shapes of the outputs within it at which an error may arrive
        straight."""
        every = ((k, arrivals(self.blocks[k - 1], self.shapes[k - 1])) for k in self.hidden if k in self.layered)
        return {(k, i): shape for k, found in every for i, shape in enumerate(found) if shape is not None}

    @cached_property
    def unheard(self) -> frozenset[tuple[int, int]]:
        """By block and number among its layers, behind which tokens that fill up go no further; of none where no token
        does that."""
        found = numbered(self.shapes[0])
        every = [(k, i, layer) for k in self.every for i, (layer, _) in enumerate(self.walk(k))]
        if found is None or found.pad is None:
            return frozenset()
        return frozenset(every[i][:2] for i in unheard([layer for _, _, layer in every]))

    @cached_property
    def timed(self) -> tuple[int, ...]:
        """The hidden blocks that end in such a layer."""
        return tuple(k for k in self.hidden if self.blocks[k - 1].timed)

    @cached_property
    def ending(self) -> tuple[int, ...]:
        """Of these, those that hand on their last step alone."""
        return tuple(k for k in self.timed if self.felt[k] != self.shapes[k])

    @cached_property
    def felt(self) -> tuple[Shape, ...]:
        """By block, of 0 the inputs, the shape of the units that a signal may be sent straight to: those of its output,
        or of one that goes through time those of all steps."""
        below = zip(self.blocks, self.shapes[:-1], strict=True)
        return (self.shapes[0], *(block.felt(shape) for block, shape in below))

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


def _skips(chain: Chain) -> bool:
    """Whether there is a skip connection anywhere in it."""
    return isinstance(chain, Residual) or any(_skips(one) for one in chain.layers if isinstance(one, Chain))
