"""Pickles and copies of networks: what a checkpoint holds, the rule itself, and what it remembers."""

import copyreg
from collections.abc import Mapping
from typing import Any

from numpy.typing import NDArray

from ..basics.errors import BackendUnavailable, warn
from ..data.samples.about import About
from ..functions.parts import Part
from ..network import Network
from ..rules import Rule
from .networks import below, describe, fill, host_arrays, made_of, network_arrays, scaling_arrays


def restored(
    arrays: Mapping[str, NDArray],
    metadata: Mapping[str, Any],
    rule: Rule,
    about: About | None,
    place: Mapping[str, Any],
    parts: tuple[Part, ...] = (),
) -> Network:
    """The network again, where it was; on the CPU, and with a warning, where its GPU can't be used."""
    try:
        net = made_of(arrays, metadata, rule, **place, parts=parts)
    except BackendUnavailable as error:
        warn(f"the network is brought to the CPU: {error}")
        net = made_of(arrays, metadata, rule, backend="numpy", parts=parts)
    fill(below("state", net.state), arrays, net)
    net.about = about
    return net


def _reduced(net: Network) -> tuple[Any, ...]:
    live = network_arrays(net) | below("state", net.state)
    arrays = host_arrays(net, live) | scaling_arrays(net)
    return restored, (arrays, describe(net), net.rule, net.about, net.backend.place, net.parts)


copyreg.pickle(Network, _reduced)
