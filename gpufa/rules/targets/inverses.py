"""What the rules share that send a target to each hidden layer in place of an error (Bengio 2014, arXiv:1407.7906).

t_{L-1}   = h_{L-1} - eta_hat dL/dh_{L-1},  dL/dh_{L-1} = W_L^T e
t_{k-1}   = made of t_k by g_k(h) = f(V_k h + c_k), V_k being n_{k-1} x n_k, f that of layer k-1; k = L-1 .. 2
delta_k   = (h_k - t_k) / eta_hat * f'(a_k)                      from the layer loss |h_k - t_k|^2 / (2 eta_hat)
dV_k, dc_k  from the inverse loss |g_k(f_k(h_{k-1} + noise)) - (h_{k-1} + noise)|^2, f_k held

The factor 1 / (2 eta_hat) makes delta_{L-1} exactly backpropagation's, and the others comparable to it. With dropout
h_k is what layer k sends, under its mask.
"""

from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from ...backends.operations.operands import Gate
from ...basics.arrays import T
from ...net.batch.passes import Pass
from ...net.learning.gradients import Gradients
from ...net.learning.options import above_zero
from ...net.learning.rule import Rule
from ...net.shape.layout import Layout
from ...net.state.arena import Extra


@dataclass(frozen=True)
class Targets(Rule):
    """A rule says by `lower_target` how t_k becomes t_{k-1}.

    The inverses start orthogonal and learn at `rate` times the weights' learning rate, from normal-like noise of
    deviation `noise`, in the same steps as the weights.
    """

    eta_hat: float = 0.328
    noise: float = 0.36
    rate: float = 0.336

    crosses = "W_L^T e to the last hidden layer, targets t_k = g_{k+1}(t_{k+1}) below it"
    memory = "V, c and their optimizer state"
    needs = frozenset({"matrix", "plain", "derivative"})
    makes = frozenset({"signals", "gradients"})
    defaults = MappingProxyType({**Rule.defaults, "init": "orthogonal"})

    def __post_init__(self) -> None:
        above_zero(self.eta_hat, "step to the first target", "eta_hat")
        above_zero(self.noise, "noise", "noise")
        above_zero(self.rate, "rate of the inverses", "rate")

    def parameters(self, sizes: Layout) -> dict[str, Extra]:
        upper = sizes.hidden[1:]
        V = {f"V{k}": Extra((sizes[k - 1], sizes[k]), "orthogonal", self.rate) for k in upper}
        return V | {f"c{k}": Extra((sizes[k - 1],), "zeros", self.rate) for k in upper}

    def lower_target(self, net: Pass, k: int, t: Any, out: Any) -> None:
        """t_{k-1} into `out`, from t = t_k."""
        raise NotImplementedError(f"{type(self).__name__} must define lower_target(net, k, t, out)")

    def deltas(self, net: Pass, e: Any) -> None:
        if not net.hidden:
            return
        h, t, delta, top = net.sent, net.layers("target"), net.delta, net.L - 1
        net.backend.gemm(T(net.W[net.L]), e, out=delta[top])
        net.xp.multiply(delta[top], -self.eta_hat, out=t[top])
        net.xp.add(t[top], h[top], out=t[top])
        for k in net.hidden[-2::-1]:
            self.lower_target(net, k + 1, t[k + 1], out=t[k])
            net.xp.subtract(h[k], t[k], out=delta[k])
            net.xp.multiply(delta[k], 1 / self.eta_hat, out=delta[k])
        net.gate(net.hidden, delta.stacked)

    def gradients(self, net: Pass, grads: Gradients) -> None:
        super().gradients(net, grads)
        for k in net.hidden[1:]:
            noisy, response, found = (net.layers(name) for name in ("noisy", "response", "inverse"))
            noisy[k - 1][...] = net.sent[k - 1]
            net.random("normal", noisy[k - 1], stream=k, scale=self.noise, add=True, by_sample=True)
            net.layer(k, noisy[k - 1], response[k])
            z = self.inverse(net, k, response[k], out=found[k - 1])
            miss = net.xp.subtract(found[k - 1], noisy[k - 1], out=noisy[k - 1])
            net.backend.gate(miss, [Gate(net.activations[k - 2], z, None, slice(None))])
            grads.product(f"V{k}", miss, response[k], 2.0)
            grads.sums(f"c{k}", miss, 2.0)

    def inverse(self, net: Pass, k: int, h: Any, out: Any) -> Any:
        """g_k(h) into `out`, (R, n_{k-1}, m), a part of some net.layers(...); returns where its f' is written in."""
        f = net.activations[k - 2]
        a = net.layers("inverse's pre-activation")[k - 1] if f.of == "a" else out
        net.backend.layer(net.parameters[f"V{k}"], h, net.parameters[f"c{k}"], f, a=a, h=out)
        return a
