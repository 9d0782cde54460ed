"""y = what a shortcut makes of x + what a chain makes of it (He, Zhang, Ren & Sun 2016, arXiv:1512.03385)."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from ..backends.operations.operands import Signal
from ..backends.operations.places import Pair
from ..basics.arguments import whole
from ..basics.arrays import Array
from ..basics.errors import InvalidValue
from .chain import Chain, DenseParts, chained
from .maps.places import along, on_maps, pair, sides
from .protocol.carrying import write
from .protocol.layer import At, Layer
from .protocol.sequences import widened
from .protocol.terms import Carriers, Option, Shape


@dataclass(frozen=True)
class Residual(Chain):
    """A chain with a skip connection over all of it, or another chain beside it, the shortcut; what arrives on top goes
    down both ways."""

    shortcut: Any = None  # layers, or one of them; kept as a Chain

    spent = known = True
    timed = False

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.shortcut is not None:
            given = (self.shortcut,) if isinstance(self.shortcut, Layer) else Chain(self.shortcut).layers
            object.__setattr__(self, "shortcut", chained(given))

    def __str__(self) -> str:
        beside = "" if self.shortcut is None else f" | {self.shortcut}"
        return f"residual({super().__str__()}{beside})"

    @property
    def one_dense(self) -> DenseParts | None:
        return super().one_dense if self.shortcut is None else None

    def out(self, shape: Shape) -> Shape:
        out, beside = super().out(shape), shape if self.shortcut is None else self.shortcut.out(shape)
        if out != beside and self.shortcut is None:
            raise InvalidValue(
                f"'{self}' makes {out} of {shape}, and can't add the two; let it end as wide as what is below, or give"
                " it a shortcut, such as residual(conv 16 3x3 stride 2 | shortcut 16 stride 2)"
            )
        if out != beside:
            raise InvalidValue(
                f"'{self}' makes {out} of {shape}, but its shortcut {beside}, and can't add the two; let both end alike"
            )
        return out

    def felt(self, shape: Shape) -> Shape:
        return self.out(shape)

    def parts(self, shape: Shape) -> Iterator[tuple[Layer, Shape]]:
        yield from super().parts(shape)
        if self.shortcut is not None:
            yield self.shortcut, shape

    def at_input(self) -> Iterator[bool]:
        yield from super().at_input()
        if self.shortcut is not None:
            yield from self.shortcut.at_input()

    def inside(self, at: At) -> tuple[At, ...]:
        own = super().inside(at)
        if self.shortcut is None:
            return own
        return *own, at.put(self.shortcut, len(own), at.shape, top=at)

    def last_output(self, at: At) -> Array:
        return None

    def forward(self, at: At) -> None:
        super().forward(at)
        beside = at.x
        if self.shortcut is not None:
            self._beside(at).x = at.x
            self.shortcut.forward(self._beside(at))
            beside = self._beside(at).y
        at.backend.xp.add(self.own(at)[-1].y, beside, out=at.y)

    def send(self, at: At, carriers: Carriers) -> None:
        super().send(at, carriers)
        if self.shortcut is not None:
            self.shortcut.send(self._beside(at), carriers)

    def receive(self, at: At, signal: Array, carriers: Carriers) -> None:
        Layer.receive(self, at, signal, carriers)

    def pull(self, at: At, carriers: Carriers) -> Signal:
        below = super().pull(at, carriers)
        if below.plus is None and self.shortcut is None:
            return below._replace(plus=at.delta)
        both = at.down
        write(at.backend, below, out=both)
        if self.shortcut is None:
            both += at.delta
        else:
            beside = at.backend.scratch("down a shortcut", both.shape, both.dtype)
            write(at.backend, self.shortcut.pull(self._beside(at), carriers), out=beside)
            both += beside
        return Signal(None, both)

    def _beside(self, at: At) -> At:
        """The place of the shortcut."""
        return at.inside[-1]


@dataclass(frozen=True)
class Shortcut(Layer):
    """He's option A, without parameters: every `stride`-th place of each map as it is, and behind these maps zeros, so
    that there are `n`; units without places are as maps of one."""

    n: int
    stride: int | Pair = 1

    word = "shortcut"
    example = "shortcut 16 stride 2"
    sample = 3, 32, 32
    options = (Option("stride", "2"),)

    def __post_init__(self) -> None:
        whole(self.n, "the channels of a shortcut")
        object.__setattr__(self, "stride", pair(self.stride, "the stride of a shortcut"))

    def out(self, shape: Shape) -> Shape:
        if self.n < shape[0]:
            raise InvalidValue(f"'{self}' can't leave channels out, and there are {shape[0]} in {shape}; give as many")
        if self.stride == 1:
            return widened(shape, self.n)
        every = zip(on_maps(self, shape), along(self, self.stride, shape), strict=True)
        return (self.n, *[-(-n // s) for n, s in every][: len(shape) - 1])

    def forward(self, at: At) -> None:
        y = at.y.reshape(len(at.y), *at.out, at.batch.m)
        y[:, at.shape[0] :].fill(0)
        y[:, : at.shape[0]] = at.x.reshape(*at.x.shape[:-2], *at.shape, at.batch.m)[self._seen(at)]

    def pull(self, at: At, carriers: Carriers) -> Signal:
        down = at.down
        down.fill(0)
        delta = at.delta.reshape(len(at.delta), *at.out, at.batch.m)
        down.reshape(len(down), *at.shape, at.batch.m)[self._seen(at)] = delta[:, : at.shape[0]]
        return Signal(None, down)

    def _seen(self, at: At) -> tuple[Any, ...]:
        """The places that it takes, of (..., *shape, m)."""
        every = [slice(None, None, step) for step in sides(self.stride)][: len(at.shape) - 1]
        return (..., *every, slice(None))
