"""NVIDIA GPUs: every operation is one of our own kernels or one product of cuBLAS, on whatever Device it is given."""

import warnings
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from ..activations import ACTIVATIONS, Activation
from ..losses import Loss
from ..optimizers import Hyper, Optimizer
from ..random import LAWS, Purpose
from . import kernels
from .base import Backend, Gate, Order, Rates
from .device import CaptureFailed, Device, Job
from .kernels import Kernel, kernel
from .keyed import KeyedMatrix
from .launches import THREADS, columns_grid, in_rows, rows_grid, slab_grid, stride, warp_grid, width

Array = Any
SMALL = 64  # columns of a feedback matrix up to which its product is done in registers, f' and all
PANEL = 64 << 20  # bytes of a keyed matrix that are made at a time for a larger product
ROWS = 16  # of a feedback matrix, kept by one block
PIECES = 256  # blocks that share a sum over an arena
SCALARS = {"i64": np.int64, "int": np.int32, "unsigned": np.uint32, "double": np.float64}
NOTHING = np.uint64(0)  # a null pointer


class CupyBackend(Backend):
    """CuPy arrays on one NVIDIA GPU, `precision` being what products are done in: "fp32" or "tf32"."""

    name = "cupy"
    keyed = True

    def __init__(self, device: Device, precision: str = "fp32") -> None:
        super().__init__()
        device.use()
        self.device, self.xp, self.precision = device, device.xp, precision
        self._constants: dict[tuple, Array] = {}

    def zeros(self, shape: Sequence[int], dtype: Any) -> Array:
        array = self.device.empty(shape, dtype)
        array.fill(0)
        return array

    def to_device(self, array: Any, dtype: Any = None) -> Array:
        return self.device.upload(array, dtype)

    def to_host(self, array: Array) -> np.ndarray:
        return self.device.download(array)

    def gemm(self, a: Array, b: Array, out: Array, alpha: float | Array = 1.0, beta: float = 0.0) -> None:
        if out.ndim == 4:  # replicas and layers: the longer axis is the batch
            axis = 0 if out.shape[0] < out.shape[1] else 1
            for i in range(out.shape[axis]):
                one = (slice(None),) * axis + (i,)
                left, right, to = (x[one] if x.ndim == 4 else x for x in (a, b, out))
                self.gemm(left, right, to, alpha, beta)
            return
        cublas, handle = self.device.cublas, self.device.handle
        factor = beta if isinstance(alpha, int | float) else self._constant(beta, out.dtype)
        cublas.gemm(handle, a, b, out, alpha, factor, self.precision)

    def _constant(self, value: Any, dtype: Any) -> Array:
        """A number, or a few, on the device; made once."""
        key = (value, np.dtype(dtype).char)
        if key not in self._constants:
            self._constants[key] = self.to_device(np.atleast_1d(np.asarray(value, dtype)))
        return self._constants[key]

    def _seeds(self, seeds: Sequence[int]) -> Array:
        return self._constant(tuple(seeds), np.uint64)

    def _launch(self, found: Kernel, grid: tuple, block: tuple, *arguments: Any) -> None:
        """Launch with each argument made what its parameter is: arrays stay, None is a null pointer."""
        made = [
            SCALARS[p](a) if p in SCALARS else NOTHING if a is None else a
            for p, a in zip(found.parameters, arguments, strict=True)
        ]
        self.device.launch(found, grid, block, tuple(made))

    def _wide(self, columns: int, *arrays: Array) -> int:
        return width(self.device.pointer, columns, *arrays)

    def layer(
        self,
        W: Array,
        x: Array,
        b: Array,
        activation: Activation | None,
        a: Array,
        h: Array,
        mask: Array = None,
        sent: Array = None,
    ) -> None:
        self.gemm(W, x, out=a)
        if activation is None:
            activation, h = ACTIVATIONS["identity"], a
        replicas, rows, columns = a.shape
        V = self._wide(columns, a, h, mask, sent)
        found = kernel("layer", "bias_activation", a.dtype.name, V=V, **kernels.activation_text(activation))
        grid = slab_grid(rows, columns // V, replicas)
        self._launch(found, *grid, a, b, h, mask, sent, *map(stride, (a, b)), stride(mask), rows, columns, replicas)

    def gate(self, delta: Array, gates: Iterable[Gate]) -> None:
        for gate in gates:
            part = delta[..., gate.rows, :]
            replicas, rows, columns = part.shape
            V = self._wide(columns, part, gate.z, gate.mask)
            found = kernel("gate", "gate", part.dtype.name, V=V, **kernels.derivative_text(gate.activation))
            grid = slab_grid(rows, columns // V, replicas)
            strides = map(stride, (part, gate.z, gate.mask))
            self._launch(found, *grid, part, gate.z, gate.mask, *strides, rows, columns, replicas)

    def feedback_delta(self, matrix: Array | KeyedMatrix, signal: Array, gates: Iterable[Gate], out: Array) -> None:
        if matrix.shape[-1] <= SMALL:
            for gate in gates:
                self._feedback_rows(matrix[:, gate.rows], signal, gate, out[:, gate.rows])
        elif isinstance(matrix, KeyedMatrix):
            self._panels(matrix, signal, out)
            self.gate(out, gates)
        else:
            super().feedback_delta(matrix, signal, gates, out)

    def _feedback_rows(self, matrix: Array | KeyedMatrix, e: Array, gate: Gate, out: Array) -> None:
        """One launch: the product of a few columns, f' and the mask."""
        replicas, rows, columns = out.shape
        e = e if in_rows(e) else self.to_device(e)
        V = self._wide(columns, e, gate.z, gate.mask, out)
        text = kernels.derivative_text(gate.activation) | {"ROWS": str(ROWS), "INNER": str(matrix.shape[-1])}
        if isinstance(matrix, KeyedMatrix):
            text |= kernels.law_text(matrix.law) | {"KEYED": "1"}
            source = (None, 0, 0, 0, self._seeds(matrix.seeds), *matrix.rows_key)
        else:
            text |= {"KEYED": "0"}
            size = matrix.itemsize
            source = (matrix, stride(matrix), *(step // size for step in matrix.strides[1:]), *(None,) * 4)
        found = kernel("feedback", "feedback_delta", out.dtype.name, V=V, **text)
        self._launch(
            found,
            *rows_grid(-(-rows // ROWS), columns // V, replicas, ROWS),
            *source,
            *(e, stride(e), gate.z, stride(gate.z), gate.mask, stride(gate.mask), out, stride(out)),
            *(rows, columns, replicas),
        )

    def _panels(self, matrix: KeyedMatrix, signal: Array, out: Array) -> None:
        """out = matrix @ signal, so many rows of the matrix at a time as PANEL holds."""
        replicas, rows, columns = matrix.shape
        panel = max(1, PANEL // (replicas * columns * out.itemsize))
        for first in range(0, rows, panel):
            part = matrix[:, first : first + panel]
            made = self.scratch(part.shape, out.dtype, slot=9)
            self.keyed_rows(part, made)
            self.gemm(made, signal, out=out[:, first : first + panel])

    def keyed_rows(self, matrix: KeyedMatrix, out: Array) -> None:
        """Write the matrix out."""
        replicas, rows, columns = out.shape
        found = kernel("random", "keyed_rows", out.dtype.name, **kernels.law_text(matrix.law))
        self._launch(
            found,
            *slab_grid(rows, columns // 4 + 2, replicas),
            *(out, self._seeds(matrix.seeds), *matrix.rows_key, int(Purpose.FEEDBACK)),
            *(rows, columns, stride(out), replicas),
        )

    def row_sums(self, delta: Array, out: Array, alpha: float | Array = 1.0, beta: float = 0.0) -> None:
        replicas, rows, columns = delta.shape
        found = kernel("sums", "row_sums", delta.dtype.name, V=self._wide(columns, delta), THREADS=str(THREADS))
        factor = (None, alpha) if isinstance(alpha, int | float) else (alpha, 1.0)
        self._launch(
            found,
            *warp_grid(rows, replicas),
            *(delta, stride(delta), out, stride(out), *factor, beta, rows, columns, replicas),
        )

    def output_error(self, loss: Loss, a: Array, y: Array, e: Array, value: Array, missed: Array) -> None:
        replicas, units, m = a.shape
        found = kernel("output", "output_error", a.dtype.name, **kernels.loss_text(loss))
        grid = (max(1, -(-m // 32)), min(replicas, 65535), 1), (32, 8, 1)
        self._launch(found, *grid, a, y, e, value, missed, stride(a), stride(e), units, m, replicas)

    def tally(self, value: Array, missed: Array, sums: Array) -> None:
        replicas, m = value.shape
        found = kernel("sums", "tally", value.dtype.name, THREADS=str(THREADS))
        self._launch(found, (replicas, 1, 1), (THREADS, 1, 1), value, missed, sums, m, replicas)

    def gather(self, rows: Array, batch: Order, out: Array, scaling: tuple[Array, Array] | None = None) -> None:
        replicas, m, columns = out.shape
        V = self._wide(columns, rows, out)
        source = {"uint8": "unsigned char", "float32": "float", "float64": "double"}[rows.dtype.name]
        found = kernel("batch", "gather", out.dtype.name, V=V, U=source)
        self._launch(
            found,
            *slab_grid(m, columns // V, replicas),
            *(rows, *_places(batch), *(scaling or (None, None)), out, stride(out), m, columns, replicas),
        )

    def targets(self, y: Array, out: Array, batch: Order | None = None) -> None:
        replicas, units, m = out.shape
        labels = y.dtype.kind in "iu"
        found = kernel("batch", "one_hot" if labels else "transpose", out.dtype.name, U="float")
        source = (y, stride(y) if y.ndim == 2 else 0) if labels else (y,)
        self._launch(
            found,
            *slab_grid(units, m, replicas),
            *(*source, *_places(batch), out, stride(out), out.strides[1] // out.itemsize, units, m, replicas),
        )

    def tick(self, counters: Array, table: Array, now: Array) -> None:
        found = kernel("batch", "tick", now.dtype.name, U="float")
        self._launch(found, (1, 1, 1), (32, 1, 1), counters, table, now, len(now))

    def clip_factors(self, g: Array, most: float, out: Array) -> Array:
        replicas, n = g.shape
        squares = self.scratch((replicas, PIECES), "float64", slot=10)
        sums, factors = (
            kernel("sums", name, g.dtype.name, THREADS=str(THREADS)) for name in ("square_sums", "clip_factors")
        )
        grid = (PIECES, 1, min(replicas, 65535)), (THREADS, 1, 1)
        self._launch(sums, *grid, g, stride(g), squares, n, replicas)
        self._launch(factors, *columns_grid(replicas, 1), squares, PIECES, most, out, replicas)
        return out

    def optimizer_update(
        self, optimizer: Optimizer, p: Array, g: Array, states: Sequence[Array], hyper: Hyper, decay: str, rates: Rates
    ) -> None:
        replicas, n = p.shape
        V = self._wide(n, p, g, *states)
        found = kernel("optimizer", "optimizer_update", p.dtype.name, V=V, **kernels.update_text(optimizer))
        l2, decoupled = (hyper.weight_decay if decay == kind else 0.0 for kind in ("l2", "decoupled"))
        self._launch(
            found,
            *columns_grid(n // V, replicas),
            *(p, g, *states, *(None,) * (2 - len(states)), stride(p), rates.clip, rates.now, rates.which),
            *(l2, decoupled, hyper.momentum, hyper.beta2, hyper.eps, n, replicas),
        )

    def random(
        self,
        law: str,
        out: Array,
        seeds: Sequence[int],
        purpose: Purpose,
        step: Array = None,
        stream: int = 0,
        scale: float = 1.0,
    ) -> None:
        replicas, length = len(out), out[0].size
        found = kernel("random", "fill", out.dtype.name, **kernels.law_text(law))
        at = self._constant(0, np.int64) if step is None else step
        self._launch(
            found,
            *columns_grid(-(-length // 4), replicas),
            *(out, self._seeds(seeds), at, stream, int(purpose), LAWS[law].unit * scale, length, stride(out), replicas),
        )

    def dropout(self, out: Array, drop: float, seeds: Sequence[int], step: Array, stream: int) -> None:
        replicas, length, threshold = len(out), out[0].size, round(drop * 2**16)
        found = kernel("random", "dropout", out.dtype.name, **kernels.law_text("uniform"))
        self._launch(
            found,
            *columns_grid(-(-length // 8), replicas),
            *(out, self._seeds(seeds), step, stream, int(Purpose.DROPOUT), threshold, 2**16 / (2**16 - threshold)),
            *(length, stride(out), replicas),
        )

    def permutations(self, seeds: Sequence[int], purpose: Purpose, step: int, out: Array) -> None:
        replicas, n = out.shape
        keys = self.device.empty(out.shape, "uint64")
        found = kernel("random", "shuffle_keys", "float32", **kernels.law_text("uniform"))
        grid = columns_grid(-(-n // 4), replicas)
        self._launch(found, *grid, keys, self._seeds(seeds), step, int(purpose), n, replicas)
        keys.sort(axis=-1)
        out[...] = keys & np.uint64(0xFFFFFFFF)

    def parallel(self, jobs: Sequence[Job]) -> None:
        self.device.parallel(jobs)

    def capture(self, step: Job) -> Job:
        return Recorded(self.device, step).run

    def synchronize(self) -> None:
        self.device.synchronize()

    def describe(self) -> dict[str, str]:
        tf32 = "yes: products are done in TF32" if self.precision == "tf32" else "no: products are in full precision"
        return {**self.device.describe(), "TF32": tf32}


class Recorded:
    """A step that runs as it is the first time, which compiles its kernels, is then recorded, and replayed from there
    on; where it can't be recorded it goes on as it is."""

    def __init__(self, device: Device, step: Job) -> None:
        self.device, self.step = device, step
        self.run_next: Callable[[], None] = self._first

    def run(self) -> None:
        self.run_next()

    def _first(self) -> None:
        self.step()
        self.run_next = self._second

    def _second(self) -> None:
        try:
            self.run_next = self.device.record(self.step)
        except CaptureFailed as error:
            warnings.warn(
                f"the training step can't be recorded ({error}); it runs operation by operation", stacklevel=2
            )
            self.run_next = self.step
        self.run_next()


def _places(batch: Order | None) -> tuple:
    """An order as kernels take it."""
    return (batch.order, stride(batch.order), batch.batch, batch.size) if batch else (None, 0, None, 0)
