"""Angles of attention's heads: which of them learn as backprop would have them."""

from typing import Any

from numpy.typing import NDArray

from ..layers.tokens.attention import Attention
from ..net.learner import Learner
from ..net.state.arena import Parameters
from .alignment import taken
from .angles import angle, flattened


def by_head(net: Learner, x: Any, y: Any) -> dict[str, NDArray]:
    """By layer of attention, as `called`, the angle of what the rule hands over for the weights of each head with what
    backprop does, (R, heads), in degrees: of its rows of W, which make its queries, keys and values, and the columns of
    U that read what it takes. NaN where one of the two is zero."""
    found, sizes, xp = {}, net.sizes, net.backend.xp
    several = {
        k: [(one.end, one.layer.heads) for one in sizes.named(k) if isinstance(one.layer, Attention)]
        for k in sizes.every
    }
    if any(several.values()):
        batch = taken(net, x, y)
        ours, true = batch.arenas[-2:]
        for k, layers in several.items():
            for title, (end, heads) in zip(called(k, len(layers)), layers, strict=True):
                own = (_of_heads(net, one, end, heads) for one in (ours, true))
                sums = xp.stack([flattened(net.backend, a, b) for a, b in zip(*own, strict=True)], axis=1)
                found[title] = angle(net.backend.to_host(sums))
    return {title: each.T for title, each in found.items()}


def called(k: int, layers: int) -> list[str]:
    """What so many layers of attention in block k are called."""
    return [f"block {k} ({i + 1})" if layers > 1 else f"block {k}" for i in range(layers)]


def _of_heads(net: Learner, arena: Parameters, end: str, heads: int) -> list[Any]:
    """Of each head its rows of W and its columns of U, (R, 1, numbers)."""
    W, U = arena[f"W{end}"], arena[f"U{end}"]
    R, d = U.shape[:2]
    made, read = W.reshape(R, 3, heads, -1), U.reshape(R, d, heads, -1)
    return [
        net.backend.xp.concatenate([one[:, :, i].reshape(R, 1, -1) for one in (made, read)], axis=-1)
        for i in range(heads)
    ]
