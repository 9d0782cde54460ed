"""Which rows of a block's feedback matrix its units have: each its own, or those of its channel at every place."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from ...backends.operations.keyed import KeyedMatrix
from ...backends.operations.operands import Factors, Signal
from ...backends.operations.places import Windows
from ...basics.arrays import Array
from ...basics.errors import InvalidValue
from ...layers.protocol.layer import Layer
from ...layers.protocol.terms import Shape
from ..batch.passes import Pass
from ..shape.layout import Layout

PLACES = "auto", "each", "shared", "repeated", "own"


@dataclass(frozen=True)
class Rows:
    """Those of one block, `count` of them with so many `columns`. With `windows` a channel has a row for each place of
    their kernel, and a unit has the sum of the rows with which they see it; without, each unit has its own. Of
    `several` places each hears of its own error alone, by rows that are the same at all of them."""

    count: int
    columns: int
    windows: Windows | None = None
    several: int = 1

    @property
    def places(self) -> int:
        """Those of the kernel."""
        return math.prod(self.windows.kernel) if self.windows else 1

    @property
    def by_unit(self) -> bool:
        """Whether each unit has a row of its own."""
        return self.windows is None and self.several == 1

    def __str__(self) -> str:
        if self.several > 1:
            return "each channel a row, the same at every place, which hears of its own error alone"
        if self.windows is None:
            return "each unit its own row"
        if self.windows.kernel == (1, 1):
            return "each channel a row, the same at every place"
        return f"each channel {'x'.join(map(str, self.windows.kernel))} rows, repeated over its places"

    def signal(self, net: Pass, matrix: Array, e: Array) -> Signal:
        """What arrives at the units, of the matrix (R, count, columns) and what that is multiplied with."""
        if self.several > 1:
            n, heard = self.count * self.several, self.heard(e)
            out = net.array(f"{n} units", n, net.m)
            net.backend.through(matrix, heard, out=self.heard(out))
            stored = not isinstance(matrix, KeyedMatrix) and matrix.dtype == heard.dtype == out.dtype
            return Signal(None, out, factors=Factors(matrix, heard) if stored else None)
        if self.windows is None:
            return net.through(matrix, e)
        rows, out = self._space(net)
        net.backend.through(matrix, e, out=rows)
        net.backend.spread(self._taps(rows), self.windows, out=self._maps(out))
        return Signal(None, out)

    def gathered(self, net: Pass, k: int, units: Array) -> Array:
        """The sums over all units that share a row, (R, count, m), of (R, n_k, m); of places that hear of themselves
        alone no sums yet, (R, count, several * m)."""
        units = net.audible(k, units)
        if self.windows is None:
            return self.heard(units)
        rows, maps = self._space(net)
        maps[...] = units
        net.backend.gather(self._maps(maps), self.windows, out=self._taps(rows))
        return rows

    def heard(self, x: Array) -> Array:
        """x, (R, n, m), with the places that hear of themselves alone beside the samples, (R, n / several, several *
        m)."""
        return x if self.several == 1 else x.reshape(len(x), x.shape[1] // self.several, -1)

    def _space(self, net: Pass) -> tuple[Array, Array]:
        """(R, count, m) and (R, n_k, m)"""
        assert self.windows
        n, m = self.count // self.places * math.prod(self.windows.size), net.m
        return net.array(f"{self.count} rows", self.count, m), net.array(f"{n} units", n, m)

    def _taps(self, rows: Array) -> Array:
        """(R, channels, *kernel, m)"""
        assert self.windows
        kernel = self.windows.kernel
        return rows.reshape(len(rows), self.count // math.prod(kernel), *kernel, -1)

    def _maps(self, units: Array) -> Array:
        """(R, channels, height, width, m)"""
        assert self.windows
        kernel = self.windows.kernel
        return units.reshape(len(units), self.count // math.prod(kernel), *self.windows.size, -1)


def rows_of(sizes: Layout, columns: int, places: str, shapes: Sequence[Shape] | None = None) -> dict[int, Rows]:
    """Those of all hidden blocks, of the units there that an error is sent straight to, or of others of these shapes;
    `places` is one of PLACES, and where a block has no places or its reader no kernel,
    each unit has its own. Raises InvalidValue where a kernel does not look at the block's output itself, or a block has
    not the outputs' places, which are to be its own."""
    if (several := own_places(sizes, places)) > 1:
        return {k: Rows(sizes.shapes[k][0], columns, None, several) for k in sizes.hidden}
    felt = sizes.felt if shapes is None else shapes
    return {k: _rows(sizes, k, felt[k], columns, places) for k in sizes.hidden}


