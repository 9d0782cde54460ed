"""A learning rule of one's own: DFA with the error's sign (sdfa), in a file of a user's.

gpufa train --rule examples/own_rule.py:SignDFA --hidden 64 64
"""

from dataclasses import dataclass

import gpufa


@dataclass(frozen=True)
class SignDFA(gpufa.FeedbackRule):
    """delta_k = (B_k sign(e)) * f'(a_k)        (Frenkel, Lefebvre & Bol 2021)"""

    name = "sdfa"

    def fixed(self, sizes):
        return {f"B{k}": self.feedback(sizes[k], sizes.outputs) for k in sizes.hidden}

    def deltas(self, net, e):
        net.inject(net.hidden, net.B.stacked, net.xp.sign(e))


if __name__ == "__main__":
    run = gpufa.train(gpufa.Config(data="digits", hidden=(64, 64), epochs=30), rule=SignDFA)
    for seed, error in zip(run.summary["seeds"], run.summary["test_error"], strict=True):
        print(f"seed {seed}: test error {error:.2f} %")
    print("angle with backprop, layer by layer:", [round(angle) for angle in run.summary["alignment_deg"]])
