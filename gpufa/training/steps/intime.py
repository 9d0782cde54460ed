"""A step of training that takes a batch a window of time after the other, with an update behind each."""

from collections.abc import Iterator
from typing import Any

from ...basics.arrays import Array
from ...basics.errors import InvalidValue
from ...layers.protocol.layer import At
from ...layers.protocol.sequences import Tokens, numbered
from ...net.batch.passes import Pass
from ...net.learner import Learner
from ...net.shape.layout import Layout
from ...parallel.ranks import Piece
from .step import Step, drops_of


class StepInTime(Step):
    """All windows of a batch, as one step; states begin from zero, and those behind a window are in front of the next.
    Each window's gradient is the mean over its own places."""

    def __init__(self, net: Learner, config: Any, batches: Any, clock: Any, update: Any, *rest: Any) -> None:
        self.windows, self.now = windows_of(net), clock.now
        super().__init__(net, config, batches, clock, update, *rest)
        self.taught = self.p.expect(labels=False)
        self.passes = {
            length: Pass(net, self.m, drops_of(config, net), clock, self.share, in_windows(net, length))
            for length in dict.fromkeys(last - first for first, last in self.windows)
        }
        inputs = {length: p.sizes.inputs for length, p in self.passes.items()}
        self.parts = {length: net.backend.zeros((len(net.seeds), self.m, n), net.dtype) for length, n in inputs.items()}
        if self.weight is not None:
            for length, p in self.passes.items():
                p.weight = net.backend.zeros((len(net.seeds), length * self.m), net.dtype)

    def _pieces(self, learn: Piece) -> list[Piece]:
        return [learn, Piece(self._optimize), Piece(self.after)]

    def _collect(self) -> None:
        self.load()
        before: Pass | None = None
        numbers = len(self.clock.now) // len(self.windows)
        for i, (first, last) in enumerate(self.windows):
            if i:
                self.update.optimize(self.now)
            p = self._window(first, last, before)
            self.now = self.clock.now[i * numbers : (i + 1) * numbers]
            p.evaluate(self.rule.forward, self.parts[last - first], self.sums)
            p.remember(self.update.running)
            self.update.collect(self.rule, p, self.now)
            before = p

    def _optimize(self) -> None:
        self.update.optimize(self.now)

    def _window(self, first: int, last: int, before: Pass | None) -> Pass:
        """The pass of these steps, with their part of the batch, and the states before them."""
        p, whole, steps = self.passes[last - first], self.p, self.places
        p.begins, p.ends = before is None, last == steps
        if before is not None:
            for place, other in zip(_places(p), _places(before), strict=True):
                place.layer.go_on(place, other)
        self._cut(self.x, self.parts[last - first], steps, first, last)
        y, part = (a.reshape(len(a), one.sizes.at_place, -1, self.m) for a, one in ((whole.y, whole), (p.y, p)))
        part[...] = y[:, :, first:last]
        if self.weight is not None:
            own = self.weight.reshape(len(self.weight), steps, -1)
            p.weight.reshape(len(own), last - first, -1)[...] = own[:, first:last]
        return p

    def _cut(self, x: Array, out: Array, steps: int, first: int, last: int) -> None:
        """out = some steps of x, (R, m, channels * time)."""
        out.reshape(*out.shape[:2], -1, last - first)[...] = x.reshape(*x.shape[:2], -1, steps)[..., first:last]


def _places(p: Pass) -> Iterator[At]:
    return (at for block in p.layered.values() for at in block.at.leaves())


def windows_of(net: Learner) -> list[tuple[int, int]]:
    """The first step of each window, and that behind its last."""
    steps, window = net.sizes.places, net.window
    return [(t, min(t + window, steps)) for t in range(0, steps, window)] if window else [(0, steps)]


def check_windows(net: Learner, processes: int = 1, adversarial: float = 0.0) -> None:
    """Raises InvalidValue where what the net does with a window is not what it does with all of its steps."""
    window, sizes = net.window, net.sizes
    if not window:
        return
    said = f"window = {window} takes so many steps in time at once"
    if sizes.places == 1 or sizes.places != sizes.shapes[0][-1]:
        raise InvalidValue(
            f"{said}, with an error at each, and outputs are {sizes.shapes[-1]} of inputs {sizes.shapes[0]}; let every"
            " recurrent layer be 'all', with targets at each step (--task places), or take rule.truncate"
        )
    if processes > 1 or adversarial:
        what = (
            "several processes don't share such a step; leave --parallel out"
            if processes > 1
            else "leave --adversarial out"
        )
        raise InvalidValue(f"{said}: {what}")
    for k in sizes.every:
        for layer, _ in sizes.walk(k):
            if not layer.by_step:
                raise InvalidValue(
                    f"{said}, and '{layer}' of block {k} makes of a step what it makes of others beside it; leave it"
                    " out, or take rule.truncate; one of your own that takes each by itself says by_step = True"
                )
    for length in {last - first for first, last in windows_of(net)}:
        part = in_windows(net, length)
        if part.parameters != sizes.parameters:
            k = next(k for k in sizes.every if part.parameters[k] != sizes.parameters[k])
            raise InvalidValue(
                f"{said}, and block {k}, '{sizes.blocks[k - 1]}', has weights for each of {sizes.places}; let it have"
                " the same at every step"
            )


def in_windows(net: Learner, length: int) -> Layout:
    """The same blocks on inputs of so many steps."""
    shape = net.sizes.shapes[0]
    found = numbered(shape)
    part = Tokens((length,), found.of, found.pad) if found else (*shape[:-1], length)
    return Layout.of(part, net.sizes.blocks)
