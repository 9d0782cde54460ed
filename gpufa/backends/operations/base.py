"""The operations that everything else is written in, on the arrays of one library.

Arrays carry a leading replica axis R; products act on the trailing two. Whatever a training step needs is written into
arrays that are there already, and what changes from step to step is read from the device's own memory (see Clock), so
that a backend may record the step once and replay it.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from types import ModuleType
from typing import Any

from ...basics.random import Purpose
from ...functions.activations import Activation
from ...functions.formulas import Formula
from ...functions.optimizers import Hyper, Optimizer
from .columns import Columns
from .dynamics import Dynamics
from .edges import Edges
from .keyed import KeyedMatrix
from .lines import Lines
from .norms import Norms, Over
from .operands import Gate, Outputs, Rates, Samples, Ticks
from .sequences import Sequences
from .store import Store
from .sums import Sums
from .traced import TraceOperations

Array = Any
Layered = Any  # arrays by layer of one slab, see Layers
Job = Callable[[], None]
HERE = nullcontext()


class Backend(Store, Sums, Dynamics, Columns, Norms, Sequences, TraceOperations, Edges, Lines):
    """Base of all backends; `xp` is the array library. Procedural feedback of at least `keyed_from` bytes is made as it
    is used, `panel` bytes of a matrix at a time for a larger product; less is drawn once and kept. Of a gradient no
    more than `gradient_bytes` are made before an optimizer takes them, where that can be; None for all of it."""

    name: str
    xp: ModuleType
    keyed_from = 0
    panel = 64 << 20
    gradient_bytes: int | None = None

    @property
    def place(self) -> dict[str, Any]:
        """What get_backend makes it of."""
        return {"backend": self.name}

    def working(self) -> AbstractContextManager[None]:
        """Inside, operations of `xp` itself are done where this backend's arrays are, in order with its own."""
        return HERE

    def gemm(self, a: Array, b: Array, out: Array, alpha: float | Array = 1.0, beta: float = 0.0) -> None:
        """out = alpha * a @ b + beta * out over the trailing two axes; alpha is a number or a device's, (1,)."""
        raise NotImplementedError

    def reorder(self, x: Array, out: Array) -> None:
        """out = x, (R, n, m) or (n, m), which lies in memory the other way round."""
        out[...] = x

    def whiten(self, x: Array, matrix: Array, out: Array) -> None:
        """out = x @ matrix, (..., m, n) and (n, n), in full precision whatever other products are done in."""
        self.gemm(x, matrix, out=out)

    def row_sums(self, delta: Array, out: Array, alpha: float | Array = 1.0, beta: float = 0.0) -> None:
        """out = alpha * (sum over samples of delta) + beta * out: (R, n, m) to (R, n)."""
        raise NotImplementedError

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
        """a = W x + b, h = f(a), sent = h * mask: (R, n, n'), (R, n', m), (R, n) to (R, n, m).

        Without an activation h is left alone, without a mask `sent`. What `a` holds is a only where f' is written in a.
        """
        raise NotImplementedError

    def activate(self, activation: Activation, a: Array, h: Array, mask: Array = None, sent: Array = None) -> None:
        """h = f(a), sent = h * mask, (R, n, m) each; a is kept. Without a mask `sent` is left alone."""
        raise NotImplementedError

    def gate(self, delta: Array, gates: Iterable[Gate]) -> None:
        """delta *= f'(a) [* mask], each gate on its own rows."""
        for gate in gates:
            part = delta[..., gate.rows, :]
            self.gated(part, gate, out=part)

    def gated(self, delta: Array, gate: Gate, out: Array) -> None:
        """out = delta * f'(a) [* mask], of all rows; out may be delta."""
        raise NotImplementedError

    def feedback_delta(self, matrix: Array | KeyedMatrix, signal: Array, gates: Iterable[Gate], out: Array) -> None:
        """out = (matrix @ signal) * f'(a): one layer's delta, or all hidden layers' at once."""
        self.through(matrix, signal, out)
        self.gate(out, gates)

    def through(self, matrix: Array | KeyedMatrix, signal: Array, out: Array) -> None:
        """out = matrix @ signal, of a matrix that is stored, or made as it is used, so many rows at a time as a panel
        holds."""
        if not isinstance(matrix, KeyedMatrix):
            self.gemm(matrix, signal, out=out)
            return
        for rows in self.panels(matrix.shape, out.itemsize):
            part = matrix[:, rows]
            made = self.scratch("a panel's product", part.shape, out.dtype)
            self.keyed_rows(part, made)
            self.gemm(made, signal, out=out[:, rows])

    def panels(self, shape: tuple[int, ...], itemsize: int) -> Iterator[slice]:
        """Rows of a matrix of that shape, (R, rows, columns), of which a panel holds all."""
        replicas, rows, columns = shape
        panel = max(1, self.panel // (replicas * columns * itemsize))
        yield from (slice(first, min(first + panel, rows)) for first in range(0, rows, panel))

    def keyed_rows(self, matrix: KeyedMatrix, out: Array) -> None:
        """Write the matrix out."""
        raise NotImplementedError

    def output_error(self, outputs: Outputs) -> None:
        """From a: e = yhat - y, `value` and `missed`; where there are sums, both of all samples are added to them."""
        raise NotImplementedError

    def output(self, W: Array, x: Array, b: Array, outputs: Outputs) -> None:
        """a = W x + b, and its `output_error`."""
        self.layer(W, x, b, None, a=outputs.a, h=outputs.a)
        self.output_error(outputs)

    def targets(self, y: Array, out: Array, places: int = 1) -> None:
        """out = targets (R, n_L, N), one-hot where y are labels (N,) or (R, N), else y (N, n_L) itself. Labels of
        several places, (N, places) or (R, N, places), are one-hot at each; one that is no class, as -1, is 0 in all.
        Into int64 of (R, places * N) they go as they are."""
        raise NotImplementedError

    def tick(self, ticks: Ticks) -> None:
        """Go on by one step."""
        raise NotImplementedError

    def load(self, ticks: Ticks, samples: Samples, x: Array, y: Array, w: Array = None) -> None:
        """`tick`, and then the batch's samples into x, (R, m, n), their targets into y, (R, n_L, m), and, where they
        have some, their weights into w, (R, m), of places (R, places * m). y may be for labels, as in `targets`."""
        raise NotImplementedError

    def clip_factors(self, g: Array, most: float, out: Array, over: Over | None = None) -> Array:
        """out[r] = what brings the norm of g[r] down to `most`, at most 1: (R, n) to (R,); returns it. Where g is a
        part, `over` makes of its sums of squares, float64, those of all."""
        raise NotImplementedError

    def optimizer_update(
        self, optimizer: Optimizer, p: Array, g: Array, states: Sequence[Array], hyper: Hyper, decay: str, rates: Rates
    ) -> None:
        """Update stretches of the arena, (R, n) each; g is consumed. What `rates` gives stands in for hyper's own."""
        raise NotImplementedError

    def random(
        self,
        law: str,
        out: Array,
        seeds: Sequence[int],
        purpose: Purpose,
        step: Array = None,
        stream: int = 0,
        scale: float = 1.0,
        add: bool = False,
    ) -> None:
        """out[r] = scale * law of (seeds[r], purpose, stream, step), or added to out: the same bits on every backend.

        `step` is a counter, (1,), 0 where not given.
        """
        raise NotImplementedError

    def dropout(self, out: Array, drop: float, seeds: Sequence[int], step: Array, stream: int) -> None:
        """out[r] = 0 with probability `drop`, else 1 / (1 - drop)."""
        raise NotImplementedError

    def drop_constant(
        self, x: Array, places: Any, out: Array, drop: float, seeds: Sequence[int], step: Array, stream: int
    ) -> None:
        """out[r] = x * mask, of the mask that `dropout` makes, (R, m, n) and (m, n); `places` are what `filled` says of
        x, and `out` is 0 elsewhere, as this alone writes to it."""
        self.dropout(out, drop, seeds, step, stream)
        for r in range(len(out)):
            self.gate(out[r : r + 1], [Gate(None, x[None], x[None], slice(None))])

    def filled(self, x: Array) -> Any:
        """What `drop_constant` is to know of x, (m, n), that is the same at every step."""

    def permutations(self, seeds: Sequence[int], purpose: Purpose, step: int, out: Array, stream: int = 0) -> None:
        """out[r] = a random order of 0 .. n-1 for each seed, (R, n) int64."""
        raise NotImplementedError

    def evaluate(self, formula: Formula, *arrays: Array, **numbers: float) -> None:
        """The formula's value of these arrays and numbers, into the first of the arrays; the others may be consumed."""
        raise NotImplementedError

    def normalise(self, h: Array, G: Array, tiny: float, out: Array) -> None:
        """G = the sum of a sample's h^2, (R, 1, m), and out = h / (sqrt(G / n) + tiny), (R, n, m)."""
        raise NotImplementedError

    def layer_sums(self, delta: Layered, out: Layered, alpha: float | Array = 1.0, beta: float = 0.0) -> None:
        """`row_sums` of all layers."""
        for one, sums in zip(delta[1:], out[1:], strict=True):
            self.row_sums(one, sums, alpha, beta)

    def perturb(self, x: Array, slope: Array, size: float, out: Array) -> None:
        """out = x + size * sign(slope), (R, m, n) each."""
        raise NotImplementedError

    def lower(self, x: Array, out: Array) -> None:
        """out = x, (R, n), in the precision of `out`."""
        raise NotImplementedError

    def parallel(self, jobs: Sequence[Job]) -> None:
        """Do jobs that don't depend on each other, side by side where the device can."""
        for job in jobs:
            job()

    def capture(self, step: Job, failed: Callable[[bool], bool] = bool) -> Job:
        """Something that does what `step` does, faster where the library can record it. `failed` makes of whether that
        has failed here whether it has for any of the processes whose steps hold work with each other."""
        return step

    def synchronize(self) -> None:
        """Wait until all work handed to the device is done."""

    def describe(self) -> dict[str, str]:
        """Facts about the library and the device, for `gpufa info` and a run's records."""
        raise NotImplementedError
