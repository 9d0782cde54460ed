"""The forward-forward algorithm, supervised (Hinton 2022, arXiv:2212.13345).

h_k  = f(W_k n(h_{k-1}) + b_k)                       h_0 = x with a label, n(h) = h / sqrt(mean of h^2)
G_k  = sum of h_k^2                                  goodness: G+ with the right label, G- with a wrong one
L_k  = softplus(theta - G+) + softplus(G- - theta)   the layer's own loss, theta = n_k
dW_k = delta_k n(h_{k-1})^T, of both passes          delta_k = -+ 2 logistic(+- (theta - G)) h_k * f'(a_k)

All hidden layers learn at once, none from another's error. The label of the largest goodness is predicted, by one pass
for each. Wrong labels are drawn at random, all alike likely; Hinton's own program prefers those that the net takes for
likely, evens out the mean activity of units, and predicts with counted = "upper".
"""

from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from ...functions.formulas import FORMULAS
from ...net.batch.passes import Pass
from ...net.learning.options import above_zero
from ...net.learning.rule import Rule
from ...net.shape.layout import Layout
from .goodness import ForwardOnly


@dataclass(frozen=True)
class ForwardForward(ForwardOnly):
    """theta = threshold * n_k. a_L is the mean over layers of the log odds that they give a label, G - theta.

    In training only two labels are tried, and the running error says how often the wrong one won. W_L and b_L are not
    used.
    """

    threshold: float = 1.0

    separable = True
    name = "forward_forward"
    paper = "Hinton 2022"
    crosses = "a label on the input, right or wrong"
    memory = "the activity of both passes"
    frees = "update, backward"
    defaults = MappingProxyType({**Rule.defaults, "activation": "relu", "init": "he", "epochs": 100})

    def __post_init__(self) -> None:
        super().__post_init__()
        above_zero(self.threshold, "threshold of a unit", "threshold")

    def threshold_of(self, sizes: Layout, k: int) -> float:
        return self.threshold * sizes[k]

    def judge(self, net: Pass, k: int, G: Any, sign: float, out: Any) -> None:
        """dL_k/dh_k = -2 sign / (1 + exp(sign (G - theta))) h_k."""
        theta = self.threshold_of(net.sizes, k)
        net.backend.evaluate(FORMULAS["goodness_slope"], out, net.sent[k], G, theta=theta, sign=sign)
