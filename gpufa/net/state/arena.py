"""Named arrays in one flat buffer, so that an optimizer passes over all of them at once."""

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from ...basics.errors import InvalidValue
from ..shape.layout import Layout

Array = Any  # numpy.ndarray or cupy.ndarray
Shape = tuple[int, ...]
ALIGN = 16  # elements: a matrix of the parameters starts at a multiple of 64 bytes


class Layers(list[Array]):
    """Arrays by layer number, as in the papers: layers[k] is layer k's view, (R, n_k, ...).

    `slab` holds the layers 1 .. L by rows, `stacked` the hidden ones alone.
    """

    slab: Array = None
    stacked: Array = None

    @classmethod
    def of_slab(cls, slab: Array, sizes: Layout) -> "Layers":
        """The layers of a slab (R, hidden and output units, ...); layers[0] is left for the input."""
        layers = cls([slab[:, sizes.rows(k)] if k in sizes.present else None for k in range(sizes.L + 1)])
        layers.slab, layers.stacked = slab, slab[:, : sizes.hidden_units]
        return layers


class Arena(Mapping[str, Array]):
    """Arrays of the given shapes inside `flat`, (R, size), each a live view (R, *shape).

    Matrices start at multiples of `align` elements, vectors follow each other without gaps: [W1 .. WL | b1 .. bL]
    keeps all biases one contiguous block in slab order. The mapping can't be rebound; its arrays are written in place.
    """

    def __init__(self, backend: Any, shapes: Mapping[str, Shape], replicas: int, dtype: str, align: int = 1) -> None:
        self.spans: dict[str, slice] = {}
        end = 0
        for name, shape in shapes.items():
            start = -(-end // align) * align if len(shape) > 1 else end
            end = start + math.prod(shape)
            self.spans[name] = slice(start, end)
        self.flat = backend.zeros((replicas, -(-end // align) * align), dtype)
        self._views = {name: self.block(name, name, shape) for name, shape in shapes.items()}

    def block(self, first: str, last: str, shape: Shape) -> Array:
        """All that stands from `first` to `last` as one view (R, *shape)."""
        stretch = self.flat[:, self.spans[first].start : self.spans[last].stop]
        return stretch.reshape(len(self.flat), *shape)

    def __getitem__(self, name: str) -> Array:
        return self._views[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._views)

    def __len__(self) -> int:
        return len(self._views)

    def public(self, single: bool) -> Mapping[str, Array]:
        """The views as users see them: without the replica axis where there is but one network."""
        return MappingProxyType({name: view[0] if single else view for name, view in self.items()})


@dataclass(frozen=True)
class Extra:
    """An array of the rule's own that the optimizer trains with the weights, at `rate` times their learning rate.

    With a `layer` that is layer's own rate, and what freezes the layer freezes the array.
    """

    shape: tuple[int, ...]
    init: str = "zeros"
    rate: float = 1.0
    layer: int | None = None


class Parameters(Arena):
    """W[k], (R, n_k, n_{k-1}), and b[k], (R, n_k): the weights and biases, their gradients, an optimizer's state. Of a
    block of several layers both are tuples.

    Behind them stand the `extras`, arrays of the rule's own that are trained too.
    """

    def __init__(
        self, backend: Any, sizes: Layout, replicas: int, dtype: str, extras: Mapping[str, Shape] = MappingProxyType({})
    ) -> None:
        own = {name: shape for k in sizes.every for name, shape in sizes.parameters[k].items()}
        if both := sorted(own.keys() & extras.keys()):
            raise InvalidValue(
                f"the rule and a layer both have an array called {both[0]}; give the rule's another name"
            )
        matrices = {name: shape for name, shape in own.items() if len(shape) > 1}
        super().__init__(backend, {**matrices, **own, **extras}, replicas, dtype, ALIGN)
        self.backend, self.sizes, self.extras = backend, sizes, tuple(extras)
        self.W, self.b = self._by_block("W"), self._by_block("b")
        if sizes.every == sizes.present and not sizes.layered:
            self.b = Layers.of_slab(self.block(f"b{sizes.every[0]}", f"b{sizes.L}", (sizes.total,)), sizes)

    def _by_block(self, kind: str) -> Layers:
        sizes = self.sizes
        return Layers(
            [self._of_block(sizes.parameters[k], kind) if k in sizes.every else None for k in range(sizes.L + 1)]
        )

    def _of_block(self, names: Iterable[str], kind: str) -> Any:
        """A block's array of that kind, or the tuple of them where it has several."""
        found = tuple(self[name] for name in names if name.startswith(kind))
        return found[0] if len(found) == 1 else found

    def weights(self, first: int, last: int) -> Array:
        """W[first], (R, n_k, n_{k-1}), or for several layers of one shape their block (R, layers, n_k, n_{k-1})."""
        if first == last:
            return self.W[first]
        shape, count = self.W[first].shape[1:], last - first + 1
        size, start = math.prod(shape), self.spans[f"W{first}"].start
        step = -(-size // ALIGN) * ALIGN
        stretch = self.flat[:, start : start + count * step].reshape(len(self.flat), count, step)
        return stretch[..., :size].reshape(len(self.flat), count, *shape)
