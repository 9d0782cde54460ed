"""What tests of training are made of: small runs on data of their own, and what to compare of them."""

import numpy as np

import gpufa
from gpufa.data.samples.data import Data
from gpufa.runs.held import trainer_arrays

rng = np.random.default_rng(0)


def blobs(n=120, features=6, classes=3):
    """Gaussian clouds, a little apart."""
    y = np.arange(n) % classes
    x = rng.normal(size=(n, features)) + np.eye(classes, features)[y] * 2
    return Data(x[: n * 3 // 4], y[: n * 3 // 4], x[n * 3 // 4 :], y[n * 3 // 4 :])


DATA = blobs()


def config(**kw):
    base = {"hidden": (8, 7), "dtype": "float64", "backend": "numpy", "epochs": 4, "batch_size": 16, "seeds": (0, 1, 2)}
    return gpufa.Config(**(base | kw))


def parameters(run):
    to_host = run.network.backend.to_host
    return {name: np.array(to_host(p)) for name, p in run.network.parameters.items()}


def same(a, b, exact=True):
    assert a.keys() == b.keys()
    for name in a:
        if exact:
            np.testing.assert_array_equal(a[name], b[name], err_msg=name)
        else:
            np.testing.assert_allclose(a[name], b[name], rtol=1e-10, atol=1e-12, err_msg=name)


OPTIONS = [
    {"rule": "bp", "optimizer": "adam", "init": "glorot"},
    {"rule": "fa", "optimizer": "sgd", "lr": 0.1},
    {"rule": "dfa", "dropout": 0.3, "input_dropout": 0.1},
    {"rule": "ifa", "input_noise": 0.2, "label_noise": 0.2},
    {"rule": "dfa", "adversarial": 0.1, "dropout": 0.2, "activation": "gelu"},
    {"rule": "dfa", "adversarial": 0.1, "adversarial_mix": "beside", "optimizer": "momentum", "lr": 0.05, "clip": 0.5},
    {"rule": "bp", "optimizer": "sgd", "lr": 0.1, "layer_lr": (0.1, 0.0, 0.2), "weight_decay": 1e-3},
]


class Poison(gpufa.Callback):
    """Puts a NaN into one replica's weights after an epoch."""

    def __init__(self, replica, epoch, weights="W2"):
        self.replica, self.epoch, self.weights = replica, epoch, weights

    def on_epoch(self, trainer):
        if trainer.progress.epoch == self.epoch:
            self.good = {name: a[self.replica].copy() for name, a in trainer_arrays(trainer).items()}
            trainer.net.parameters[self.weights][self.replica, 0, 0] = np.nan
