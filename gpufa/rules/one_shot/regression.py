"""What all rules share that solve for the output layer: linear regression on the last hidden activity, in one pass.

    [W_L b_L]^T = (H^T H + lambda I)^-1 H^T T       H: the samples' h_{L-1} and a one, by rows; T: their targets

The sums H^T H and T^T H grow step by step, so that H never needs to be in memory; after the last step of an epoch they
are solved on the host and cleared. lambda is not put on the bias. With lambda = 0 the pseudo-inverse stands in.
"""

from collections.abc import Collection
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from ...basics.arguments import is_number, shown
from ...basics.arrays import T
from ...basics.errors import InvalidValue
from ...net.batch.passes import Pass
from ...net.learning.gradients import Gradients
from ...net.learning.rule import Rule
from ...net.shape.layout import Layout


@dataclass(frozen=True)
class OutputRegression(Rule):
    """`ridge` is lambda; state["sums"] holds [H T]^T H, in float64 whatever the net's dtype."""

    ridge: float = 0.1

    memory = "H^T H and T^T H"
    frees = "update, backward"
    state_dtype = "float64"
    needs = frozenset({"matrix", "plain"})
    makes = frozenset({"gradients"})
    feedforward = False
    defaults = MappingProxyType(
        {**Rule.defaults, "loss": "squared_error", "optimizer": "sgd", "batch_size": 1000, "epochs": 1}
    )

    def __post_init__(self) -> None:
        if not is_number(self.ridge) or self.ridge < 0:
            raise InvalidValue(f"ridge {shown(self.ridge)} can't be used; set rule.ridge to a number of at least 0")

    def trained(self, sizes: Layout) -> Collection[int]:
        return ()

    def state(self, sizes: Layout) -> dict[str, tuple[int, ...]]:
        columns = sizes[sizes.L - 1] + 1
        return {"sums": (columns + sizes.outputs, columns)}

    def gradients(self, net: Pass, grads: Gradients) -> None:
        """Nothing is descended; in training the sums grow by the batch's."""
        if not net.training:
            return
        sums = net.state["sums"]
        rows, columns = sums.shape[1:]
        HT = net.backend.scratch("[H T]^T", (len(sums), rows, net.m), self.state_dtype)
        HT[:, : columns - 1] = net.sent[net.L - 1]
        HT[:, columns - 1 : columns].fill(1)
        HT[:, columns:] = net.y
        net.backend.gemm(HT, T(HT[:, :columns]), out=sums, beta=1.0)

    def after_epoch(self, net: Pass, active: NDArray[np.bool_]) -> None:
        for r in np.flatnonzero(active):
            sums = net.backend.to_host(net.state["sums"][r])
            columns = sums.shape[1]
            if sums[columns - 1, columns - 1] > 0 and np.isfinite(sums).all():  # else the replica has diverged
                solved = solve(sums[:columns], sums[columns:].T, self.ridge).T
                net.W[net.L][r] = net.backend.to_device(solved[:, :-1], net.dtype)
                net.b[net.L][r] = net.backend.to_device(solved[:, -1], net.dtype)
        net.state["sums"].fill(0)


def solve(HH: NDArray, HT: NDArray, ridge: float) -> NDArray:
    """(H^T H + ridge I)^-1 H^T T without ridge on the last column of H; by the pseudo-inverse where it is singular."""
    from scipy.linalg import LinAlgError, cho_factor, cho_solve, pinvh

    A = HH.copy()
    A[np.diag_indices(len(A) - 1)] += ridge
    if ridge:
        try:
            return cho_solve(cho_factor(A), HT)
        except LinAlgError:
            pass
    return pinvh(A) @ HT
