"""Whether a net that is to tell the next token looks at it."""

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np

from ..basics.errors import InvalidValue
from ..basics.random import Generator, Purpose
from ..net.learner import Learner

ROUNDING = 1e-4  # of the largest output


def check_causal(net: Learner, tokens: int) -> None:
    """Raise InvalidValue where outputs hang on tokens behind their own place, of which they would only have to copy the
    next: tried with two windows of random tokens, below `tokens`, of which the first half is the same, and with random
    numbers for parameters that are zero so far, as a branch that adds nothing yet may come to look."""
    length, p = net.sizes.inputs, net.pass_for(2)
    words = Generator().words(np.empty((2, length), np.uint32), 0, Purpose.SPLIT)
    x = (words % tokens).astype(net.dtype)
    known = length // 2
    x[1, :known], x[1, known:] = x[0, :known], (x[0, known:] + 1) % tokens
    with net.backend.working(), _none_zero(net):
        a = net.backend.to_host(net.rule.forward(p, net.backend.to_device(x, net.dtype)))
    a = a.reshape(len(a), net.sizes.at_place, length, 2)[:, :, :known]
    if abs(a[..., 0] - a[..., 1]).max(initial=0) > ROUNDING * abs(a).max(initial=0):
        raise InvalidValue(
            "the net sees tokens behind the one whose next it is to tell, and would learn to copy; let all layers look"
            " back alone, as 'attention 4 causal' does"
        )


@contextmanager
def _none_zero(net: Learner) -> Iterator[None]:
    """Inside, parameters that are zero throughout have random numbers."""
    names = [name for k in net.sizes.every for name in net.sizes.parameters[k]]
    zero = [p for p in (net.arena[name] for name in names) if not bool((p != 0).any())]
    kept = [p.copy() for p in zero]
    for i, p in enumerate(zero):
        words = Generator().words(np.empty(p.shape[1:], np.uint32), 0, Purpose.SPLIT, stream=i + 1)
        p[...] = net.backend.to_device((words / 2**32 - 0.5) / p.shape[-1] ** 0.5, net.dtype)
    try:
        yield
    finally:
        for p, own in zip(zero, kept, strict=True):
            p[...] = own
