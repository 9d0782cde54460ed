"""NVIDIA GPUs: every operation is one of our own kernels or one product of cuBLAS, on whatever Device it is given."""

from collections.abc import Callable, Sequence
from typing import Any

from ...functions.activations import ACTIVATIONS, Activation
from ...functions.optimizers import DECAYS, Hyper, Optimizer
from .. import kernels
from ..kernels import TYPES, kernel
from ..operations.operands import Outputs, Rates, Samples, Ticks
from .device import Device, Job
from .draws import RandomKernels
from .edges import EdgeKernels
from .elementwise import ElementKernels
from .feedback import FeedbackKernels
from .grids import (
    columns_grid,
    element,
    output_grid,
    slab_grid,
    stride,
    tile_grid,
    types,
)
from .maps import MapKernels
from .nccl import NcclLines
from .norms import NormKernels
from .recorded import Recorded
from .relax import RelaxKernels
from .sequences import SequenceKernels
from .sums import SumKernels

Array = Any
Layered = Any


class CupyBackend(
    FeedbackKernels,
    RandomKernels,
    RelaxKernels,
    MapKernels,
    NormKernels,
    SequenceKernels,
    EdgeKernels,
    ElementKernels,
    SumKernels,
    NcclLines,
):
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
        assert len(a) == 1 or stride(a) == stride(h), "a and h are of slabs of one size"
        replicas, rows, columns = a.shape
        V = self._wide(columns, a, h, mask, sent)
        found = kernel("layer", "bias_activation", **types(a), V=V, **kernels.activation_text(activation))
        grid = slab_grid(rows, columns // V, replicas)
        self._launch(found, *grid, a, b, h, mask, sent, *map(stride, (a, b)), stride(mask), rows, columns, replicas)

    def output_error(self, outputs: Outputs) -> None:
        self._output_error(None, outputs)

    def output(self, W: Array, x: Array, b: Array, outputs: Outputs) -> None:
        self.gemm(W, x, out=outputs.a)
        self._output_error(b, outputs)

    def _output_error(self, b: Array, outputs: Outputs) -> None:
        loss, a, y, e, value, missed, sums, weight, weighs_misses = outputs
        replicas, units, m = a.shape
        lies = {"O": element(y), "LABELS": "1" if y.ndim < a.ndim else "0"}
        found = kernel("output", "output_error", **types(a), **kernels.loss_text(loss), **lies)
        arrived = self.scratch("blocks that have arrived", (replicas,), "uint32")
        self._launch(
            found,
            *output_grid(m, replicas),
            *(a, b, y, e, value, missed, sums, arrived, *map(stride, (a, b, e)), units, m, replicas, weight),
            int(weighs_misses),
        )

    def targets(self, y: Array, out: Array, places: int = 1) -> None:
        wide, out = {} if out.ndim == 2 else types(out), _by_rows(out, places)
        replicas, units, m = out.shape
        kinds = {"U": "float", "Y": TYPES[y.dtype.name], "O": element(out), "PLACES": str(places)}
        found = kernel("batch", "targets", **wide, **kinds)
        lies = y, _taught_stride(y, places), out, stride(out), out.strides[1] // out.itemsize
        self._launch(found, *tile_grid(units, m, replicas), *lies, units, m, replicas)

    def tick(self, ticks: Ticks) -> None:
        found = kernel("batch", "tick", ticks.now.dtype.name, U="float", Y="i64", O=element(ticks.now), PLACES="1")
        self._launch(found, (1, 1, 1), (32, 1, 1), *ticks, len(ticks.now))

    def load(self, ticks: Ticks, samples: Samples, x: Array, y: Array, w: Array = None) -> None:
        y = _by_rows(y, samples.places)
        (replicas, m, inputs), units, by = x.shape, y.shape[1], samples.augmenting
        V = 1 if by else self._wide(inputs, samples.x, x)
        source, taught = TYPES[samples.x.dtype.name], TYPES[samples.y.dtype.name]
        moves = kernels.moves_text(by.chosen) if by else {}
        lies = {"U": source, "Y": taught, "O": element(y), "PLACES": str(samples.places)}
        found = kernel("batch", "load_samples", **types(x), V=V, **lies, **moves)
        self._launch(
            found,
            *slab_grid(m, inputs // V, replicas),
            *(*ticks, len(ticks.now), self.scratch("blocks that have loaded", (1,), "uint32")),
            *(samples.x, samples.order, stride(samples.order), samples.size, *(samples.scaling or (None, None))),
            *(x, stride(x), inputs, samples.y, _taught_stride(samples.y, samples.places)),
            *(y, stride(y), y.strides[1] // y.itemsize, units, m, replicas),
            *(samples.weights, stride(samples.weights), w, stride(w)),
            *((self._seeds(by.seeds), *by.places[1:]) if by else (None, 0, 0)),
        )

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

    def layer_sums(self, delta: Layered, out: Layered, alpha: float | Array = 1.0, beta: float = 0.0) -> None:
        self.row_sums(delta.slab, out.slab, alpha, beta)

    def parallel(self, jobs: Sequence[Job]) -> None:
        self.device.parallel(jobs)

    def capture(self, step: Job, failed: Callable[[bool], bool] = bool) -> Job:
        return Recorded(self.device, step, self._told, failed).run

    def synchronize(self) -> None:
        self.device.synchronize()

    def describe(self) -> dict[str, str]:
        tf32 = "yes: products are done in TF32" if self.precision == "tf32" else "no: products are in full precision"
        if self.precision == "bf16":
            tf32 = "no: training keeps its activity in bfloat16, sums are in float32"
        return {**self.device.describe(), "TF32": tf32}


def _by_rows(y: Array, places: int) -> Array:
    """Where targets go, (R, n_L, m); labels of places, (R, places * m), as (R, places, m)."""
    return y if y.ndim > 2 else y.reshape(len(y), places, -1)


def _taught_stride(y: Array, places: int) -> int:
    """From the labels of one replica to the next; 0 where all share them, or real targets."""
    return stride(y) if y.dtype.kind == "i" and y.ndim > 1 + (places > 1) else 0
