"""B_k e from elsewhere: of hardware that multiplies by a random matrix, say, or of a program of one's own."""

from collections.abc import Callable
from typing import Any

import numpy as np

from ...basics.errors import InvalidValue
from ...layers.protocol.terms import Carriers
from ...net.batch.passes import Pass

OWN = "own"  # what files say in place of a projector


def check_projector(given: Any) -> None:
    """Raise InvalidValue for what is no projector."""
    if given == OWN:
        raise InvalidValue(
            "this net has its B e from a projector of your own, which no file can hold; hand the rule in with it, as"
            " rule=DFA(projector=f)"
        )
    if not callable(given):
        raise InvalidValue(
            f"projector can't be {given!r}, as code runs by no name in settings; hand in rule=DFA(projector=f), or in a"
            " rule file of your own a subclass of DFA with projector = f"
        )


def send_projected(net: Pass, projector: Callable[..., Any], e: Any, several: int, carriers: Carriers) -> None:
    """projector(e, rows) is asked for what arrives at all hidden blocks, (rows, N), of an error e, (n, N), both on the
    host, for each replica by itself: a column a sample, or of `several` places that hear of themselves alone one for
    each, and as many rows as all hidden blocks have units, or features, the lowest block's first. Inside blocks that
    goes down through the carriers, where there are some. Raises InvalidValue for another shape."""
    own = [net.sizes[k] // several for k in net.hidden]
    host = np.asarray(net.backend.to_host(e)).reshape(len(e), e.shape[1] // several, -1)
    for r, one in enumerate(host):
        made = np.asarray(projector(one, sum(own)))
        if made.shape != (sum(own), one.shape[1]) or made.dtype.kind not in "iuf":
            raise InvalidValue(
                f"the projector gave {made.dtype} of the shape {made.shape}; let it give real numbers ({sum(own)},"
                f" {one.shape[1]}), a row for each unit of the hidden blocks and a column for each of e"
            )
        for k, part in zip(net.hidden, np.split(made, np.cumsum(own)[:-1]), strict=True):
            into = net.array(f"projected {k}", net.sizes[k], net.m)
            into[r] = net.backend.to_device(part.reshape(into.shape[1:]), into.dtype)
    for k in net.hidden:
        net.send(k, net.array(f"projected {k}", net.sizes[k], net.m), carriers)
