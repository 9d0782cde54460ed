"""Runs on images scaled by channel or whitened: what is fitted, trained on, kept, resumed and started from."""

import dataclasses

import numpy as np
import pytest
from imagelab import images
from traininglab import config, parameters, same

import gpufa
from gpufa.basics.errors import FileProblem, InvalidValue
from gpufa.checkpoints import hdf5
from gpufa.data.samples.scaling import Fit, fit_scaling
from gpufa.training.sets.prepared import divided
from gpufa.training.trainer import Trainer

SHAPE = 2, 4, 5
KINDS = [np.uint8, np.float32, np.float64]
NEW = ["channel", "zca"]
LAYERS = ("input 2x4x5", "conv 3 3x3 tanh, pool 2")


def by_hand(data, name, held=None, **more):
    """The data scaled before they are handed in."""
    x = data.x_train[held] if held is not None else data.x_train
    scaling = fit_scaling(name, x, Fit(SHAPE, **more))

    def scaled(x):
        made = scaling.apply(x, "float64")
        return made if scaling.matrix is None else made @ scaling.matrix

    return data._replace(x_train=scaled(data.x_train), x_test=scaled(data.x_test))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", NEW)
@pytest.mark.parametrize("net", [{}, {"layers": LAYERS, "hidden": None, "rule": "fa"}], ids=["dense", "conv"])
def test_a_run_is_that_on_data_scaled_by_hand(backend, name, kind, net, tmp_path):
    data = images(SHAPE, kind=kind)
    settings = config(backend=backend, init="uniform", **net)
    run = gpufa.train(dataclasses.replace(settings, scaling=name, out=str(tmp_path)), data)
    plain = gpufa.train(settings, by_hand(data, name))
    same(host(run), host(plain), exact=False)
    for one in run.network, gpufa.load(tmp_path, backend=backend):
        x, y, mine = data.x_test, data.y_test, by_hand(data, name).x_test
        close(one.predict(x), plain.network.predict(mine))
        close(one.predict(x.reshape(-1, *SHAPE)), plain.network.predict(mine))
        close(one.loss(x, y), plain.network.loss(mine, y))
        for ask in "evaluate", "gradients", "signals", "alignment":
            found, expected = getattr(one, ask)(x, y), getattr(plain.network, ask)(mine, y)
            for what in expected:
                close(found[what], expected[what], what)


def host(run):
    return {name: run.network.backend.to_host(p) for name, p in run.network.parameters.items()}


def close(a, b, what=""):
    np.testing.assert_allclose(a, b, rtol=1e-8, atol=1e-9, err_msg=what)


@pytest.mark.parametrize("name", NEW)
def test_neither_held_out_nor_test_samples_are_looked_at(name):
    data = images(SHAPE, kind=np.float64)
    settings = config(scaling=name, validation=0.25)
    kept, held = divided(data, settings)
    wild = data.x_train.copy()
    wild[held] *= 100
    one = Trainer(settings, data).net.scaling
    other = Trainer(settings, data._replace(x_train=wild, x_test=data.x_test * 100)).net.scaling
    expected = fit_scaling(name, data.x_train[kept], Fit(SHAPE))
    for found in one, other:
        assert found.close_to(expected)
        np.testing.assert_array_equal(found.shift, expected.shift)
    assert not one.close_to(fit_scaling(name, data.x_train, Fit(SHAPE)))


@pytest.mark.parametrize("name", [*NEW, "none"])
def test_bytes_stay_bytes_up_to_the_device(backend, name):
    trainer = Trainer(config(scaling=name, backend=backend, rule="bp"), data := images(SHAPE))
    assert trainer.train[0].dtype == trainer.batches.x.dtype == np.uint8
    trainer.run()
    seen = trainer.backend.to_host(trainer.net.as_floats(trainer.train[0]))
    close(seen, by_hand(data, name).x_train if name != "none" else data.x_train)
    close(trainer.backend.to_host(trainer.probe[0])[0], seen[0])


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", NEW)
def test_a_run_goes_on_bit_for_bit(tmp_path, kind, name):
    data, settings = images(SHAPE, kind=kind), config(scaling=name, epochs=6, dtype="float32", validation=0.2)
    whole = gpufa.train(settings, data)
    gpufa.train(dataclasses.replace(settings, epochs=2, out=str(tmp_path)), data)
    resumed = gpufa.resume(tmp_path, epochs=6, data=data)
    same(parameters(resumed), parameters(whole))
    np.testing.assert_array_equal(resumed.network.predict(data.x_test), whole.network.predict(data.x_test))
    arrays = hdf5.read(tmp_path / "checkpoint.h5")[0]
    assert ("scaling/matrix" in arrays) == (name == "zca")
    if name == "zca":
        assert arrays["scaling/matrix"].dtype == np.float32


