"""Direct feedback through a non-linearity.

delta_k = phi(B_k e) * f'(a_k)                 phi = tanh or relu
delta_k = (B_k tanh(C e)) * f'(a_k)            "mlp": C fixed and random, `width` x n_L
"""

from collections.abc import Callable
from typing import Any

from ...net.batch.passes import Pass

BENT: dict[str, Callable[[Any, Any], None]] = {
    "tanh": lambda xp, s: xp.tanh(s, out=s),
    "relu": lambda xp, s: xp.maximum(s, 0, out=s),
}
NONLINEARITIES = "identity", *BENT, "mlp"


def bend(net: Pass, phi: str, derivative: bool) -> None:
    """delta = phi(delta) * f'(a) of all hidden layers, which hold B_k e without f' and without dropout's mask."""
    if net.hidden:
        BENT[phi](net.xp, net.delta.stacked)
        net.gate(net.hidden, net.delta.stacked, derivative=derivative)
