"""The CuPy backend on the CPU: the real kernels, products by cuBLAS's ABI, a recorded step; the numbers are NumPy's.

What a GPU itself does is tested by `pytest -m gpu`.
"""

import dataclasses

import hostdevice
import numpy as np
import pytest
from test_training import DATA, OPTIONS, config, parameters

import gpufa
from gpufa.activations import ACTIVATIONS
from gpufa.backends import get_backend, why_no_gpu


@pytest.fixture
def device(monkeypatch):
    return hostdevice.install(monkeypatch)


def agree(run, reference):
    for name, p in parameters_of(run).items():
        np.testing.assert_allclose(p, parameters(reference)[name], rtol=1e-10, atol=1e-12)
    np.testing.assert_allclose(run.history.epochs["test_loss"], reference.history.epochs["test_loss"], rtol=1e-9)


def parameters_of(run):
    return {name: run.network.backend.to_host(p) for name, p in run.network.parameters.items()}


@pytest.mark.usefixtures("device")
@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_training_gives_numpys_numbers(options):
    run = gpufa.train(config(**options, backend="cupy"), DATA)
    assert run.network.backend.name == "cupy"
    assert run.summary["environment"]["device"] == "the host, for tests"
    agree(run, gpufa.train(config(**options), DATA))


@pytest.mark.usefixtures("device")
def test_stopping_diverging_and_regression(tmp_path):
    from test_training import Poison

    settings = config(validation=0.3, patience=2, epochs=20, optimizer="adam", lr=0.02)
    agree(gpufa.train(dataclasses.replace(settings, backend="cupy"), DATA), gpufa.train(settings, DATA))
    run = gpufa.train(config(backend="cupy", out=str(tmp_path)), DATA, callbacks=[Poison(1, 2)])
    assert run.summary["status"] == ["running", "diverged", "running"]
    targets = (DATA.x_train, DATA.x_train[:, :2], DATA.x_test, DATA.x_test[:, :2])
    agree(gpufa.train(config(rule="fa", backend="cupy"), targets), gpufa.train(config(rule="fa"), targets))


@pytest.mark.usefixtures("device")
def test_a_checkpoint_of_one_backend_is_read_by_the_other(tmp_path):
    whole = gpufa.train(config(rule="fa", epochs=6), DATA)
    for first, second in (("numpy", "cupy"), ("cupy", "numpy")):
        out = tmp_path / first
        gpufa.train(config(rule="fa", epochs=3, backend=first, out=str(out)), DATA)
        agree(gpufa.resume(out, epochs=6, data=DATA, backend=second), whole)
        x = DATA.x_test
        np.testing.assert_allclose(
            gpufa.load(out, backend=second).predict(x), gpufa.load(out, backend=first).predict(x)
        )


@pytest.mark.usefixtures("device")
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_every_activation(activation):
    rule = gpufa.rules.DFA(inject="activation" if ACTIVATIONS[activation].learns else "pre_activation")
    kw = {"rule": rule, "activation": activation, "init": "uniform", "dtype": "float64"}
    ours, theirs = (gpufa.Network([6, 8, 3], backend=b, **kw) for b in ("cupy", "numpy"))
    batch = DATA.x_train, DATA.y_train
    for name, g in theirs.gradients(*batch).items():
        np.testing.assert_allclose(ours.gradients(*batch)[name], g, rtol=1e-12, atol=1e-15)
    np.testing.assert_allclose(ours.alignment(*batch)["gradient"], theirs.alignment(*batch)["gradient"], rtol=1e-6)


def test_the_device_does_refuse_to_mix():
    ours, theirs = hostdevice.device_view(np.ones(3)), np.ones(3)
    for mix in (
        lambda: ours + theirs,
        lambda: np.add(ours, ours, out=theirs),
        lambda: ours.__setitem__(slice(None), theirs),
        lambda: np.where(ours > 0, ours, ours),
    ):
        with pytest.raises(TypeError, match=r"host|device"):
            mix()


@pytest.mark.gpu
@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_on_a_gpu_training_gives_numpys_numbers(options):
    assert why_no_gpu() == ""
    assert get_backend("auto").name == "cupy"
    agree(gpufa.train(config(**options, backend="cupy"), DATA), gpufa.train(config(**options), DATA))
