"""What operations take that is more than one array."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from ...functions.activations import Activation
from ...functions.augmentations import Chosen, Places
from ...functions.losses import Loss

Array = Any


class Gate(NamedTuple):
    """Where f' comes from for some rows of a slab: activation (None where f' is left out), its argument z (h or a),
    dropout mask if any."""

    activation: Activation | None
    z: Array
    mask: Array | None
    rows: slice


class Factors(NamedTuple):
    """What a signal at places is known to be the product of: a matrix that is the same at all of them, (R, features,
    n), and what it is multiplied with, (R, n, places * m)."""

    matrix: Array
    signal: Array

    @property
    def few(self) -> bool:
        """Whether to multiply by one after the other takes at most half of what the product would."""
        (features, n), columns = self.matrix.shape[1:], self.signal.shape[2]
        return 2 * n * (features + columns) <= int(features * columns)


class Signal(NamedTuple):
    """matrix @ signal + plus, (R, n, m): a product that is not taken yet, so that it can be one operation with what
    follows. Without a matrix it is the signal itself, which may be known to be that of `factors`."""

    matrix: Array | None
    signal: Array
    plus: Array | None = None
    factors: Factors | None = None


class Ticks(NamedTuple):
    """What goes on from step to step: counters = (step, batch), both by one, and `now`, which becomes the batch's row
    of the table."""

    counters: Array
    table: Array
    now: Array


class Augmenting(NamedTuple):
    """How images are changed anew at each step, in this order, of what shape they are, and each replica's seed."""

    chosen: tuple[Chosen, ...]
    places: Places
    seeds: Sequence[int]


class Samples(NamedTuple):
    """What batches are made of: x, (N, n), of any type; y as `targets` takes it; and which of them are a batch:
    order[:, batch * size :] of each replica, (R, N). With scaling = (shift, factor) x stands for (x - shift) * factor.
    `weights` are those of the samples, (R, N), or None. With `augmenting` samples are changed before they are scaled.
    With several `places` there are labels and weights for each, (N, places), (R, N, places).
    """

    x: Array
    y: Array
    order: Array
    size: int
    scaling: tuple[Array, Array] | None = None
    weights: Array = None
    augmenting: Augmenting | None = None
    places: int = 1


class Rates(NamedTuple):
    """Where an update finds what changes from step to step: now = [unbias1, unbias2, learning rates ...], and which
    learning rate is its own; `clip` is a factor on each replica's gradient, (R,), or None."""

    now: Array
    which: int
    clip: Array | None


class Outputs(NamedTuple):
    """The output units of a batch: their loss, pre-activation a, targets y and error e, (R, n_L, m), or in place of y
    labels, (R, m) int64, those below 0 being none, with targets of 0; of each sample the loss and whether it is missed,
    its largest output not being its largest target, (R, m); sums of both, (2, R) float64, or None; and what the error
    and the loss of each sample are multiplied by, (R, m), or None. Where `weighs_misses` is set, the sum of the misses
    is weighed as that of the losses is."""

    loss: Loss
    a: Array
    y: Array
    e: Array
    value: Array
    missed: Array
    sums: Array = None
    weight: Array = None
    weighs_misses: bool = False


class Units(NamedTuple):
    """Units that relax, in the order of `activate`: potentials u, activity h = f(u), dropout's mask or None, and what
    they send on, h * mask, or h itself without a mask; (R, n, m) each."""

    f: Activation
    u: Array
    h: Array
    mask: Array | None
    sent: Array

    @property
    def gate(self) -> Gate:
        """f'(u), under the mask."""
        return Gate(self.f, self.u if self.f.of == "a" else self.h, self.mask, slice(None))


class Inputs(NamedTuple):
    """What drives units: W x + b from below, or where W is None that sum itself in place of b, (R, n, m); and
    gain * V y from above, where there is a V."""

    W: Array | None
    x: Array
    b: Array
    V: Array | None = None
    y: Array = None
    gain: float = 1.0


class Nudge(NamedTuple):
    """strength * sign * e, of e, (R, n, m), which may be consumed, and a sign for each replica, (R, 1, 1)."""

    e: Array
    sign: Array
    strength: float