def rows_within(sizes: Layout, columns: int, places: str) -> dict[tuple[int, int], Rows]:
    """Those of the outputs within hidden blocks at which an error may arrive straight. Raises InvalidValue where they
    can't go as `places` says."""
    several, found = own_places(sizes, places), {}
    for (k, i), shape in sizes.arrivals.items():
        if several > 1 and shape[1:] != sizes.shapes[-1][1:]:
            raise InvalidValue(
                f"each place hears of its own error alone, and within block {k} an activation has the shape"
                f" {tuple(shape)}, where outputs are {tuple(sizes.shapes[-1])}; set rule.places to each or shared, or"
                " rule.enters to blocks"
            )
        if several == 1 and places == "repeated":
            raise InvalidValue(
                "places = 'repeated' goes by the kernel that looks at a block's output, and within blocks there is"
                " none; set rule.places to each or shared, or rule.enters to blocks"
            )
        found[k, i] = Rows(shape[0], columns, None, several) if several > 1 else _rows(sizes, k, shape, columns, places)
    return found


def own_places(sizes: Layout, places: str) -> int:
    """How many places hear of their own errors alone, 1 for none: by "auto" those of the outputs, where they have some
    and so has every hidden block."""
    if places not in ("own", "auto"):
        return 1
    at = sizes.shapes[-1][1:]
    other = next((k for k in sizes.hidden if sizes.shapes[k][1:] != at), None)
    if at and other is None:
        return sizes.places
    if places == "own":
        what = f"block {other} has the shape {sizes.shapes[other]}" if at and other else "the outputs have no places"
        raise InvalidValue(
            f"places = 'own' has each place hear of its own error alone, and {what}, where outputs are"
            f" {sizes.shapes[-1]}; set rule.places to each or shared"
        )
    return 1


def _rows(sizes: Layout, k: int, shape: Shape, columns: int, places: str) -> Rows:
    windows = None
    if places in ("shared", "repeated") and len(shape) > 1:
        down, across = (1, *shape[1:])[-2:]
        windows = Windows((down, across), (1, 1), (1, 1)) if places == "shared" else _reader(sizes, k)
    if windows is None:
        return Rows(math.prod(shape), columns)
    return Rows(shape[0] * math.prod(windows.kernel), columns, windows)


def _reader(sizes: Layout, k: int) -> Windows | None:
    """How the kernel above block k looks at its output, as its own transposed convolution would go down; None where no
    kernel stands there."""
    layers = list(sizes.walk(k + 1))
    first = next((i for i, (layer, shape) in enumerate(layers) if _has_matrix(layer, shape)), None)
    windows = None if first is None else layers[first][0].looks(layers[first][1])
    if first is None or (windows is not None and first):
        has = "none" if first is None else f"'{layers[0][0]}' in front of it"
        raise InvalidValue(
            f"places = 'repeated' goes by the kernel that looks at block {k}'s output, and block {k + 1},"
            f" '{sizes.blocks[k]}', has {has}; let block {k} end with that, or set rule.places to shared or each"
        )
    return windows


def _has_matrix(layer: Layer, shape: Shape) -> bool:
    return any(len(one.shape) > 1 for one in layer.parameters(shape).values())
