"""Networks and runs are pickled and copied, and come back the same."""

import copy
import pickle
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import numpy as np
import pytest
from traininglab import DATA, config, parameters, same

import gpufa
from gpufa.backends import Backend
from gpufa.basics.errors import BackendUnavailable
from gpufa.checkpoints import pickles
from gpufa.rules import RULES

WAYS = {"pickle": lambda net: pickle.loads(pickle.dumps(net)), "deepcopy": copy.deepcopy, "copy": copy.copy}
X, Y = DATA.x_test, DATA.y_test


def gradients_agree(one, other):
    found, expected = other.gradients(X, Y), one.gradients(X, Y)
    assert found.keys() == expected.keys()
    for name, gradient in expected.items():
        np.testing.assert_array_equal(found[name], gradient)


@pytest.mark.by_kind
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("rule", RULES)
def test_every_rule_comes_back_to_the_bit(rule, way):
    run = gpufa.train(config(rule=rule, epochs=1, scaling="unit", hidden=(8,) if rule == "nn_lift" else (8, 7)), DATA)
    net = WAYS[way](run.network)
    assert net.parameters.keys() == run.network.parameters.keys()
    for name, array in run.network.parameters.items():
        np.testing.assert_array_equal(net.parameters[name], array)
    for name, array in run.network.state.items():
        np.testing.assert_array_equal(net.state[name], array)
    np.testing.assert_array_equal(net.predict(X), run.network.predict(X))
    gradients_agree(run.network, net)


@pytest.mark.parametrize("way", WAYS)
def test_a_copy_is_no_view(way):
    net = gpufa.Network([6, 8, 3], seed=1, backend="numpy", dtype="float64")
    other = WAYS[way](net)
    other.parameters["W1"][...] = 7
    assert not (net.parameters["W1"] == 7).any()
    assert other.single
    assert other.predict(X).shape == (len(X), 3)


def test_what_it_knows_of_its_data_comes_along():
    run = gpufa.train(
        config(
            scaling="standard",
            layers=("dense 5 tanh, dropout 0.5", "residual(dense 5 tanh)"),
            hidden=None,
            activation=None,
            rule="bp",
        ),
        DATA,
    )
    net = pickle.loads(pickle.dumps(run.network))
    np.testing.assert_array_equal(net.predict(X), run.network.predict(X))
    assert net.about == run.network.about
    assert net.sizes.words == run.network.sizes.words


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("seeds", [(0,), (0, 1)])
def test_what_fills_in_missing_values_comes_along(way, seeds):
    holes = np.where(np.random.default_rng(0).random(X.shape) < 0.2, np.nan, X)
    run = gpufa.train(config(missing="median", scaling="standard", seeds=seeds), (holes, Y))
    net = WAYS[way](run.network)
    np.testing.assert_array_equal(net.filling.value, run.network.filling.value)
    assert net.about == run.network.about
    assert net.about.missing == "median"
    np.testing.assert_array_equal(net.predict(holes), run.network.predict(holes))
    assert np.isfinite(net.predict(holes)).all()


def trained(seed):
    return gpufa.train(config(seeds=(seed,), epochs=1), DATA)


def test_worker_processes_return_runs():
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
        for seed, run in zip((3, 4), pool.map(trained, (3, 4)), strict=True):
            here = trained(seed)
            same(parameters(run), parameters(here))
            assert run.summary["test_error"] == here.summary["test_error"]
            np.testing.assert_array_equal(run.history.epochs["loss"], here.history.epochs["loss"])


@pytest.mark.gpu
@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_a_net_on_a_gpu_goes_back_there(precision):
    net = gpufa.Network([6, 8, 3], backend="cupy", precision=precision, feedback="procedural")
    other = pickle.loads(pickle.dumps(net))
    assert other.backend.place == net.backend.place == {"backend": "cupy", "device": 0, "precision": precision}
    np.testing.assert_array_equal(other.predict(X), net.predict(X))
    gradients_agree(net, other)


@pytest.mark.gpu
def test_without_its_gpu_it_comes_to_the_cpu(monkeypatch):
    net = gpufa.Network([6, 8, 3], backend="cupy", dtype="float64")
    pickled = pickle.dumps(net)
    made = pickles.made_of

    def gone(*contents, backend, **place):
        if backend == "cupy":
            raise BackendUnavailable("backend 'cupy' can't run here: it was sold")
        return made(*contents, backend=backend, **place)

    monkeypatch.setattr(pickles, "made_of", gone)
    with pytest.warns(gpufa.GpufaWarning, match="the network is brought to the CPU: backend 'cupy'.* was sold"):
        other = pickle.loads(pickled)
    assert isinstance(other.backend, Backend)
    assert other.backend.name == "numpy"
    np.testing.assert_allclose(other.predict(X), net.predict(X), atol=1e-12)
