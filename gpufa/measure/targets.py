"""What the targets of samples are: classes, flags, amounts."""

from typing import Any

from ..backends import Backend
from ..basics.arrays import T
from ..data.samples.data import has_labels
from ..net.learner import Learner

# What targets are, which may be more than one of these.
CLASSES = "classes"  # one class a sample: labels, one-hot rows, or 0 and 1 of one output
PAIR = "pair"  # of two classes
TOKENS = "tokens"  # one class at each place of a sample
NATS = "nats"  # the same, whose probability the loss is of
FLAGS = "flags"  # several outputs of 0 or 1 each
AMOUNTS = "amounts"  # numbers, whose squared error is the loss


def kinds_of(net: Learner, y: Any) -> frozenset[str]:
    """What the targets y, on the device, are to the net.

    Real ones are what their values say: one-hot rows are classes, and other rows of 0 and 1 flags, unless they are
    scaled. A single output of 0 and 1 is a class under binary cross-entropy alone. Under squared error all are amounts
    as well; what is none of these is a share, and has its loss alone.
    """
    if net.sizes.places > 1:
        loss = net.output_loss.name
        if has_labels(y):
            return frozenset({TOKENS, NATS} if loss == "cross_entropy" else {TOKENS})
        return frozenset({AMOUNTS} if loss == "squared_error" else ())
    if has_labels(y):
        return frozenset({CLASSES, PAIR} if net.sizes.outputs == 2 else {CLASSES})
    loss, columns = net.output_loss.name, y.shape[1]
    found = {AMOUNTS} if loss == "squared_error" else set[str]()
    if net.target_scaling or not _every(net.backend, "0 or 1", y):
        return frozenset(found)
    if columns > 1 and loss != "binary_cross_entropy" and _one_each(net.backend, y):
        found |= {CLASSES, PAIR} if columns == 2 else {CLASSES}
    elif columns > 1:
        found |= {FLAGS}
    elif loss == "binary_cross_entropy":
        found |= {CLASSES, PAIR}
    return frozenset(found)


def _every(backend: Backend, test: str, y: Any) -> bool:
    found = backend.zeros((1,), bool)
    backend.every(test, y.reshape(1, -1), found)
    return bool(backend.to_host(found)[0])


def _one_each(backend: Backend, y: Any) -> bool:
    """Whether each row of y, of 0 and 1, has one 1."""
    sums, rows = backend.zeros((1, len(y)), "float64"), T(y)[None]
    backend.dots(rows, rows, sums)
    return _every(backend, "1", sums)
