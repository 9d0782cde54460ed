"""What a rule says of itself, tried once before it trains."""

from typing import Any

import numpy as np

from ..basics.errors import InvalidValue
from .blocks import LayeredBlock
from .learner import Learner
from .passes import Pass


@np.errstate(all="ignore")  # that numbers are not finite is told elsewhere
def try_out(net: Learner, x: Any, y: Any) -> None:
    """Raises InvalidValue where the net's rule, on these samples, leaves a hidden block's delta as it was, or reads one
    before it has filled it, or writes one that is to go down inside a block, or changes the output behind the net's own
    forward pass."""
    _forward(net, x, y)
    if "signals" in net.rule.makes and net.sizes.hidden:
        _deltas(net, x, y)


def _forward(net: Learner, x: Any, y: Any) -> None:
    p = net.pass_for(len(x))
    net.backend.targets(y, out=p.y)
    p.evaluate(net.rule.forward, x)
    taken = p.e.copy()
    p.error()
    if not _equal(p.xp, taken, p.e):
        raise InvalidValue(
            f"rule {net.rule.name!r} changes net.a[{p.L}] behind super().forward(net, x), which takes the error; let it"
            " call net.forward(x) in its place"
        )


def _deltas(net: Learner, x: Any, y: Any) -> None:
    zeros, ones, again = (_filled(net, x, y, value) for value in (0, 1, 0))
    xp, same = net.backend.xp, _equal(net.backend.xp, zeros, again)
    for k in net.sizes.hidden:
        a, b = (found[:, net.sizes.rows(k)] for found in (zeros, ones))
        if (a == 0).all() and (b == 1).all():
            raise InvalidValue(
                f"rule {net.rule.name!r} leaves net.delta[{k}] as it was, so that layer {k} would never learn; let its"
                f" deltas call net.send({k}, ...), with zeros where that is meant"
            )
        if same and not _equal(xp, a, b):
            raise InvalidValue(
                f"rule {net.rule.name!r} makes net.delta[{k}] of a delta that it has not filled; let its deltas go"
                " through the layers in an order in which each finds what it reads"
            )
    _sent(net, net.pass_for(len(x)))


def _sent(net: Learner, p: Pass) -> None:
    """Raise InvalidValue where a block of several layers has been sent another signal than its delta."""
    for k in net.sizes.layered:
        block = p.blocks[k]
        if isinstance(block, LayeredBlock) and not _equal(p.xp, p.delta[k], block.at.delta):
            raise InvalidValue(
                f"rule {net.rule.name!r} writes net.delta[{k}] of block {k}, '{net.sizes.blocks[k - 1]}', whose layers"
                f" learn from what is sent to it alone; let its deltas call net.send({k}, ...) with all of it"
            )


def _filled(net: Learner, x: Any, y: Any, value: float) -> Any:
    """The hidden deltas as the rule leaves them where they were all of that value, (R, hidden units, m)."""
    p = net.judged(x, y)
    p.delta.stacked.fill(value)
    net.rule.deltas(p, p.e)
    return p.delta.stacked.copy()


def _equal(xp: Any, a: Any, b: Any) -> bool:
    return bool(((a == b) | (xp.isnan(a) & xp.isnan(b))).all())


class Unseen:
    """Stands for the training samples where a rule has not said that it prepares itself by them, so that no float copy
    of them is made for nothing. Raises InvalidValue for any use."""

    def __init__(self, rule: str) -> None:
        self._rule = rule

    def __getattr__(self, name: str) -> Any:
        raise InvalidValue(
            f'rule {self._rule!r} prepares itself by the training samples without saying so; add "samples" to its needs'
        )

    def _refuse(self, *_: Any, **__: Any) -> Any:
        return self.refused

    __array__ = __getitem__ = __len__ = __iter__ = __array_ufunc__ = __array_function__ = _refuse
