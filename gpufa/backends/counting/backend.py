"""A backend that computes nothing, and counts what it is asked for."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..cpu.backend import NumpyBackend
from ..cpu.machine.attention import Attender, Attending, attender
from ..cpu.machine.convolution import Direct
from ..cpu.machine.convolver import Convolver, convolver
from ..cpu.machine.norms import normer
from ..cpu.machine.pools import pooler
from ..cpu.machine.traces import tracer
from ..operations.base import Backend
from ..operations.columns import Maps
from ..operations.norms import Moments, Over
from ..operations.places import Windows
from ..operations.traced import part_of
from .arrays import Count, Counted

Array = Any


def _nothing(self: Backend, *_: Any, **__: Any) -> None:
    """Nothing is computed."""


class Counting(Backend):
    """Has what is done in place of another backend, of a GPU's, go the same way, without a number anywhere; `count` is
    of the arrays that are there. Operations of several others take the work space that these have in `Backend`."""

    xp = np
    on_host = False
    read: Sequence[np.ndarray] = ()

    def __init__(self, like: Backend) -> None:
        super().__init__()
        self.like, self.name, self.count = like, like.name, Count()
        self.keyed_from, self.panel, self.gradient_bytes = like.keyed_from, like.panel, like.gradient_bytes

    @property
    def work_space(self) -> int:
        """Bytes of all that `scratch` has handed out."""
        return sum(array.nbytes for array in self._scratch.values())

    def zeros(self, shape: Sequence[int], dtype: Any) -> Counted:
        return Counted.of(self.count, shape, dtype)

    def slab_dtype(self, dtype: str) -> str:
        return self.like.slab_dtype(dtype)

    def to_device(self, array: Any, dtype: Any = None) -> Counted:
        kind = array.dtype if dtype is None else np.dtype(dtype)
        if isinstance(array, Counted) and array.dtype == kind:
            return array
        return Counted.of(self.count, array.shape, kind, self.taken(array, kind))

    def to_host(self, array: Array) -> np.ndarray:
        """What is no number, so that nothing is made of it."""
        with np.errstate(invalid="ignore"):
            return np.broadcast_to(np.asarray(np.nan).astype(array.dtype), array.shape)

    def taken(self, array: Any, dtype: Any) -> int | None:
        """Bytes that an array of the host takes on the device; None for all of it."""
        return None

    def copied(self, arrays: Sequence[Array]) -> int:
        """Bytes that these take once more where they are brought to the host."""
        return sum(array.nbytes for array in arrays)

    def clip_factors(self, g: Array, most: float, out: Array, over: Over | None = None) -> Array:
        return out

    def describe(self) -> dict[str, str]:
        return self.like.describe()

    gemm = row_sums = layer = activate = gated = output_error = targets = tick = load = _nothing
    optimizer_update = random = dropout = permutations = keyed_rows = evaluate = normalise = _nothing
    reorder = whiten = write = perturb = lower = means = look_up = add_look_ups = soften = soften_back = _nothing
    trace = trace_sums = neighbours = _nothing


class Idle:
    """The machine code of convolution, of which nothing is run but what says how much room it needs."""

    def __init__(self, code: Any) -> None:
        self.strip_room, self.gradient_room = code.strip_room, code.gradient_room

    def pack(self, *_: Any) -> None:
        """Nothing is run."""

    correlate = gradient = pack


class IdleAttention:
    """The same of attention's."""

    def __init__(self, code: Any) -> None:
        self.attention_room = code.attention_room

    def attend(self, *_: Any) -> None:
        """Nothing is run."""

    attend_back = attend


class CountingOnCPU(Counting, Direct, Attending):
    """In place of NumpyBackend: machine code has no need of the work space that operations take without it. `read` are
    arrays that are there already."""

    on_host = True
    normalise = NumpyBackend.normalise

    def code(self, dtype: Any) -> Convolver | None:
        made = convolver(dtype)
        return made and Convolver(Idle(made.code))

    def attention(self, dtype: Any) -> Attender | None:
        made = attender(dtype)
        return made and Attender(IdleAttention(made.code))

    def taken(self, array: Any, dtype: Any) -> int | None:
        there = array.dtype == dtype and any(np.may_share_memory(array, one) for one in self.read)
        return 0 if there and array.flags.c_contiguous else None

    def copied(self, arrays: Sequence[Array]) -> int:
        return 0

    def filter_gradient(self, maps: Maps, out: Array, alpha: Any = 1.0, beta: float = 0.0) -> None:
        super().filter_gradient(maps, out, 1.0, beta)

    def row_sums(self, delta: Array, out: Array, alpha: Any = 1.0, beta: float = 0.0) -> None:
        self._ones(delta.shape[-1], delta.dtype)

    def norm(
        self,
        x: Array,
        axis: int,
        eps: float,
        gain: Array,
        shift: Array,
        moments: Moments,
        z: Array,
        out: Array,
        over: Callable[[Any], None] | None = None,
    ) -> None:
        if over or axis != -1 or normer(x.dtype) is None:
            super().norm(x, axis, eps, gain, shift, moments, z, out, over)

    def norm_back(
        self,
        delta: Array,
        axis: int,
        gain: Array,
        factor: Array,
        z: Array,
        out: Array,
        over: Callable[[Any], None] | None = None,
    ) -> None:
        if over or axis != -1 or normer(delta.dtype) is None:
            super().norm_back(delta, axis, gain, factor, z, out, over)

    def trace(self, trace: Array, *_: Any) -> None:
        if tracer(trace.dtype) is None:
            part_of(self.room, trace)

    def trace_sums(self, trace: Array, signal: Array, out: Array) -> None:
        self.scratch("sums of traces", (*out.shape, 1), out.dtype)

    def max_pool(self, x: Array, windows: Windows, out: Array) -> None:
        """Of maps in the memory of the machine code."""

    def max_unpool(self, delta: Array, x: Array, y: Array, windows: Windows, out: Array) -> None:
        if pooler(x.dtype) is None or not windows.solid:
            super().max_unpool(delta, x, y, windows, out)

    def _ones(self, m: int, dtype: Any) -> Array:
        return self.room("ones", m, dtype)[:, None]


PLACES: dict[str, type[Counting]] = {"numpy": CountingOnCPU}


def counting(like: Backend) -> Counting:
    """One that counts in place of that backend."""
    return PLACES.get(like.name, Counting)(like)
