"""Runs with a target at each place: resumed, beside each other, over what counts alone; and what goes with none."""

import json

import numpy as np
import pytest
from traininglab import parameters, same

import gpufa
from gpufa.commands.main import main

N, C, T, OUT = 60, 2, 5, 3
RNG = np.random.default_rng(5)
X = RNG.normal(size=(N, C, T))
Y = (X[:, 0] > 0).astype(np.int64) + (X[:, 1] > 0)
GAPS = np.where(RNG.random((N, T)) < 0.25, -1, Y)
LAYERS = ("input 2x5", "conv1d 6 3 tanh")


def config(**kw):
    base = {"layers": LAYERS, "task": "places", "dtype": "float64", "backend": "numpy", "epochs": 3, "batch_size": 16}
    return gpufa.Config(**(base | {"seeds": (0, 1), "lr": 0.02} | kw))


def train(data=(X, GAPS), **kw):
    return gpufa.train(config(**kw), data=data)


class Stop(gpufa.Callback):
    def on_step(self, trainer):
        trainer.stop_requested |= trainer.progress.step == 5


@pytest.mark.parametrize("rule", ["bp", "dfa", "fa", "dkp", "shallow"])
def test_a_run_goes_on_bit_for_bit(tmp_path, rule):
    whole = train(rule=rule, out=str(tmp_path / "whole"))
    halves = str(tmp_path / "halves")
    gpufa.train(config(rule=rule, out=halves), data=(X, GAPS), callbacks=[Stop()])
    resumed = gpufa.resume(halves, data=(X, GAPS))
    same(parameters(whole), parameters(resumed))
    for name in ("loss", "running_error", "test_perplexity"):
        np.testing.assert_array_equal(whole.history.epochs[name], resumed.history.epochs[name])


@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
def test_both_backends_and_each_replica_by_itself(backend, optimizer):
    both = train(backend=backend, optimizer=optimizer, lr=0.01)
    for r, seed in enumerate((0, 1)):
        alone = train(optimizer=optimizer, lr=0.01, seeds=(seed,))
        for name, array in parameters(alone).items():
            np.testing.assert_allclose(parameters(both)[name][r], array, rtol=1e-8, atol=1e-10, err_msg=name)


@pytest.mark.parametrize(("rule", "made"), [("dfa", False), ("bp", False), ("drtp", True)])
def test_labels_stay_labels_but_for_rules_that_send_targets(rule, made, backend, monkeypatch):
    """To the bit as where the targets of all outputs are made, at every place and in every sum."""
    from gpufa.net.batch.passes import Pass

    given = {"data": (X, Y if made else GAPS), "rule": rule, "backend": backend}
    run = train(**given)
    taken = []
    own = Pass._targets
    monkeypatch.setattr(Pass, "_targets", lambda self: taken.append(self.m) or own(self))
    train(**given)
    assert bool(taken) == made
    monkeypatch.setattr(Pass, "expect", lambda self, labels: self.y)
    same(parameters(run), parameters(other := train(**given)))
    for name in ("loss", "running_error", "test_loss", "test_error"):
        np.testing.assert_array_equal(run.history.epochs[name], other.history.epochs[name])


def test_an_epoch_s_loss_and_error_are_over_the_places_that_count():
    """With a rate of almost nothing they are those of evaluation."""
    run = train(lr=1e-12, epochs=1, optimizer="sgd", out=None)
    x, y = run_parts()
    scores = run.network.evaluate(x, y)
    np.testing.assert_allclose(run.history.epochs["loss"][0], scores["loss"], rtol=1e-8)
    np.testing.assert_allclose(run.history.epochs["running_error"][0], scores["error"], rtol=1e-8)


def run_parts():
    data = gpufa.Data(*handed())
    return data.x_train, data.y_train


def handed():
    from gpufa.data.handed import validate
    from gpufa.data.samples.about import Wanted

    return validate((X, GAPS), Wanted(task="places"))


def test_a_step_is_the_batch_s_sum_over_as_many_places_as_a_batch_has_on_average():
    x, y = run_parts()
    net = train(epochs=1, batch_size=len(x), optimizer="sgd", lr=1.0, rule="bp", seeds=(0,)).network
    start = train(epochs=0, rule="bp", seeds=(0,)).network
    grads = start.gradients(x, y)
    for name, array in start.parameters.items():
        np.testing.assert_allclose(net.parameters[name], array - grads[name], rtol=1e-10, atol=1e-12)


