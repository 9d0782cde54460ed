"""Runs on images that are changed as they are trained on: what is, what isn't, and that runs go on to the bit."""

import dataclasses
import json

import numpy as np
import pytest
from imagelab import WORDS, changed_by_hand, images
from traininglab import config, parameters, same

import gpufa
from gpufa.basics.errors import InvalidValue
from gpufa.data.samples.scaling import Fit, fit_scaling
from gpufa.rules.baselines.bp import BP
from gpufa.training.trainer import Trainer

SHAPE = 2, 4, 5
TEXT = "flip, crop 2"
CONV = {"hidden": None, "layers": ("input 2x4x5", "conv 3 3x3 tanh, pool 2"), "rule": "dfa"}


def begun(data, **settings):
    trainer = Trainer(config(**{"init": "uniform", "seeds": (3, 8)} | settings), data)
    trainer.begin_epoch()
    return trainer


def loaded(trainer):
    """What the next step trains on, (R, m, n_0), and which samples these are."""
    m, batch = trainer.batches.samples(trainer.progress.batch), trainer.progress.batch
    trainer.step()
    order = trainer.backend.to_host(trainer.batches.order)[:, batch * trainer.batches.size :][:, :m]
    return trainer.backend.to_host(trainer._steps[m].x), order


@pytest.mark.parametrize("kind", [np.uint8, np.float64])
@pytest.mark.parametrize("scaling", ["none", "unit", "standard", "channel", "zca"])
@pytest.mark.parametrize("text", WORDS[:3])
def test_each_step_is_of_images_changed_anew_and_scaled_then(backend, text, scaling, kind):
    data = images(SHAPE, kind=kind)
    trainer = begun(data, augment=text, scaling=scaling, backend=backend)
    fit = fit_scaling(scaling, data.x_train, Fit(SHAPE))
    for step in range(5):  # the last is in the second epoch
        if step == trainer.batches.per_epoch:
            trainer._finish_epoch(0.0)
            trainer.begin_epoch()
        x, order = loaded(trainer)
        for r, seed in enumerate((3, 8)):
            by_hand = [changed_by_hand(data.x_train[i].reshape(SHAPE), text, seed, int(i), step) for i in order[r]]
            expected = fit.apply(np.reshape(by_hand, (len(by_hand), -1)), "float64")
            if fit.matrix is not None:
                np.testing.assert_allclose(x[r], expected @ fit.matrix, rtol=1e-10, atol=1e-10)
            else:
                np.testing.assert_array_equal(x[r], expected)


@pytest.mark.parametrize("kind", [np.uint8, np.float64])
@pytest.mark.parametrize("scaling", ["none", "channel", "zca"])
def test_nothing_but_the_batches_is_changed(backend, scaling, kind):
    data = images(SHAPE, kind=kind)
    plain, changed = (begun(data, scaling=scaling, validation=0.2, backend=backend, **one) for one in AUGMENTED)
    for name in "train", "held", "test", "probe":
        for one, other in zip(getattr(plain, name), getattr(changed, name), strict=True):
            np.testing.assert_array_equal(plain.backend.to_host(one), plain.backend.to_host(other))
    before = changed.backend.to_host(changed.batches.x).copy()
    changed.run()
    np.testing.assert_array_equal(changed.backend.to_host(changed.batches.x), before)
    net, x, y = changed.net, data.x_test, data.y_test
    assert changed.history.epochs["test_error"][-1].tolist() == net.evaluate(x, y)["error"].tolist()
    np.testing.assert_array_equal(net.predict(x), net.predict(x))


AUGMENTED = {}, {"augment": TEXT}


class Seen(BP):
    """Keeps what it is prepared with."""

    name = "seen"
    needs = BP.needs | {"samples"}

    def prepare(self, net, x, y):
        type(self).x = net.backend.to_host(x)


@pytest.mark.parametrize(
    "more",
    [
        {"scaling": "zca", **CONV},
        {"scaling": "channel", "input_noise": 0.1, "validation": 0.2},
        {"adversarial": 0.1, "adversarial_mix": "beside"},
        {"scaling": "unit", "label_noise": 0.2, "dropout": 0.2, "optimizer": "momentum"},
    ],
    ids=str,
)
@pytest.mark.parametrize("kind", [np.uint8, np.float32])
def test_runs_go_on_bit_for_bit(tmp_path, more, kind):
    class Stop(gpufa.Callback):
        def on_step(self, trainer):
            trainer.stop_requested |= trainer.progress.step == 6

    data, settings = images(SHAPE, kind=kind), config(augment=TEXT, epochs=4, init="uniform", **more)
    whole = gpufa.train(settings, data)
    cut = gpufa.train(dataclasses.replace(settings, out=str(tmp_path)), data, callbacks=[Stop()])
    assert cut.interrupted
    resumed = gpufa.resume(tmp_path, data=data)
    assert resumed.config.augment == ("flip", "crop 2")
    same(parameters(resumed), parameters(whole))
    np.testing.assert_array_equal(resumed.history.epochs["loss"], whole.history.epochs["loss"])


