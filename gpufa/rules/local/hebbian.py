"""Hebbian learning of principal components: Oja's rule and its forms for several units.

a = W_k x + b_k,  y = a - its mean over the batch        x = h_{k-1}; linear, whatever f is
dW_k = y x^T - M * (y y^T) W_k        Hebb's product, and what keeps |w| at 1: the components of x's covariance
db_k = -a                             until a has mean zero

variant = "subspace"   M = 1                   the n_k rows span the first components' space (Oja 1989)
variant = "sanger"     M lower triangular      row i is the i-th component (generalised Hebbian algorithm, Sanger 1989)
variant = "oja"        M diagonal              every unit by itself: all find the first component (Oja 1982)

Here dW is added; what is handed over is its negative.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...basics.arrays import T
from ...net.batch.passes import Pass
from ...net.learning.gradients import Gradients
from ...net.learning.options import above_zero, one_of
from ...net.learning.rule import Rule
from .unsupervised import Unsupervised

MASKS: dict[str, Callable[[int], NDArray]] = {"subspace": np.ones, "sanger": np.tri, "oja": np.eye}


@dataclass(frozen=True)
class Hebbian(Unsupervised):
    """W_k learns the principal components of its layer's inputs, at rate / n_{k-1} times the output's learning rate.

    Its steps are stable while lr * rate / n_{k-1} is below 1 over the largest variance of the inputs, which is n_{k-1}
    at most where each has a variance up to 1: so for plain SGD, the default, as the equation keeps |w| at 1 by itself.
    A batch of one sample teaches nothing, as it is its own mean.
    """

    variant: str = "subspace"
    rate: float = 1.0

    name = "hebbian"
    paper = "Oja 1982; Oja 1989; Sanger 1989"
    defaults = MappingProxyType({**Rule.defaults, "optimizer": "sgd", "lr": 1.0, "init": "orthogonal"})

    def __post_init__(self) -> None:
        one_of(self.variant, MASKS, "form of Oja's rule", "variant")
        above_zero(self.rate, "rate of the hidden layers", "rate")

    def learn(self, net: Pass, grads: Gradients, k: int) -> None:
        n, rate = net.sizes[k], self.rate / net.sizes[k - 1]
        x, y, products = net.sent[k - 1], net.array(f"y{k}", n, net.m), net.array(f"y{k} y{k}^T", n, n)
        net.backend.layer(net.W[k], x, net.b[k], None, a=y, h=y)
        grads.sums(f"b{k}", y, rate)
        self.centre(net, y)
        net.backend.gemm(y, T(y), out=products)
        if self.variant != "subspace":
            net.xp.multiply(products, net.constant(f"M{k}", partial(MASKS[self.variant], n)), out=products)
        grads.product(f"W{k}", y, x, -rate)
        grads.product(f"W{k}", products, T(net.W[k]), rate)

    def centre(self, net: Pass, y: Any) -> None:
        """y -= its mean over the batch."""
        mean, ones = net.array(f"mean of {y.shape[1]}", y.shape[1]), net.constant("ones", lambda: np.ones((1, net.m)))
        net.backend.row_sums(y, out=mean, alpha=1 / net.m)
        net.backend.gemm(mean[..., None], ones, out=y, alpha=-1.0, beta=1.0)