def test_weights_of_samples(tmp_path):
    data = handed()
    w = RNG.random(len(data.x_train))
    run = gpufa.train(
        config(epochs=1, batch_size=len(w), optimizer="sgd", lr=1.0, rule="bp", seeds=(0,)),
        data=data,
        sample_weights=w,
    )
    start = train(epochs=0, rule="bp", seeds=(0,)).network
    grads = start.gradients(data.x_train, data.y_train, sample_weights=w)
    for name, array in start.parameters.items():
        np.testing.assert_allclose(run.network.parameters[name], array - grads[name], rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("mix", ["only", "beside"])
def test_adversarial_samples(mix):
    run = train(adversarial=0.05, adversarial_mix=mix)
    assert np.isfinite(run.history.epochs["loss"]).all()
    plain = train()
    assert any((parameters(run)[name] != parameters(plain)[name]).any() for name in parameters(run))


def test_files(tmp_path):
    np.savez(tmp_path / "a.npz", x=X, y=GAPS.astype(np.int16))
    run = gpufa.train(config(data=str(tmp_path / "a.npz"), out=str(tmp_path / "run"), validation=0.2))
    assert {"validation_error", "validation_perplexity", "test_loss"} <= {*dict(run.history.epochs)}
    same(parameters(run), parameters(train(validation=0.2)))
    again = gpufa.load(tmp_path / "run")
    assert again.about.places == T
    np.testing.assert_array_equal(again.predict(X), run.network.predict(X))
    assert again.sizes.words[-1] == "conv1d 3 1"


def test_real_targets_of_a_file(tmp_path):
    y = np.where(GAPS[:, None] < 0, np.nan, np.stack([X[:, 0] * 2, X[:, 1] - 1], axis=1))
    np.savez(tmp_path / "a.npz", x=X, y=y)
    run = gpufa.train(config(data=str(tmp_path / "a.npz"), epochs=30, rule="bp", lr=0.01))
    assert run.history.epochs["test_r2"][-1].min() > 0.9
    assert run.network.predict(X).shape == (2, N, 2, T)


REFUSED = {
    "class_weights": ({"class_weights": "balanced"}, r"class_weights is for samples with one target"),
    "label_noise": ({"label_noise": 0.1}, r"label_noise is for samples with one target.*at each of 5 places"),
    "target_scaling": ({"target_scaling": "standard"}, r"target_scaling is for samples with one target"),
    "hidden": ({"layers": None, "hidden": (4,)}, r"a target at each of 5 places, and --hidden makes nets with one"),
    "fewer places": ({"layers": ("input 2x5", "conv1d 6 3 stride 2 tanh")}, r"at 5 places, and the net's .* 3x3, at 3"),
    "rule": ({"rule": "layerwise"}, r"rule 'layerwise' takes outputs of one dense layer"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_does_not_go_with_places(name):
    settings, why = REFUSED[name]
    with pytest.raises(gpufa.InvalidValue, match=why):
        train(**settings)


def test_targets_that_are_not_at_places(tmp_path):
    for y in Y[:, 0], Y.astype(float), Y[..., None]:
        with pytest.raises(
            gpufa.InvalidValue, match=r"a target at each place is a whole number of \(samples, places\)"
        ):
            train((X, y))
    with pytest.raises(
        gpufa.InvalidValue, match=r"has the label -2; labels at places are whole numbers from 0, and -1"
    ):
        train((X, Y - 2))
    with pytest.raises(gpufa.InvalidValue, match=r"y_train and y_test have the shapes .*; give both the same places"):
        train((X, Y, X, Y[:, :4]))
    np.savez(tmp_path / "a.npz", x=X, y=Y)
    with pytest.raises(gpufa.InvalidValue, match="targets at places are read into memory"):
        gpufa.train(config(data=str(tmp_path / "a.npz"), stream="always"))


def test_predict_and_pictures_say_that_there_is_no_line_for_each_sample(tmp_path):
    from gpufa import plots

    np.savez(tmp_path / "a.npz", x=X, y=GAPS)
    gpufa.train(config(data=str(tmp_path / "a.npz"), out=str(tmp_path / "run")))
    with pytest.raises(gpufa.InvalidValue, match="pictures of targets are of one each"):
        plots.read(tmp_path / "run").targets  # noqa: B018


@pytest.mark.parametrize("y", [np.arange(9)[:, None] % 3, np.ones((9, 2, 1))])
def test_one_place_is_a_target_for_each_sample(y):
    data = gpufa.load_data((np.zeros((9, 3)), y, np.zeros((9, 3)), y), task="places")
    with pytest.raises(gpufa.InvalidValue, match=r"a target at each of 1 place, which is.*leave --task places out"):
        gpufa.train(gpufa.Config(layers=("input 3x1", "gru 4 all"), backend="numpy", out=None), data)


@pytest.mark.parametrize("word", ["gru 4 all", "lif 4 all threshold 0.3 cost 5"])
@pytest.mark.parametrize("rule", ["sdfa", "drtp"])
def test_rules_that_no_error_scales_want_a_target_at_all_places(rule, word):
    x, y = np.random.default_rng(0).normal(size=(9, 12)), np.arange(36).reshape(9, 4) % 3
    config = gpufa.Config(layers=("input 3x4", word), rule=rule, epochs=1, backend="numpy", out=None)
    gpufa.train(config, gpufa.load_data((x, y, x, y), task="places"))
    y[0, 1] = -1
    with pytest.raises(gpufa.InvalidValue, match=f"rule '{rule}' does not learn in proportion.*have no target"):
        gpufa.train(config, gpufa.load_data((x, y, x, y), task="places"))


def test_a_class_that_the_test_part_alone_has_is_an_output():
    rare = np.where(Y == 0, OUT, Y)
    with pytest.warns(gpufa.GpufaWarning, match="y_test has the class 3, of which y_train has none"):
        run = train((X, Y, X, rare), seeds=(0,))
    shares = run.network.predict(X)
    assert shares.shape == (N, OUT + 1, T)
    right = np.take_along_axis(shares, rare[:, None], axis=1)
    np.testing.assert_allclose(run.summary["test_loss"], -np.log(right).mean(), rtol=1e-10)


@pytest.mark.parametrize("blind", [False, True])
def test_it_is_told_and_an_output_of_a_blind_run_too(tmp_path, capsys, blind):
    """Classes 0, 1 and 2 are taught, 2 and 4 tested."""
    rare = np.where(Y == 0, 4, np.where(Y == 1, -1, Y))
    data, out = str(tmp_path / "a.npz"), tmp_path / "run"
    np.savez(data, x_train=X, y_train=Y, x_test=X, y_test=rare)
    words = ["train", "--data", data, "--task", "places", "--layers", *LAYERS, "--seeds", "0"]
    words += ["--epochs", "1", "--out", str(out)]
    told = "y_test has the class 4, of which y_train has none: the net has outputs for all, which nothing teaches"
    with pytest.warns(gpufa.GpufaWarning, match=told):
        assert main([*words, *["--blind"][:blind]]) == 0
    assert ("; the test samples are not looked at, but for their classes" in capsys.readouterr().err) is blind
    assert ("test_error" in json.loads((out / "summary.json").read_text())) is not blind
    net = gpufa.load(out)
    shares, there = net.predict(X), rare >= 0
    assert shares.shape == (N, 5, T)
    wrong = 100 * (shares.argmax(axis=1) != rare)[there].mean()
    np.testing.assert_allclose(net.evaluate(X, rare)["error"], wrong, rtol=1e-12)
    capsys.readouterr()
    assert main(["evaluate", str(out)]) == 0
    assert f"{wrong:.2f}" in capsys.readouterr().out


def test_perplexity_is_cross_entropy_s():
    run = train(loss="squared_error", epochs=1)
    assert {*run.network.evaluate(X, GAPS)} == {"loss", "error"}
    assert not [name for name in [*run.history.epochs, *run.summary] if "perplexity" in name]


def test_minus_one_of_unsigned_labels_is_told():
    with pytest.warns(gpufa.GpufaWarning, match="y is uint8 and has the label 255, which is taken as a class"):
        gpufa.load_data((X, GAPS.astype(np.uint8)), task="places")


@pytest.mark.parametrize("rule", ["bp", "fa", "dfa", "eprop"])
def test_a_cost_of_rates_keeps_no_rule_from_places_without_a_target(rule):
    """It comes onto what the errors make, and they are asked alone whether the rule goes with them."""
    word = "lif 4 all threshold 0.3 cost 5"
    x, y = np.random.default_rng(0).normal(size=(9, 12)), np.arange(36).reshape(9, 4) % 3
    y[0, 1] = -1
    config = gpufa.Config(layers=("input 3x4", word), rule=rule, epochs=1, seeds=(0,), backend="numpy", out=None)
    found = gpufa.train(config, gpufa.load_data((x, y, x, y), task="places")).network
    free = gpufa.Network(["input 3x4", word.replace("cost 5", "cost 0"), "conv1d 3 1"], rule=rule, backend="numpy")
    for name, p in found.parameters.items():
        free.parameters[name][...] = p
    assert np.abs(found.gradients(x, y)["W1"] - free.gradients(x, y)["W1"]).max() > 1e-3
