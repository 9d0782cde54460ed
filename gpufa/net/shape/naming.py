"""What the parameters of a net's blocks are called, what layers measure, and what stands in for weights."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from ...layers.chain import Chain
from ...layers.protocol.carrying import carrier_shape
from ...layers.protocol.layer import Layer
from ...layers.protocol.terms import Parameter, Shape, State


class Named(NamedTuple):
    """A layer of a block that learns or measures something: what the names of that end in, the shape of its input, and
    whether that is the block's as it comes."""

    end: str
    layer: Layer
    shape: Shape
    lowest: bool


@dataclass(frozen=True, eq=False)
class Naming:
    """The blocks 1 .. L, and shapes[k], that of block k's output, shapes[0] being the input's."""

    shapes: tuple[Shape, ...]
    blocks: tuple[Chain, ...]

    @property
    def L(self) -> int:
        return len(self.shapes) - 1

    @cached_property
    def every(self) -> tuple[int, ...]:
        """All blocks, 1 .. L."""
        return tuple(range(1, self.L + 1))

    def walk(self, k: int) -> Iterator[tuple]:
        """Block k's layers that are made of no others, each with the shape of its input."""
        return self.blocks[k - 1].walk(self.shapes[k - 1])

    def named(self, k: int) -> list[Named]:
        """Block k's layers that learn or measure something; the names of theirs end in "3" where it is one layer, else
        in "3.1", ..."""
        lowest = self.blocks[k - 1].at_input()
        every = [(layer, shape, first) for (layer, shape), first in zip(self.walk(k), lowest, strict=True)]
        found = [one for one in every if one[0].parameters(one[1]) or one[0].state(one[1])]
        ends = [f"{k}"] if len(found) == 1 else [f"{k}.{i}" for i in range(1, len(found) + 1)]
        return [Named(end, *one) for end, one in zip(ends, found, strict=True)]

    def suffixes(self, k: int) -> list[str]:
        """What these names end in."""
        return [one.end for one in self.named(k)]

    @cached_property
    def declared(self) -> dict[int, dict[str, Parameter]]:
        """By block, its parameters by name: W3, b3 where it has one layer of them, else W3.1, ..."""
        return {
            k: {name + at.end: one for at in self.named(k) for name, one in at.layer.parameters(at.shape).items()}
            for k in self.every
        }

    @cached_property
    def parameters(self) -> dict[int, dict[str, Shape]]:
        """By block, the names and shapes of its parameters."""
        return {k: {name: one.shape for name, one in own.items()} for k, own in self.declared.items()}

    @cached_property
    def starts(self) -> dict[str, float]:
        """The parameters that start from a number, all elements of one from the same."""
        every = {name: one for own in self.declared.values() for name, one in own.items()}
        return {name: one.start for name, one in every.items() if one.start is not None}

    @cached_property
    def hollow(self) -> frozenset[str]:
        """The matrices that start with zeros on their diagonal."""
        return frozenset(name for own in self.declared.values() for name, one in own.items() if one.hollow)

    @cached_property
    def state(self) -> dict[str, State]:
        """What layers measure from step to step, by names made as those of parameters: mean3, or mean3.1, ..."""
        every = [at for k in self.every for at in self.named(k)]
        return {name + at.end: one for at in every for name, one in at.layer.state(at.shape).items()}

    def check_batch(self, m: int) -> None:
        """Raise InvalidValue where a layer can't be trained on batches of m samples."""
        for k in self.every:
            for layer, shape in self.walk(k):
                layer.check_batch(shape, m)

    def matrices(self, k: int) -> dict[str, Shape]:
        """Those of block k's parameters that are matrices, or kernels."""
        return {name: one.shape for name, one in self.declared[k].items() if len(one.shape) > 1 and one.start is None}

    @cached_property
    def all_matrices(self) -> list[str]:
        """The matrices of all blocks, from the input up."""
        return [name for k in range(1, self.L + 1) for name in self.matrices(k)]

    def loops(self, k: int) -> frozenset[str]:
        """The matrices of block k through which an error goes though it stays within their layer."""
        return frozenset(name + at.end for at in self.named(k) for name in at.layer.loops)

    @cached_property
    def carriers(self) -> dict[int, dict[str, tuple[str, Shape]]]:
        """By block, and by matrix of it through which an error goes down, the name and shape of what may stand in for
        its transpose, or for the kernel: B2 for W3, as it sends to block 2, and B2.1 for W3.1. Nothing goes down
        through block 1's first, unless it stands above other layers. Of a layer's second matrix, such as U3, it is BU2;
        an error goes through that of a recurrent layer wherever it stands.
        """
        found = {}
        for k in range(1, self.L + 1):
            first = [at for at in self.named(k) if k == 1 and at.lowest]
            lowest = {name + at.end for at in first for name in at.layer.parameters(at.shape)}
            names = [(name, shape) for name, shape in self.matrices(k).items() if name not in lowest - self.loops(k)]
            found[k] = {name: (stand_in(name, k), carrier_shape(shape)) for name, shape in names}
        return found

    def names(self, layers: tuple[int, ...]) -> frozenset[str]:
        """The names of these blocks' parameters."""
        if layers not in self._names:
            self._names[layers] = frozenset(name for k in layers for name in self.parameters[k])
        return self._names[layers]

    @cached_property
    def _names(self) -> dict[tuple[int, ...], frozenset[str]]:
        return {}


def stand_in(name: str, k: int) -> str:
    """What stands in for block k's matrix of that name: B2 for W3, B2.1 for W3.1, BU2.1 for U3.1."""
    return f"B{name[0].replace('W', '')}{k - 1}{name[len(f'W{k}') :]}"
