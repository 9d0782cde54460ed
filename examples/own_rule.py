"""A learning rule of one's own: sign symmetry, where the feedback knows the signs of the weights and nothing else.

gpufa train --rule examples/own_rule.py:SignSymmetry --hidden 64 64
"""

from dataclasses import dataclass

import gpufa


@dataclass(frozen=True)
class SignSymmetry(gpufa.Rule):
    """delta_k = (V_k delta_{k+1}) * f'(a_k), V_k = scale * sign(W_{k+1}^T) / sqrt(n_k)   (Liao, Leibo & Poggio 2016)"""

    scale: float = 1.0

    def deltas(self, net, e):
        for k in reversed(net.hidden):
            V = net.xp.sign(net.W[k + 1].swapaxes(-1, -2)) * (self.scale / net.sizes[k] ** 0.5)
            net.inject(k, V, net.delta[k + 1])


if __name__ == "__main__":
    run = gpufa.train(gpufa.Config(data="digits", hidden=(64, 64), epochs=30), rule=SignSymmetry)
    for seed, error in zip(run.summary["seeds"], run.summary["test_error"], strict=True):
        print(f"seed {seed}: test error {error:.2f} %")
    print("angle with backprop, layer by layer:", [round(angle) for angle in run.summary["alignment_deg"]])
