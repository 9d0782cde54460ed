"""The CPU: NumPy's ufuncs, and SciPy's BLAS for every product."""

import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...basics.arguments import shown
from ...basics.errors import OutOfMemory, in_bytes
from ...functions import optimizers
from ...functions.activations import Activation
from ...functions.formulas import Formula
from ...functions.optimizers import CHUNK, Hyper, Optimizer, clip_factor
from ..operations.norms import Over
from ..operations.operands import Gate, Outputs, Rates
from .loading import Loading
from .machine.attention import Attending
from .machine.convolution import Direct
from .machine.edges import EdgeSums
from .machine.facts import facts
from .machine.gates import passed
from .machine.norms import PassNorms
from .machine.pools import Pools
from .machine.sequences import LookUps
from .machine.traces import Traces
from .machine.update import compiled_update

BESIDE = 8  # samples
PIECE = 1 << 17  # numbers of f' at a time: these, and what they are made of and go into, stay within the cache
LINE = 64  # bytes of a line of the cache: arrays begin at one, as vectors should, and JAX asks of memory that it shares


class NumpyBackend(Direct, Pools, PassNorms, Attending, LookUps, Traces, EdgeSums, Loading):
    """NumPy arrays on the CPU."""

    name = "numpy"
    xp = np
    keyed_from = 256 << 20  # making it takes longer than reading it
    panel = 4 << 20
    gradient_bytes = 16 << 20

    def zeros(self, shape: Sequence[int], dtype: Any) -> NDArray:
        size = math.prod(map(int, shape)) * np.dtype(dtype).itemsize
        try:
            raw = np.zeros(size + LINE, np.uint8)
            start = -raw.ctypes.data % LINE
            return raw[start : start + size].view(dtype).reshape(tuple(shape))
        except (MemoryError, OverflowError, ValueError):  # more than there is, or than can be counted
            raise OutOfMemory(
                f"there is no memory for an array {shown(tuple(shape))} of {np.dtype(dtype).name},"
                f" {in_bytes(size)}; reduce --batch-size, --hidden or the number of --seeds"
            ) from None

    def to_device(self, array: Any, dtype: Any = None) -> NDArray:
        return np.ascontiguousarray(array, dtype)

    def to_host(self, array: NDArray) -> NDArray:
        return np.asarray(array)

    def staging(self, out: NDArray) -> NDArray:
        return out

    def deliver(self, staged: NDArray, out: NDArray) -> None:
        """It is there already."""

    def write(self, out: NDArray, draw: Callable[[NDArray], Any]) -> None:
        draw(out)

    def reorder(self, x: NDArray, out: NDArray) -> None:
        """Some samples at a time, so that what is read stays in the cache: NumPy takes five times as long at once."""
        for s in range(0, x.shape[-1], BESIDE):
            out[..., s : s + BESIDE] = x[..., s : s + BESIDE]

    def layer(
        self,
        W: NDArray,
        x: NDArray,
        b: NDArray,
        activation: Activation | None,
        a: NDArray,
        h: NDArray,
        mask: NDArray | None = None,
        sent: NDArray | None = None,
    ) -> None:
        """The product accumulates onto the bias: half the time of a broadcast sum, which NumPy would buffer."""
        np.copyto(a, b[..., None])
        self.gemm(W, x, out=a, beta=1.0)
        if activation:
            self.activate(activation, a, h, mask, sent)

    def activate(
        self,
        activation: Activation,
        a: NDArray,
        h: NDArray,
        mask: NDArray | None = None,
        sent: NDArray | None = None,
    ) -> None:
        if not passed("activate", activation, a, h):
            activation.value(a, h)
        if mask is not None:
            np.multiply(h, mask, out=sent)

    def gated(self, delta: NDArray, gate: Gate, out: NDArray) -> None:
        if gate.activation and not passed("gated", gate.activation, delta, gate.z, out):
            for rows in _rows_at_a_time(out.shape):
                z = gate.z[..., rows, :]
                g, t = (self._piece(name, z) for name in ("f'", "work of f'"))
                gate.activation.derivative(z, g, t)
                np.multiply(delta[..., rows, :], g, out=out[..., rows, :])
        if gate.mask is not None:
            np.multiply(out if gate.activation else delta, gate.mask, out=out)
        elif not gate.activation:
            np.copyto(out, delta)

    def _piece(self, name: str, like: NDArray) -> NDArray:
        """Work space of that shape."""
        return self.scratch(name, (max(PIECE, like.size),), like.dtype)[: like.size].reshape(like.shape)

    def output_error(self, outputs: Outputs) -> None:
        loss, a, y, e, value, missed, sums, weight, weighs_misses = outputs
        found, wanted = (self.scratch(name, value.shape, np.intp) for name in ("label found", "label wanted"))
        if y.ndim < a.ndim and loss.judge:
            loss.judge(a, y, e, value)
            np.maximum(y, 0, out=wanted)
        else:
            y = self._spelt(y, a) if y.ndim < a.ndim else y
            loss.evaluate(a, y, e, value, self.scratch("work of a loss", a.shape, a.dtype))
            y.argmax(axis=-2, out=wanted)
        a.argmax(axis=-2, out=found)
        np.not_equal(found, wanted, out=missed)
        if weight is not None:
            np.multiply(e, weight[:, None], out=e)
            np.multiply(value, weight, out=value)
        if sums is not None:
            sums[0] += value.sum(axis=-1, dtype=np.float64)
            if weighs_misses and weight is not None:
                missed = np.multiply(missed, weight, out=self.scratch("misses weighed", missed.shape, weight.dtype))
            sums[1] += missed.sum(axis=-1)

    def _spelt(self, labels: NDArray, a: NDArray) -> NDArray:
        """The targets of all outputs, like a, of labels (R, m)."""
        out = self.scratch("targets of labels", a.shape, a.dtype)
        np.equal(labels[:, None], self._classes(a.shape[-2]), out=out)
        return out

    def clip_factors(self, g: NDArray, most: float, out: NDArray, over: Over | None = None) -> NDArray:
        squares = self.scratch("sums of squares", (len(g),), "float64")
        for r, one in enumerate(g):
            pieces = (one[start : start + CHUNK] for start in range(0, len(one), CHUNK))
            squares[r] = sum(float(np.einsum("i,i->", piece, piece)) for piece in pieces)
        if over:
            over(squares)
        for r, found in enumerate(squares):
            out[r] = clip_factor(float(found) ** 0.5, most)
        return out

    def optimizer_update(
        self,
        optimizer: Optimizer,
        p: NDArray,
        g: NDArray,
        states: Sequence[NDArray],
        hyper: Hyper,
        decay: str,
        rates: Rates,
    ) -> None:
        unbias1, unbias2, lr = (float(rates.now[i]) for i in (0, 1, 2 + rates.which))
        hyper = hyper._replace(lr=lr, unbias1=unbias1, unbias2=unbias2)
        fused, t = compiled_update(optimizer, p.dtype.name), self.scratch("work of an optimizer", (CHUNK,), p.dtype)
        for r, own in enumerate(zip(p, g, *states, strict=True)):
            clip = 1.0 if rates.clip is None else float(rates.clip[r])
            if fused:
                fused(own[0], own[1], own[2:], clip, hyper, decay)
                continue
            if clip != 1:
                np.multiply(own[1], clip, out=own[1])
            optimizers.apply(optimizer, own[0], own[1], own[2:], t, hyper, decay)

    def evaluate(self, formula: Formula, *arrays: NDArray, **numbers: float) -> None:
        formula.value(*arrays, **numbers)

    def perturb(self, x: NDArray, slope: NDArray, size: float, out: NDArray) -> None:
        np.sign(slope, out=slope)
        np.multiply(slope, size, out=slope)
        np.add(x, slope, out=out)

    def describe(self) -> dict[str, str]:
        return facts()


def _rows_at_a_time(shape: tuple[int, ...]) -> Iterator[slice]:
    """Of (..., rows, m), so many as are PIECE numbers."""
    rows, step = shape[-2], max(PIECE * shape[-2] // max(math.prod(shape), 1), 1)
    return (slice(first, first + step) for first in range(0, rows, step))
