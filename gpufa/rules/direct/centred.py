"""Direct feedback of a signal that does not vanish as the net learns, in place of the error.

Such a signal has a part that is the same for every sample, and B_k sends it as a constant drift into every unit: in
narrow nets all units saturate and nothing is learned. So the signal's mean over the outputs is taken out, unless
centre = false, which is the paper's. (The error of softmax outputs has no such part: its sum over outputs is zero.)
"""

from dataclasses import dataclass
from typing import Any

from ...net.batch.passes import Pass
from ...net.learning.options import boolean
from .base import DirectFeedback


@dataclass(frozen=True)
class CentredSignal(DirectFeedback):
    """delta_k = (B_k (s - mean of s over outputs)) * f'(a_k), s being what `signal` writes."""

    centre: bool = True

    injects_only = False
    partial = True

    def __post_init__(self) -> None:
        super().__post_init__()
        boolean(self.centre, "centre")

    def signal(self, net: Pass, e: Any, out: Any) -> None:
        """Write what is sent in place of e, (R, n_L, m)."""
        raise NotImplementedError(f"{type(self).__name__} must define signal(net, e, out)")

    def deltas(self, net: Pass, e: Any) -> None:
        n, places = net.sizes.at_place, net.sizes.places
        s, ones = net.array("signal", n * places, net.m), net.array("ones", 1, n)
        mean, of_place = net.array("mean", 1, places * net.m), net.by_places(s)
        self.signal(net, e, s)
        if self.centre and n > 1:
            ones.fill(1)
            net.backend.gemm(ones, of_place, out=mean, alpha=1 / n)
            net.xp.subtract(of_place, mean, out=of_place)
        net.send(net.L, e)
        self.broadcast(net, s)
