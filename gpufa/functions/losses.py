"""LOSSES: what the output units do, the loss of each sample, and the error at the output's pre-activation.

Every loss is paired with the non-linearity for which that error is yhat - y: softmax with cross-entropy, logistic
units with binary cross-entropy, identity with half the squared error. Units are on axis -2, samples on axis -1.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar

import numpy as np

from .parts import Part, far_apart, slope_of

Array = Any

TRIED = tuple(np.array(row)[(np.arange(12)[:, None] + np.arange(3)) % 3] for row in ([1.0, 0, 0], [0.6, 0.3, 0.1]))
SUM_TO_ONE = 1e-3  # by how much shares may miss it, which float16 may do


def _no_distribution(y: Array) -> str:
    """What is wrong with rows of shares."""
    if y.shape[1] < 2:
        return "there is one output, and a share of one thing is always 1"
    if not (low := y.min()) >= 0:
        return f"there is {low:g}, and they must be at least 0"
    sums = y.sum(axis=1, dtype="float64")
    worst = int(abs(sums - 1).argmax())
    if abs(sums[worst] - 1) > SUM_TO_ONE:
        return f"those of sample {worst} (counted from 0) sum to {sums[worst]:g}, and they must sum to 1"
    return ""


def _beyond_one(y: Array) -> str:
    """What is wrong with probabilities."""
    low, high = y.min(), y.max()
    return "" if low >= 0 and high <= 1 else f"there is {high if low >= 0 else low:g}, and they must be within 0 and 1"


def _nothing(y: Array) -> str:
    return ""


@dataclass(frozen=True)
class Loss(Part):
    """outputs(a, yhat) writes yhat from the pre-activation a, (..., n_L, m); values(a, y, value, t) the loss of each
    sample, (..., m), summed over outputs, with scratch t like a. unfit(y) says what of real targets (samples, n_L) is
    not for this loss, "" where all are. error(a, y, e) writes dloss/da where that is not yhat - y; such a loss, and one
    without CUDA forms, runs on NumPy alone. judge(a, labels, e, value) writes the error and the loss of labels,
    (..., m), those below 0 being none, to the bits of their one-hot targets and without making these; of a loss that
    lacks it they are made.

    The CUDA forms write yhat, and one output's share of the loss into v, from a and y; `top` is the sample's largest a,
    and where `normalised` is set `total` is the sum of exp(a - top) over its outputs and `log_total` its logarithm.
    """

    kind: ClassVar[str] = "loss"

    outputs: Callable[[Array, Array], Any]
    values: Callable[[Array, Array, Array, Array], Any]
    cuda_output: str = ""
    cuda_value: str = ""
    normalised: bool = False
    unfit: Callable[[Array], str] = _nothing
    error: Callable[[Array, Array, Array], Any] | None = None
    judge: Callable[[Array, Array, Array, Array], Any] | None = None

    @property
    def on_gpu(self) -> bool:
        return bool(self.cuda_output and self.cuda_value and not self.error)

    def fault(self) -> str:
        """Tried on one-hot targets of three outputs, or where these are unfit on shares above 0, but for kinks, in
        float64."""
        a = np.linspace(-2.003, 2.001, 36).reshape(1, 3, 12)[:, :, ::-1].copy()
        rows = next((rows for rows in TRIED if not self.unfit(rows)), None)
        if rows is None:
            return (
                f"takes neither one-hot targets ({self.unfit(TRIED[0])}) nor shares above 0 ({self.unfit(TRIED[1])});"
                " mend unfit(y), which says what of (samples, outputs) is wrong"
            )
        y = rows.T[None].copy()
        e, value, t = np.full_like(a, np.nan), np.full((1, 12), np.nan), np.empty_like(a)
        self.evaluate(a.copy(), y.copy(), e, value, t)
        if not np.isfinite(value).all():
            return "has values that are not finite, or not written; let values(a, y, value, t) write all of value"
        for j in range(3):
            slope, smooth = slope_of(partial(self._values, a, y, j), a[:, j])
            for r, i in np.argwhere(smooth & far_apart(e[:, j], slope))[:1]:
                return (
                    f"has the error {e[r, j, i]:.6g} at the pre-activation {a[r, j, i]:.4g}, where central differences"
                    f" of its values give {slope[r, i]:.6g}; mend values or outputs, or give error(a, y, e)"
                )
        return ""

    def _values(self, a: Array, y: Array, j: int, x: Array) -> Array:
        """The loss of each sample with output j's pre-activation at x."""
        a, value = a.copy(), np.empty(a.shape[::2])
        a[:, j] = x
        self.values(a, y.copy(), value, np.empty_like(a))
        return value

    def evaluate(self, a: Array, y: Array, e: Array, value: Array, t: Array) -> None:
        """dloss/da into e, and the loss of each sample into `value`; a is kept, t is scratch like a."""
        self.values(a, y, value, t)
        if self.error:
            self.error(a, y, e)
            return
        self.outputs(a, e)
        np.subtract(e, y, out=e)


