"""What a rule says of itself, tried once before it trains."""

from typing import Any

import numpy as np
from numpy.lib.mixins import NDArrayOperatorsMixin
from numpy.typing import NDArray

from ..basics.errors import InvalidValue
from .batch.passes import Pass
from .learner import Learner
from .learning.gradients import Gradients


@np.errstate(all="ignore")  # that numbers are not finite is told elsewhere
def try_out(net: Learner, x: Any, y: Any, weighed: bool = False) -> None:
    """Raises InvalidValue where the net's rule, on these samples, leaves a hidden block's delta as it was, or reads one
    before it has filled it, or writes one that is to go down inside a block, or changes the output behind the net's own
    forward pass, or goes another way than that, or has its gradients made of other signals, without saying so; or,
    where samples are weighed, makes another gradient of weights than they are for, which is asked without what layers
    cost by themselves. What the rule remembers stays as it was."""
    memory = {name: array.copy() for name, array in net.state.items()}
    try:
        _forward(net, x, y)
        if "signals" in net.rule.makes and net.sizes.hidden:
            _deltas(net, x, y)
        if weighed:
            with net.pass_for(len(x)).free_of_costs():
                _weights(net, x, y)
    finally:
        for name, array in memory.items():
            net.state[name][...] = array


def _forward(net: Learner, x: Any, y: Any) -> None:
    p = net.pass_for(len(x))
    net.teach(p, y)
    p.evaluate(net.rule.forward, x)
    taken = _kept(net, p.e)
    p.error()
    if not _equal(taken, net.backend.to_host(p.e)):
        raise InvalidValue(
            f"rule {net.rule.name!r} changes net.a[{p.L}] behind super().forward(net, x), which takes the error; let it"
            " call net.forward(x) in its place"
        )
    if net.rule.feedforward and not _near(_kept(net, p.a[p.L]), net.backend.to_host(p.forward(x))):
        raise InvalidValue(
            f"rule {net.rule.name!r} does not go through the net as net.forward(x) does; let it say feedforward = False"
            ' and, where it knows no skip connections, "plain" in its needs'
        )


def _deltas(net: Learner, x: Any, y: Any) -> None:
    ones, zeros, again = (_filled(net, x, y, value) for value in (1, 0, 0))
    parts = [tuple(found[:, net.sizes.rows(k)] for found in (zeros, ones, again)) for k in net.sizes.hidden]
    same = all(_equal(a, c) for a, _, c in parts)
    for k, (a, b, _) in zip(net.sizes.hidden, parts, strict=True):
        if (a == 0).all() and (b == 1).all():
            raise InvalidValue(
                f"rule {net.rule.name!r} leaves net.delta[{k}] as it was, so that layer {k} would never learn; let its"
                f" deltas call net.send({k}, ...), with zeros where that is meant"
            )
        if same and not _equal(a, b):
            raise InvalidValue(
                f"rule {net.rule.name!r} makes net.delta[{k}] of a delta that it has not filled; let its deltas go"
                " through the layers in an order in which each finds what it reads"
            )
    del ones, zeros, parts, a, b
    _sent(net, net.pass_for(len(x)))
    if same and net.rule.makes == {"signals"}:
        _products(net, x, y)


def _products(net: Learner, x: Any, y: Any) -> None:
    """Raise InvalidValue where the rule's gradients are not those of what its deltas leave."""
    p = net.pass_for(len(x))  # as the deltas have left it last, from zeros
    ours = [_kept(net, layers.slab) for layers in (p.delta, p.sent)]
    p = net.judged(x, y)
    p.delta.stacked.fill(0)
    net.rule.gradients(p, Gradients(net.arena, [], signals_of=net.rule.name))
    if not all(_equal(a, net.backend.to_host(b.slab)) for a, b in zip(ours, (p.delta, p.sent), strict=True)):
        raise InvalidValue(
            f"rule {net.rule.name!r} has gradients of other signals or activity than its deltas leave; let it say so:"
            ' makes = frozenset({"signals", "gradients"})'
        )


def _weights(net: Learner, x: Any, y: Any) -> None:
    """Raise InvalidValue where twice the weight of all samples does not make twice the gradient."""
    found = []
    for weight in (1.0, 2.0):
        weights, grads = net.backend.zeros((len(net.seeds), len(x)), net.dtype), net.new_arena()
        weights.fill(weight)
        p, sums = net.judged(x, y, weights), Gradients(grads, [(1 / weight, net.sizes.every)], extras=list(net.extras))
        net.rule.gradients(p, sums)
        sums.finish()
        found.append(grads)
    for name in found[0]:
        if not _near(*(net.backend.to_host(grads[name]) for grads in (found[1], found[0]))):
            if not net.rule.linear:
                raise InvalidValue(
                    f"rule {net.rule.name!r} does not learn in proportion to each place's error, and some places have"
                    " no target; give all of them one, or take another rule, such as dfa"
                )
            raise InvalidValue(
                f"rule {net.rule.name!r} says that it is linear, but twice the error does not make twice the gradient"
                f" of {name}; let it leave linear out, or samples and classes without weights"
            )


def _sent(net: Learner, p: Pass) -> None:
    """Raise InvalidValue where a block of several layers has been sent another signal than its delta."""
    for k in net.sizes.layered:
        block = p.layered[k]
        if "gradients" in net.rule.makes and not block.arrived:  # the rule has a way of its own within
            continue
        if not _equal(*map(net.backend.to_host, (p.delta[k], block.handed_on(block.at.delta)))):
            raise InvalidValue(
                f"rule {net.rule.name!r} writes net.delta[{k}] of block {k}, '{net.sizes.blocks[k - 1]}', whose layers"
                f" learn from what is sent to it alone; let its deltas call net.send({k}, ...) with all of it"
            )


def _filled(net: Learner, x: Any, y: Any, value: float) -> NDArray:
    """The hidden deltas as the rule leaves them where they were all of that value, (R, hidden units, m)."""
    p = net.judged(x, y)
    p.delta.stacked.fill(value)
    net.rule.deltas(p, p.e)
    return _kept(net, p.delta.stacked)


def _kept(net: Learner, array: Any) -> NDArray:
    """A copy on the host, which compares without kernels that a GPU would first have to compile."""
    return np.array(net.backend.to_host(array))


def _equal(a: NDArray, b: NDArray) -> bool:
    """Element by element, no number being like another; np.array_equal would copy both."""
    return bool(((a == b) | ((a != a) & (b != b))).all())


def _near(a: NDArray, b: NDArray) -> bool:
    """Whether they are the same but for rounding, or not all finite."""
    return not bool(abs(a - b).max() > 1e-2 * abs(b).max())


class Unseen(NDArrayOperatorsMixin):
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

    __float__ = __int__ = __len__ = __iter__ = __getitem__ = __setitem__ = _refuse
    __array__ = __array_ufunc__ = __array_function__ = _refuse
