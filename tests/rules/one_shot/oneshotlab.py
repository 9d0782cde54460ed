"""What tests of rules of one shot are made of: small regressions, and an epoch of training."""

import numpy as np

import gpufa

rng = np.random.default_rng(0)


def config(**kw):
    base = {"hidden": (8,), "dtype": "float64", "backend": "numpy", "epochs": 2, "batch_size": 7, "seeds": (0, 1)}
    return gpufa.Config(**base | kw)


def regression(n=40, inputs=6, outputs=3):
    x = rng.normal(size=(n + 10, inputs))
    y = np.tanh(x @ rng.normal(size=(inputs, outputs))) + 1.5
    return gpufa.Data(x[:n], y[:n], x[n:], y[n:])


def an_epoch(made):
    """Train to the end of the epoch."""
    while made.progress.batch < made.batches.per_epoch:
        made.step()
    made.rule.after_epoch(made.net.pass_for(3), made.progress.active)
