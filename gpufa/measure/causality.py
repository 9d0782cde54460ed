"""Whether a net that is to tell the next token looks at it."""

import numpy as np

from ..basics.errors import InvalidValue
from ..basics.random import Generator, Purpose
from ..net.learner import Learner

ROUNDING = 1e-4  # of the largest output


def check_causal(net: Learner, tokens: int) -> None:
    """Raise InvalidValue where outputs hang on tokens behind their own place, of which they would only have to copy the
    next: tried with two windows of random tokens, below `tokens`, of which the first half is the same."""
    length, p = net.sizes.inputs, net.pass_for(2)
    words = Generator().words(np.empty((2, length), np.uint32), 0, Purpose.SPLIT)
    x = (words % tokens).astype(net.dtype)
    known = length // 2
    x[1, :known], x[1, known:] = x[0, :known], (x[0, known:] + 1) % tokens
    with net.backend.working():
        a = net.backend.to_host(net.rule.forward(p, net.backend.to_device(x, net.dtype)))
    a = a.reshape(len(a), net.sizes.at_place, length, 2)[:, :, :known]
    if abs(a[..., 0] - a[..., 1]).max(initial=0) > ROUNDING * abs(a).max(initial=0):
        raise InvalidValue(
            "the net sees tokens behind the one whose next it is to tell, and would learn to copy; let all layers look"
            " back alone, as 'attention 4 causal' does"
        )
