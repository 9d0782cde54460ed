"""NN-LIFT (Janzamin, Sedghi & Anandkumar 2016, arXiv:1506.08473): one hidden layer by tensor decomposition.

    E[y S_3(x)] = sum_j lambda_j a_j (x) a_j (x) a_j       S_3: the third score of the inputs' density
    W_1, b_1    = the components, and the biases that fit E[y S_1], E[y S_2], E[y S_3]
    W_2, b_2    = ridge regression on h_1

The score is that of a normal density with the training inputs' mean and covariance, so that all of this is exact for
Gaussian inputs only; for others it is a way to choose hidden units. See gpufa.tensors for the steps. In place of the
paper's Fourier step, b_1 and the length of each row of W_1, which the paper takes to be 1, are those whose first three
Hermite coefficients are most nearly proportional to what was measured along a_j.
"""

from dataclasses import dataclass
from itertools import count
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...basics.errors import InvalidValue
from ...basics.random import Generator, Purpose
from ...net.state.model import Model
from .hermite import Draw, HermiteMoments, components, kappas, whitening
from .regression import OutputRegression

MOST = 64  # components of one tensor
SCALES, PLACES = np.geomspace(0.25, 4, 25), np.linspace(-3, 3, 121)  # lengths of rows, and -b / length
NORMS = np.sqrt([[1.0], [2.0], [6.0]])  # of He_1, He_2, He_3


@dataclass(frozen=True)
class NNLift(OutputRegression):
    """y is a random combination of the outputs; as one tensor has no more components than dimensions, further
    combinations give the units beyond those."""

    name = "nn_lift"
    paper = "Janzamin, Sedghi & Anandkumar 2016"
    crosses = "y, before training"
    needs = frozenset({"matrix", "plain", "samples"})
    defaults = MappingProxyType({**OutputRegression.defaults, "hidden": (256,)})

    def check(self, model: Model) -> None:
        if len(model.sizes.hidden) != 1:
            raise InvalidValue(
                f"rule 'nn_lift' finds one hidden layer, but the net has {len(model.sizes.hidden)}; give --hidden 256"
            )

    def prepare(self, model: Model, x: Any, y: Any) -> None:
        targets = model.backend.zeros((len(model.seeds), model.sizes.outputs, len(x)), model.dtype)
        model.backend.targets(y, out=targets)
        inputs = model.backend.to_host(x)
        mean, P = whitening(inputs)
        for r, seed in enumerate(model.seeds):
            rows = self._rows(model, inputs, model.backend.to_host(targets[r]), mean, P, normals(seed))
            model.arena.W[1][r] = model.backend.to_device(rows[:, :-1], model.dtype)
            model.arena.b[1][r] = model.backend.to_device(rows[:, -1], model.dtype)

    def _rows(self, model: Model, x: NDArray, y: NDArray, mean: NDArray, P: NDArray, draw: Draw) -> NDArray:
        """[W_1 b_1], (n_1, n_0 + 1), for the raw inputs."""
        rows = np.zeros((0, len(mean) + 1))
        while len(rows) < model.sizes[1]:
            moments = HermiteMoments(x, draw((len(y),)) @ y, mean, P)
            A, weights = components(moments, min(model.sizes[1] - len(rows), P.shape[1], MOST), draw)
            length, bias = fit(model.activations[0].value, weights)
            W = (P @ A * length).T
            rows = np.vstack([rows, np.column_stack([W, bias - W @ mean])])
        return rows


def normals(seed: int) -> Draw:
    """Normal-like numbers of the shapes asked for, other ones each time."""
    streams = count()
    return lambda shape: Generator().fill("normal", np.empty(shape), seed, Purpose.RULE, stream=next(streams))


def fit(f: Any, weights: NDArray) -> tuple[NDArray, NDArray]:
    """For each unit the s and b, (k,) each, whose E[f(s t + b) He_n(t)] are most nearly proportional to its weights,
    (3, k); where s is negative the unit looks the other way. Of units as good but for rounding, as (s, b) and (-s, -b)
    are where f is odd, it is the first."""
    scale = np.repeat(SCALES, len(PLACES))
    bias = scale * np.tile(PLACES, len(SCALES))
    curve = kappas(f, scale, bias) / NORMS
    curve = np.hstack([curve, curve * [[-1], [1], [-1]]])
    curve /= np.maximum(np.linalg.norm(curve, axis=0), 1e-12)
    share = np.abs(curve.T @ (weights / NORMS))
    best = (share >= (1 - 1e-9) * share.max(axis=0)).argmax(axis=0)
    return np.append(scale, -scale)[best], np.append(bias, bias)[best]
