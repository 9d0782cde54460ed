"""What rules share whose hidden layers learn without labels: the output layer alone learns from the error.

dW_L = e h_{L-1}^T,  db_L = the row sums of e        the delta rule (Widrow & Hoff 1960)
"""

from dataclasses import dataclass

from ...net.batch.passes import Pass
from ...net.learning.gradients import Gradients
from ...net.learning.rule import Rule


@dataclass(frozen=True)
class Unsupervised(Rule):
    """Hidden layer k learns by `learn` from what it sees of the layer below; all layers learn at once."""

    crosses = "h_{k-1}, upwards"
    frees = "update, backward"
    needs = frozenset({"matrix", "plain"})
    makes = frozenset({"gradients"})

    def learn(self, net: Pass, grads: Gradients, k: int) -> None:
        """Hand over what hidden layer k descends."""
        raise NotImplementedError(f"{type(self).__name__} must define learn(net, grads, k)")

    def gradients(self, net: Pass, grads: Gradients) -> None:
        for k in net.hidden:
            self.learn(net, grads, k)
        grads.layer(net.L, net.e, net.sent[net.L - 1])
