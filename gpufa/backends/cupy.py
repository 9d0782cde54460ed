"""NVIDIA GPUs: every operation is one of our own kernels or one product of cuBLAS, on whatever Device it is given."""

from collections.abc import Sequence
from typing import Any

from ..activations import ACTIVATIONS, Activation
from ..losses import Loss
from ..optimizers import DECAYS, Hyper, Optimizer
from . import kernels
from .base import Order, Rates
from .device import Device, Job
from .draws import RandomKernels
from .feedback import FeedbackKernels
from .kernels import kernel
from .launches import THREADS, columns_grid, slab_grid, stride, types, warp_grid
from .recorded import Recorded

Array = Any
PIECES = 256  # blocks that share a sum over an arena


class CupyBackend(FeedbackKernels, RandomKernels):
    """CuPy arrays on one NVIDIA GPU."""

    name = "cupy"

    def __init__(self, device: Device, precision: str = "fp32") -> None:
        super().__init__(device, precision)
        self._told: set[str] = set()

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
        self._bias_activation(activation, a, b, h, mask, sent)

    def activate(self, activation: Activation, a: Array, h: Array, mask: Array = None, sent: Array = None) -> None:
        self._bias_activation(activation, a, None, h, mask, sent)

    def _bias_activation(self, activation: Activation, a: Array, b: Array, h: Array, mask: Array, sent: Array) -> None:
        assert stride(a) == stride(h), "a and h are of slabs of one size"
        replicas, rows, columns = a.shape
        V = self._wide(columns, a, h, mask, sent)
        found = kernel("layer", "bias_activation", **types(a), V=V, **kernels.activation_text(activation))
        grid = slab_grid(rows, columns // V, replicas)
        self._launch(found, *grid, a, b, h, mask, sent, *map(stride, (a, b)), stride(mask), rows, columns, replicas)

    def row_sums(self, delta: Array, out: Array, alpha: float | Array = 1.0, beta: float = 0.0) -> None:
        replicas, rows, columns = delta.shape
        found = kernel("sums", "row_sums", **types(delta), V=self._wide(columns, delta), THREADS=str(THREADS))
        factor = (None, alpha) if isinstance(alpha, int | float) else (alpha, 1.0)
        self._launch(
            found,
            *warp_grid(rows, replicas),
            *(delta, stride(delta), out, stride(out), *factor, beta, rows, columns, replicas),
        )

    def output_error(self, loss: Loss, a: Array, y: Array, e: Array, value: Array, missed: Array) -> None:
        replicas, units, m = a.shape
        found = kernel("output", "output_error", **types(a), **kernels.loss_text(loss))
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
        found = kernel("batch", "gather", **types(out), V=V, U=source)
        self._launch(
            found,
            *slab_grid(m, columns // V, replicas),
            *(rows, *_places(batch), *(scaling or (None, None)), out, stride(out), m, columns, replicas),
        )

    def targets(self, y: Array, out: Array, batch: Order | None = None) -> None:
        replicas, units, m = out.shape
        labels = y.dtype.kind in "iu"
        found = kernel("batch", "one_hot" if labels else "transpose", **types(out), U="float")
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
        decays = (hyper.weight_decay if decay == kind else 0.0 for kind in DECAYS)
        self._launch(
            found,
            *columns_grid(n // V, replicas),
            *(p, g, *states, *(None,) * (2 - len(states)), stride(p), rates.clip, rates.now, rates.which),
            *(*decays, hyper.momentum, hyper.beta2, hyper.eps, n, replicas),
        )

    def perturb(self, x: Array, slope: Array, size: float, out: Array) -> None:
        replicas, rows, columns = x.shape
        V = self._wide(columns, x, slope, out)
        found = kernel("elementwise", "perturb", **types(x), V=V)
        strided = (x, stride(x), slope, stride(slope), size, out, stride(out))
        self._launch(found, *slab_grid(rows, columns // V, replicas), *strided, rows, columns, replicas)

    def lower(self, x: Array, out: Array) -> None:
        replicas, n = x.shape
        V = self._wide(n, x, out)
        found = kernel("elementwise", "lower", **types(out), V=V)
        self._launch(found, *columns_grid(n // V, replicas), x, stride(x), out, stride(out), n, replicas)

    def parallel(self, jobs: Sequence[Job]) -> None:
        self.device.parallel(jobs)

    def capture(self, step: Job) -> Job:
        return Recorded(self.device, step, self._told).run

    def synchronize(self) -> None:
        self.device.synchronize()

    def describe(self) -> dict[str, str]:
        tf32 = "yes: products are done in TF32" if self.precision == "tf32" else "no: products are in full precision"
        if self.precision == "bf16":
            tf32 = "no: training keeps its activity in bfloat16, sums are in float32"
        return {**self.device.describe(), "TF32": tf32}


def _places(batch: Order | None) -> tuple:
    """An order as kernels take it."""
    return (batch.order, stride(batch.order), batch.batch, batch.size) if batch else (None, 0, None, 0)
