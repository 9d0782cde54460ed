"""Backpropagation (Rumelhart, Hinton & Williams 1986), the baseline.

delta_L = e
delta_k = (W_{k+1}^T delta_{k+1}) * f'(a_k)

Through a recurrent layer it goes back through all steps, with truncate = n through n at most: the steps are parted into
stretches of n from the first on, and no error goes from one to the one before. With window = n a step of training takes
n steps of the samples at once, the states of the window before in front of them, and the weights are updated behind
each.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from ...basics.errors import InvalidValue
from ...net.batch.passes import Pass
from ...net.learning.options import whole
from ...net.learning.rule import Rule
from ...net.state.model import Model


@dataclass(frozen=True)
class BP(Rule):
    """delta_k = (W_{k+1}^T delta_{k+1}) * f'(a_k): the true gradient. Weights start from U(+-1/sqrt(fan_in))."""

    name = "bp"
    paper = "Rumelhart, Hinton & Williams 1986"
    crosses = "W_{k+1}^T delta_{k+1}: the weights, transposed"
    frees = ""
    needs = frozenset({"pull", "derivative"})
    injects_only = True
    linear = True
    separable = True
    later = MappingProxyType({"truncate": 0, "window": 0})

    truncate: int = 0
    window: int = 0  # type: ignore[misc]

    def __post_init__(self) -> None:
        whole(self.truncate, "steps that errors go back", "truncate")
        whole(self.window, "steps of a window", "window")

    def check(self, model: Model) -> None:
        for name in ("truncate", "window"):
            if (steps := getattr(self, name)) and not model.sizes.recurrent:
                raise InvalidValue(
                    f"{name} = {steps} is how many steps errors go back in time, and the net has no recurrent layer;"
                    f" leave rule.{name} out"
                )

    def deltas(self, net: Pass, e: Any) -> None:
        with net.within(self.truncate, self.window):
            net.send(net.L, e)
            for k in reversed(net.hidden):
                net.send(k, net.pull(k + 1))
        net.hand_down()

    def weight_pairs(self, net: Pass) -> Iterator[tuple[int, Any, Any]]:
        for k in net.hidden:
            if net.sizes.one_dense(k + 1):
                yield k, net.W[k + 1], net.W[k + 1]
