"""Norms as loops over their groups, and passes of training that stand still, so that their loss can be looked at."""

import numpy as np
from rulelab import host, network

from gpufa.net.batch.masks import Drops
from gpufa.net.batch.passes import Pass
from gpufa.net.learning.gradients import Gradients
from gpufa.net.state.clock import Clock

NORMS = [
    ("batch norm", (3, 2, 4)),
    ("batch norm eps 0.5 momentum 0.3", (2, 3, 1)),
    ("batch norm zero", (5,)),
    ("batch norm", (4,)),
    ("layer norm", (3, 2, 4)),
    ("layer norm eps 0.5", (5,)),
    ("layer norm zero eps 0", (2, 3, 2)),
]


def training_pass(net, x, y):
    """A pass of training, the batch in it and its error taken: x is (m, n_0), or (R, m, n_0)."""
    return taken(net, Pass(net, x.shape[-2], Drops(inside=True), Clock(net.backend, 1, 1, net.dtype)), x, y)


def taken(net, p, x, y):
    """The pass, with that batch in it."""
    net.backend.targets(net.backend.to_device(y), out=p.y)
    p.evaluate(net.rule.forward, net.backend.to_device(x))
    return p


def training_loss(net, x, y):
    return host(net, training_pass(net, x, y).value).mean(-1)


def training_gradients(net, x, y):
    """By name, (R, ...), of the mean over samples."""
    p, grads = training_pass(net, x, y), net.new_arena()
    sums = Gradients(grads, [(1 / p.m, net.sizes.every)], extras=list(net.extras))
    net.rule.gradients(p, sums)
    sums.finish()
    return {name: host(net, g) for name, g in grads.items()}


class Alone:
    """A net whose first block is that norm, with R = 2 replicas of 3 samples in it and any signal at its output."""

    def __init__(self, word, shape, backend, training, shared=False, m=3):
        draw = np.random.default_rng(3)
        words = [f"input {'x'.join(map(str, shape))}", word, "dense 3"]
        self.net = net = network(words, "bp", backend=backend, seeds=(0, 1))
        self.layer, self.shape, self.m = net.sizes.blocks[0].layers[0], shape, m
        for name, state in net.state.items():
            state[...] = net.backend.to_device(draw.uniform(0.5, 2, state.shape) * (1 if name[0] == "v" else -1))
        x = draw.normal(1, 2, size=(m, net.sizes.inputs) if shared else (2, m, net.sizes.inputs))
        y = np.arange(m) % 3
        self.p = training_pass(net, x, y) if training else taken(net, net.pass_for(m), x, y)
        self.training, self.batch = training, word.startswith("batch")
        self.x = np.broadcast_to(x, (2, m, net.sizes.inputs)).swapaxes(1, 2)  # (R, units, m)
        self.delta = draw.normal(size=self.x.shape)
        self.p.send(1, net.backend.to_device(self.delta))
        self.w = {name: host(net, net.arena[f"{name}1"]) for name in "gb"}
        self.state = {name: host(net, state) for name, state in net.state.items()}

    def found(self):
        """(y, what is handed down, dg, db), (R, ...) each."""
        net, p = self.net, self.p
        y, down = host(net, p.h[1]), host(net, p.pull(1).signal)
        sums = net.new_arena()
        Gradients(sums, [(1.0, net.sizes.every)]).layers_of(p)
        return y, down, host(net, sums["g1"]), host(net, sums["b1"])

    def expected(self):
        """The same, group by group, by the Jacobian of a group as a matrix."""
        y, down = np.zeros(self.x.shape), np.zeros(self.x.shape)
        dg, db = np.zeros(self.w["g"].shape), np.zeros(self.w["g"].shape)
        places = self.x.shape[1] // self.shape[0]
        for r, where in self.groups():
            values = [self.x[r, unit, s] for unit, s in where]
            n, rows = len(values), [unit // places if self.batch else unit for unit, _ in where]
            mean = sum(values) / n
            variance = sum((v - mean) ** 2 for v in values) / n
            own = not self.batch or self.training
            if not own:
                mean, variance = self.state["mean1"][r, rows[0]], self.state["variance1"][r, rows[0]]
            s = np.sqrt(variance + self.layer.eps)
            z = np.array([(v - mean) / s for v in values])
            J = (np.eye(n) - ((1 + np.outer(z, z)) / n if own else 0)) / s  # as d s / d x_j = z_j / n, whatever eps is
            placed = list(zip(where, rows, strict=True))
            d = np.array([self.delta[r, unit, sample] * self.w["g"][r, row] for (unit, sample), row in placed])
            for i, ((unit, sample), row) in enumerate(placed):
                y[r, unit, sample] = self.w["g"][r, row] * z[i] + self.w["b"][r, row]
                down[r, unit, sample] = (J.T @ d)[i]
                dg[r, row] += self.delta[r, unit, sample] * z[i]
                db[r, row] += self.delta[r, unit, sample]
        return y, down, dg, db

    def groups(self):
        """(replica, [(unit, sample), ...]) of what is normalised together."""
        units, places = self.x.shape[1], self.x.shape[1] // self.shape[0]
        for r in range(2):
            if self.batch:
                for c in range(self.shape[0]):
                    yield r, [(c * places + i, s) for i in range(places) for s in range(self.m)]
            else:
                for s in range(self.m):
                    yield r, [(unit, s) for unit in range(units)]
