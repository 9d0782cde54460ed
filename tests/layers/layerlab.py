"""A net of blocks of layers as naive loops, sample by sample: what LayeredBlock and all layers are held to."""

import numpy as np
import reference
from rulelab import close, host, put, trainer, values

from gpufa.layers import Act, Chain, Dense, Dropout, Residual
from gpufa.layers.protocol.carrying import write
from gpufa.training.course.stopping import Status

LEARNING = [name for name in reference.ACTIVATIONS if name not in ("sign", "step")]
DEEP = [
    "input 5",
    "dropout 0.3, gelu, dense 6 tanh, dense 4 silu",
    "residual(dense 7 relu, dropout 0.25, residual(tanh, dense 7), dense 4), dropout 0.5",
    "residual(residual(softplus, dense 4), dense 4)",
    "dense 4 logistic",
    "dense 3",
]


def give_jacobians(net, bp, p):
    """B_k of `net` = the transpose of what h_k does to a_L in p, a pass of one sample through `bp`, whose signals are
    written over: the universal test of a layer (CONV-4b)."""
    for k in net.sizes.hidden:
        columns = []
        for unit in np.eye(net.sizes.outputs):
            p.delta[net.sizes.L][...] = bp.backend.to_device(unit[None, :, None])
            for j in range(net.sizes.L - 1, k - 1, -1):
                out = bp.backend.zeros((1, net.sizes[j], 1), "float64")
                write(bp.backend, p.pull(j + 1), out=out)
                p.send(j, out)
            columns.append(host(bp, out)[0, :, 0])
        put(net, net.feedback[f"B{k}"], np.array(columns).T)


def layered(layers, **settings):
    """A Trainer of these hidden blocks, see rulelab."""
    return trainer(**{"hidden": None, "layers": layers, "init": "uniform"} | settings)


def stepped(layers, steps=5, stop=None, **settings):
    """A Trainer after some steps; seed number `stop` stops after the second."""
    run = layered(layers, **{"seeds": (0, 1)} | settings)
    for step in range(steps):
        if stop is not None and step == 2:
            run.progress.status[stop] = Status.PATIENCE
            run._activate()
        run.step()
    return run


def straight_is_by_gradients(stepped, own, **settings):
    """SGD straight into the weights and by way of gradients end alike, and only frozen layers stay."""
    settings = {"optimizer": "sgd", "lr": 0.1} | settings | own
    run, other = stepped(**settings), stepped(**settings, clip=1e9)
    assert run.update.direct
    assert not other.update.direct
    close(values(run.net), values(other.net), 1e-12)
    before = values(stepped(0, rule=settings["rule"]).net)
    for name, p in values(run.net).items():
        assert np.array_equal(p, before[name]) == (int(name[1]) in own.get("freeze", ())), name


class Slow:
    """One sample through one replica of a pass, up and down, with the parameters and the masks that the pass had.

    `carriers` stand in for the transposes of the matrices that it has; `gradients` adds up dL/dtheta by name.
    """

    def __init__(self, net, p, parameters, r=0, carriers=None):
        self.net, self.p, self.r, self.theta = net, p, r, {name: v[r] for name, v in parameters.items()}
        self.carriers, self.gradients, self.delta = carriers or {}, {}, {}

    def up(self, k, x, sample):
        """What block k makes of x; keeps what the way down needs."""
        self.names, self.sample = iter(self.net.sizes.suffixes(k)), sample
        at = self.p.blocks[k].at if k in self.net.sizes.layered else None
        return self._up(self.net.sizes.blocks[k - 1], at, x)

    def _up(self, layer, at, x):
        if isinstance(layer, Chain):
            tape, h = [], list(x)
            for i, inner in enumerate(layer.layers):
                h, own = self._up(inner, at and at.inside[i], h)
                tape.append(own)
            if isinstance(layer, Residual):
                h = [a + b for a, b in zip(h, x, strict=True)]
            return h, tape
        if isinstance(layer, Dense):
            name = next(self.names)
            W, b = self.theta[f"W{name}"], self.theta[f"b{name}"]
            return [sum(W[i, j] * x[j] for j in range(len(x))) + b[i] for i in range(len(b))], (name, list(x))
        if isinstance(layer, Act):
            return [reference.ACTIVATIONS[layer.name][0](a) for a in x], list(x)
        mask = [1.0] * len(x)
        if isinstance(layer, Dropout) and self.p.dropping and layer.p:
            mask = host(self.net, layer.mask(at))[self.r, :, self.sample]
        return [a * m for a, m in zip(x, mask, strict=True)], list(mask)

    def down(self, layer, tape, delta):
        """What the layer hands down of the signal at its output."""
        if isinstance(layer, Chain):
            below = list(delta)
            for inner, own in reversed(list(zip(layer.layers, tape, strict=True))):
                below = self.down(inner, own, below)
            if isinstance(layer, Residual):
                below = [a + b for a, b in zip(below, delta, strict=True)]
            return below
        if isinstance(layer, Dense):
            name, x = tape
            self._add(f"W{name}", np.outer(delta, x))
            self._add(f"b{name}", np.asarray(delta))
            back = self.carriers[f"W{name}"][self.r] if f"W{name}" in self.carriers else self.theta[f"W{name}"].T
            return [sum(back[j, i] * delta[i] for i in range(len(delta))) for j in range(len(x))]
        if isinstance(layer, Act):
            return [d * reference.ACTIVATIONS[layer.name][1](a) for d, a in zip(delta, tape, strict=True)]
        return [d * m for d, m in zip(delta, tape, strict=True)]

    def _add(self, name, g):
        self.gradients[name] = self.gradients.get(name, 0) + g


def slow_gradients(net, p, parameters, r=0, carriers=None, direct=None):
    """The mean over samples of what backprop makes of the pass's own error; with `direct`, B_k by block, each block's
    signal at its output is B_k e in place of what comes down to it."""
    x, e, m = host(net, p.h[0]), host(net, p.e)[r], p.m
    slow, blocks, L = Slow(net, p, parameters, r, carriers), net.sizes.blocks, net.sizes.L
    for s in range(m):
        h, tapes = list((x[r] if x.ndim == 3 else x)[:, s]), []
        for k in range(1, L + 1):
            h, tape = slow.up(k, h, s)
            tapes.append(tape)
        np.testing.assert_allclose(host(net, p.a[L])[r, :, s], h, rtol=1e-11, atol=1e-13)
        delta = list(e[:, s])
        for k in range(L, 0, -1):
            if direct and k < L:
                delta = list(direct[k][r] @ e[:, s])
            delta = slow.down(blocks[k - 1], tapes[k - 1], delta)
    return {name: g / m for name, g in slow.gradients.items()}


def by_replica(net):
    """Copies of all parameters, (R, ...) each."""
    return {name: host(net, p) for name, p in net.arena.items()}