def _softmax(a: Array, yhat: Array) -> None:
    """exp(a) / sum exp(a), shifted by the largest a so that nothing overflows."""
    np.subtract(a, a.max(axis=-2, keepdims=True), out=yhat)
    np.exp(yhat, out=yhat)
    np.divide(yhat, yhat.sum(axis=-2, keepdims=True), out=yhat)


def _cross_entropy(a: Array, y: Array, value: Array, t: Array) -> None:
    """sum_j y_j * (log sum exp(a) - a_j), all of a shifted by its largest."""
    top = a.max(axis=-2, keepdims=True)
    np.subtract(a, top, out=t)
    np.exp(t, out=t)
    log_sum = np.log(t.sum(axis=-2, keepdims=True))
    np.subtract(a, top, out=t)
    np.subtract(log_sum, t, out=t)
    np.multiply(t, y, out=t)
    t.sum(axis=-2, out=value)


def _judge_by_cross_entropy(a: Array, labels: Array, e: Array, value: Array) -> None:
    """e = exp(a) / sum exp(a), less 1 at the label, and log sum exp(a) - a there."""
    own, there = np.maximum(labels, 0)[..., None, :], labels >= 0
    np.subtract(a, a.max(axis=-2, keepdims=True), out=e)
    np.negative(np.take_along_axis(e, own, axis=-2)[..., 0, :], out=value)
    np.exp(e, out=e)
    total = e.sum(axis=-2, keepdims=True)
    value += np.log(total)[..., 0, :]
    value *= there
    np.divide(e, total, out=e)
    np.put_along_axis(e, own, np.take_along_axis(e, own, axis=-2) - there[..., None, :], axis=-2)


def _logistic(a: Array, yhat: Array) -> None:
    """1 / (1 + exp(-a)) as exp(-log(1 + exp(-a))), which keeps the lower tail."""
    np.negative(a, out=yhat)
    np.logaddexp(yhat, 0, out=yhat)
    np.negative(yhat, out=yhat)
    np.exp(yhat, out=yhat)


def _binary_cross_entropy(a: Array, y: Array, value: Array, t: Array) -> None:
    """sum_j max(a, 0) - a * y + log(1 + exp(-|a|)), which is log(1 + exp(a)) - a * y."""
    np.logaddexp(a, 0, out=t)
    t.sum(axis=-2, out=value)
    np.multiply(a, y, out=t)
    value -= t.sum(axis=-2)


def _identity(a: Array, yhat: Array) -> None:
    yhat[...] = a


def _squared_error(a: Array, y: Array, value: Array, t: Array) -> None:
    """1/2 sum_j (a_j - y_j)^2."""
    np.subtract(a, y, out=t)
    np.multiply(t, t, out=t)
    t.sum(axis=-2, out=value)
    value *= 0.5


# fmt: off
ROWS = (
    Loss("cross_entropy", _softmax, _cross_entropy,
         "yhat = exp(a - top) / total;",
         "v = y * (log_total - (a - top));", normalised=True, unfit=_no_distribution,
         judge=_judge_by_cross_entropy),
    Loss("binary_cross_entropy", _logistic, _binary_cross_entropy,
         "const T z = exp(a > 0 ? -a : a); yhat = (a > 0 ? (T)1 : z) / ((T)1 + z);",
         "v = (a > 0 ? a : (T)0) + log1p(exp(a > 0 ? -a : a)) - a * y;", unfit=_beyond_one),
    Loss("squared_error", _identity, _squared_error,
         "yhat = a;",
         "v = (T)0.5 * (a - y) * (a - y);"),
)
# fmt: on
LOSSES: Mapping[str, Loss] = {row.name: row for row in ROWS}
Loss.table = LOSSES


def loss(given: Any, parts: Sequence[Part] = ()) -> Loss:
    """The row, as Part.find."""
    return Loss.find(given, parts)