@pytest.mark.parametrize("scaling", ["none", "channel", "zca"])
def test_bytes_and_floats_train_alike(scaling):
    data = images(SHAPE)
    floats = data._replace(x_train=data.x_train.astype("f4"), x_test=data.x_test.astype("f4"))
    one, other = (gpufa.train(config(augment=TEXT, scaling=scaling), d) for d in (data, floats))
    same(parameters(one), parameters(other))


@pytest.mark.parametrize("scaling", ["channel", "zca"])
def test_each_seed_has_draws_of_its_own_whoever_trains_beside_it(scaling):
    data, settings = images(SHAPE), config(augment=TEXT, scaling=scaling, init="uniform")
    all_three, alone = gpufa.train(settings, data), gpufa.train(dataclasses.replace(settings, seeds=(1,)), data)
    for name, p in parameters(alone).items():
        np.testing.assert_allclose(parameters(all_three)[name][1], p, rtol=1e-10, atol=1e-12)
    same_order = begun(data, augment="flip, crop 3", batch_size=60)
    x, order = loaded(same_order)
    sorted_x = [x[r][np.argsort(order[r])] for r in range(2)]
    assert (sorted_x[0] != sorted_x[1]).any(axis=1).mean() > 0.8


@pytest.mark.gpu
@pytest.mark.parametrize("scaling", ["channel", "zca"])
@pytest.mark.parametrize("kind", [np.uint8, np.float64])
def test_the_kernels_train_as_numpy_does_in_recorded_steps(scaling, kind, recwarn):
    data = images(SHAPE, kind=kind)
    for more in {}, CONV:
        runs = [
            gpufa.train(config(augment=TEXT, scaling=scaling, backend=b, init="uniform", **more), data) for b in BOTH
        ]
        found = [{name: r.network.backend.to_host(p) for name, p in r.network.parameters.items()} for r in runs]
        for name in found[0]:
            np.testing.assert_allclose(found[0][name], found[1][name], rtol=1e-8, atol=1e-9, err_msg=name)
    assert not [str(one.message) for one in recwarn if "recorded" in str(one.message)]


BOTH = "numpy", "cupy"


def test_the_setting_is_kept_where_it_is_used_alone(tmp_path):
    data = images(SHAPE)
    gpufa.train(config(augment=["flip", "crop 1"], scaling="unit", out=str(tmp_path / "a")), data)
    gpufa.train(config(scaling="unit", out=str(tmp_path / "b")), data)
    assert 'augment = [\n    "flip",\n    "crop 1",\n]' in (tmp_path / "a" / "config.toml").read_text()
    assert "augment" not in (tmp_path / "b" / "config.toml").read_text()
    assert "augment" not in json.dumps(gpufa.checkpoints.networks.facts(tmp_path / "b"))


def test_rules_are_prepared_with_the_images_as_they_are():
    data = images(SHAPE, kind=np.float64)
    gpufa.train(config(augment=TEXT, scaling="channel", epochs=1), data, rule=Seen)
    expected = fit_scaling("channel", data.x_train, Fit(SHAPE)).apply(data.x_train)
    np.testing.assert_array_equal(Seen.x, expected)


def test_what_is_no_image_is_refused():
    data = images(SHAPE)
    for places, layers in ((None, None), ((40,), None), ((2, 2, 2, 5), None), (None, ("input 40", "dense 4 tanh"))):
        net = {} if layers is None else {"hidden": None, "layers": layers}
        with pytest.raises(
            InvalidValue, match=r"augment = 'flip, crop 2' is for images, and neither.* --layers \"input"
        ):
            Trainer(config(augment=TEXT, **net), images(SHAPE).placed(places))
    with pytest.raises(InvalidValue, match="'crop 4' would leave nothing of some images, which are 4 by 5"):
        Trainer(config(augment="crop 4"), data)
    with pytest.raises(InvalidValue, match="height x width x channels"):
        Trainer(config(augment="flip"), images(SHAPE).placed((5, 4, 2)))
    with pytest.raises(InvalidValue, match="augment can't have 'turn'"):
        config(augment="turn")


def test_values_beyond_the_type_are_told_though_scaling_brings_them_back():
    data = images(SHAPE, kind=np.float64)
    data = data._replace(x_train=data.x_train * 1e300, x_test=data.x_test * 1e300)
    Trainer(config(scaling="channel", dtype="float32"), data)
    with pytest.raises(InvalidValue, match=r"x_train: the value .* is beyond float32"):
        Trainer(config(scaling="channel", dtype="float32", augment="flip"), data)