@pytest.mark.parametrize("name", NEW)
def test_a_start_hands_its_scaling_over(tmp_path, name):
    data, start = images(SHAPE, kind=np.float64), str(tmp_path / "a")
    first = gpufa.train(config(scaling=name, out=start), data)
    with pytest.warns(gpufa.GpufaWarning, match="scaling is that of the start"):
        second = gpufa.train(config(start=start), data)
    assert second.network.scaling.close_to(first.network.scaling)
    same(parameters(gpufa.train(config(start=start, scaling=name), data)), parameters(second))
    others = [{"scaling": "standard"}, {"scaling": {"channel": "zca", "zca": "channel"}[name]}]
    for other in others + ([{"scaling": "zca", "zca_eps": 0.2}] if name == "zca" else []):
        with pytest.raises(InvalidValue, match="made for another scaling"):
            gpufa.train(config(start=start, **other), data)


def test_eps_is_the_runs_own_and_is_kept(tmp_path):
    data = images(SHAPE, kind=np.float64)
    run = gpufa.train(config(scaling="zca", zca_eps=0.5, out=str(tmp_path)), data)
    assert run.network.scaling.close_to(fit_scaling("zca", data.x_train, Fit(eps=0.5)))
    assert "zca_eps = 0.5" in (tmp_path / "config.toml").read_text()
    assert gpufa.train(config(scaling="zca"), data).config.zca_eps == 0.1
    assert gpufa.train(config(scaling="standard"), data).config.zca_eps is None
    with pytest.raises(InvalidValue, match=r"zca_eps = 0.5 is for scaling 'zca', not 'channel'"):
        gpufa.train(config(scaling="channel", zca_eps=0.5), data)
    with pytest.raises(InvalidValue, match="zca_eps = 0 can't be used; expected a number above 0"):
        config(zca_eps=0)


def test_channels_are_those_of_the_net_or_of_the_data():
    data = images(SHAPE, kind=np.float64)

    def placed(*places):
        return images(SHAPE, kind=np.float64).placed(places or None)

    flat = placed()
    with pytest.raises(InvalidValue, match="'channel' needs to know which of the 40 features"):
        gpufa.train(config(scaling="channel"), flat)
    one = Trainer(config(scaling="channel"), data)
    other = Trainer(config(scaling="channel", hidden=None, layers=("input 2x4x5", "dense 8 tanh")), flat)
    assert one.net.scaling.close_to(other.net.scaling)
    assert one.taken.endswith("; images 2x4x5")
    grey = Trainer(config(scaling="channel"), placed(8, 5))
    assert grey.taken.endswith("; images 1x8x5")
    assert len(set(grey.net.scaling.shift)) == 1
    with pytest.raises(InvalidValue, match=r"\(5, 4, 2\), which looks like height x width x channels"):
        Trainer(config(scaling="channel"), placed(5, 4, 2))
    with pytest.raises(InvalidValue, match="needs to know which"):
        Trainer(config(scaling="channel"), gpufa.load_data((x4(data), data.y_train), drop=[0]))


def x4(data):
    return data.x_train.reshape(-1, *SHAPE)


@pytest.mark.parametrize("shape", [(40, 39), (1, 1), (40,)])
def test_a_matrix_of_another_size_is_refused(tmp_path, shape):
    gpufa.train(config(scaling="zca", out=str(tmp_path)), images(SHAPE))
    arrays, metadata = hdf5.read(path := tmp_path / "checkpoint.h5")
    arrays["scaling/matrix"] = np.ones(shape)
    hdf5.write(path, arrays, metadata)
    with pytest.raises(FileProblem, match="its scaling is not of so many features"):
        gpufa.load(tmp_path)


@pytest.mark.gpu
def test_bytes_are_not_whitened_in_bfloat16():
    settings = config(scaling="zca", dtype="float32", precision="bf16", backend="cupy", rule="dfa")
    with pytest.raises(InvalidValue, match=r"of bytes is done in each step, which precision 'bf16' has not the digits"):
        Trainer(settings, images(SHAPE))
    Trainer(settings, images(SHAPE, kind=np.float32)).run()
    changed = dataclasses.replace(settings, scaling="channel", augment="flip, crop 2")
    Trainer(changed, images(SHAPE)).run()
    with pytest.raises(InvalidValue, match="of augmented samples is done in each step"):
        Trainer(dataclasses.replace(changed, scaling="zca"), images(SHAPE, kind=np.float32))
