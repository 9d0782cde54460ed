"""Training under weights of samples and classes."""

import numpy as np
import pytest
from rulelab import close, put, trainer, values
from traininglab import config, parameters, same

import gpufa
from gpufa.data.samples.data import Data
from gpufa.rules import RULES
from gpufa.training.settings.config import Config
from gpufa.training.trainer import Trainer

rng = np.random.default_rng(5)
X, Y = rng.normal(size=(40, 6)), rng.choice(3, 40, p=[0.6, 0.3, 0.1])
Y[:3] = 0, 1, 2
REALS = rng.normal(size=(40, 2))
WEIGHTS = rng.uniform(0, 3, 40)
SGD = {"optimizer": "sgd", "lr": 0.5, "rule": "bp", "hidden": (5, 4), "init": "uniform"}


def data(weights=None, y=Y, x=X):
    return Data(x, y, x[:6], y[:6]).weighed(weights)


def step(weights, backend, y=Y, classes=None, **settings):
    """What one step of plain SGD adds to the weights, the net as it was, and the step's samples by replica."""
    made = trainer(data(weights, y), class_weights=classes, backend=backend, **SGD | settings)
    before = values(made.net)
    order = made.backend.to_host(made.batches.order)[:, : made.batches.samples(0)].copy()
    made.step()
    after = values(made.net)
    for name, view in made.net.parameters.items():
        put(made.net, view, before[name])
    return {name: after[name] - before[name] for name in after}, made.net, order


@pytest.mark.parametrize("seeds", [(0,), (0, 1)])
@pytest.mark.parametrize("batch", [40, 8])
@pytest.mark.parametrize("y", [Y, REALS], ids=["labels", "reals"])
def test_a_step_is_the_sum_of_weighted_gradients(y, batch, seeds, backend):
    """Over the number of samples in the batch, the weights being of mean 1 over all training samples."""
    found, net, order = step(WEIGHTS, backend, y, batch_size=batch, seeds=seeds)
    relative = WEIGHTS / WEIGHTS.mean()
    for r, own in enumerate(order):
        expected = 0
        for i in own:
            one = net.gradients(X[i : i + 1], y[i : i + 1])["W1"]
            expected -= 0.5 / batch * relative[i] * (one if net.single else one[r])
        np.testing.assert_allclose(found["W1"] if net.single else found["W1"][r], expected, rtol=1e-10, atol=1e-12)


def test_balanced_weights_are_those_of_scikit_learn(backend):
    """n / (classes * samples of the class), which are of mean 1; the same as written out, and as samples' own."""
    balanced = {c: 40 / (3 * np.sum(c == Y)) for c in range(3)}
    found, _, _ = step(None, backend, classes="balanced")
    close(step(None, backend, classes=balanced)[0], found, 1e-13)
    close(step(np.array([balanced[c] for c in Y]), backend)[0], found, 1e-13)
    assert abs(found["W1"] - step(None, backend)[0]["W1"]).max() > 1e-3
    sk = pytest.importorskip("sklearn.utils.class_weight")
    np.testing.assert_allclose(sk.compute_class_weight("balanced", classes=np.arange(3), y=Y), list(balanced.values()))


def test_both_multiply(backend):
    names = {"0": 1.0, "1": 2.0, "2": 0.5}
    own = np.array([names[str(c)] for c in Y])
    close(step(WEIGHTS, backend, classes=names)[0], step(WEIGHTS * own, backend)[0], 1e-13)


@pytest.mark.parametrize("backend_weights", [np.ones(40), np.full(40, 7.0)], ids=["ones", "sevens"])
def test_equal_weights_are_none(backend_weights, backend):
    close(step(backend_weights, backend)[0], step(None, backend)[0], 1e-14)


OPTIONS = [
    {"rule": "dfa", "dropout": 0.25, "optimizer": "adam", "lr": 0.01},
    {"rule": "fa", "input_noise": 0.1, "optimizer": "momentum", "lr": 0.1},
    {"rule": "bp", "adversarial": 0.1, "adversarial_mix": "beside", "batch_size": 7},
    {"rule": "bp", "validation": 0.25, "samples": 30},
    {"rule": "layerwise", "optimizer": "sgd", "lr": 0.1},
    {"rule": "dfa", "rule_options": {"staleness": 2}},
    {"rule": "kp", "scaling": "standard"},
]


@pytest.mark.parametrize("settings", OPTIONS[:5], ids=str)
def test_a_sample_without_weight_teaches_nothing(settings, backend):
    """Whatever it is, and however the step is made."""
    weights, other = np.where(np.arange(40) % 3 == 0, 0, WEIGHTS), X.copy()
    other[::3] = 9.0
    runs = []
    for x in (X, other):
        made = Trainer(config(epochs=2, backend=backend, seeds=(0, 1), **settings), data(weights, x=x))
        made.run()
        runs.append(values(made.net))
    close(*runs, 1e-9)


@pytest.mark.parametrize("settings", OPTIONS, ids=str)
def test_resumed_bit_for_bit(settings, tmp_path):
    whole = config(epochs=4, class_weights="balanced", out=str(tmp_path / "whole"), **settings)
    part = config(epochs=2, class_weights="balanced", out=str(tmp_path / "part"), **settings)
    arrays = tuple(data())
    expected = parameters(gpufa.train(whole, arrays, sample_weights=WEIGHTS))
    gpufa.train(part, arrays, sample_weights=WEIGHTS)
    resumed = gpufa.resume(tmp_path / "part", epochs=4, data=arrays, sample_weights=WEIGHTS)
    same(parameters(resumed), expected)


def test_other_weights_are_refused(tmp_path):
    gpufa.train(config(epochs=1, out=str(tmp_path)), tuple(data()), sample_weights=WEIGHTS)
    with pytest.raises(gpufa.InvalidValue, match="have changed since; resume needs the very data"):
        gpufa.resume(tmp_path, epochs=2, data=tuple(data()), sample_weights=WEIGHTS + 1)
    with pytest.raises(gpufa.InvalidValue, match="was trained with weights of samples, and there are none now"):
        gpufa.resume(tmp_path, epochs=2, data=tuple(data()))
    gpufa.train(config(epochs=1, out=str(tmp_path / "none")), tuple(data()))
    with pytest.raises(gpufa.InvalidValue, match="was trained without weights of samples, and there are some now"):
        gpufa.resume(tmp_path / "none", epochs=2, data=tuple(data()), sample_weights=WEIGHTS)


def test_label_noise_is_weighed_by_what_is_taught():
    """Each replica by its own labels: all its classes count alike."""
    made = trainer(data(), class_weights="balanced", label_noise=0.5, seeds=(0, 1), **SGD)
    for labels, weights in zip(made.batches.y, made.batches.all.weights, strict=True):
        sums = [weights[labels == c].sum() for c in range(3)]
        np.testing.assert_allclose(sums, 40 / 3)


def test_the_loss_is_weighted_and_the_scores_are_not():
    made = Trainer(config(epochs=1, batch_size=40, rule="bp", lr=1e-14, optimizer="sgd"), data(WEIGHTS))
    each = np.array([made.net.loss(X[i : i + 1], Y[i : i + 1]) for i in range(40)])
    made.run()
    row = made.history.epochs.last
    np.testing.assert_allclose(row["loss"], (WEIGHTS[:, None] * each).sum(axis=0) / WEIGHTS.sum(), rtol=1e-10)
    np.testing.assert_allclose(row["test_loss"], each[:6].mean(axis=0), rtol=1e-10)
    np.testing.assert_allclose(row["running_error"], made.net.evaluate(X, Y)["error"])


@pytest.mark.parametrize(
    ("settings", "arrays", "text"),
    [
        ({"class_weights": "balanced", "rule": "sdfa"}, data(), "rule 'sdfa' does not learn in proportion"),
        ({"rule": "elm"}, data(WEIGHTS), "rule 'elm' does not learn in proportion"),
        ({"class_weights": "balanced"}, data(y=REALS), "class_weights are for labels, but the targets are real"),
        ({"class_weights": {"0": 1, "1": 1}}, data(), "class '2' has no weight; give --class-weights one for every"),
        ({"class_weights": {"0": 1, "1": 1, "2": 1, "x": 1}}, data(), "there is no class 'x' to weigh; the classes"),
        ({"class_weights": {"0": 0, "1": 0, "2": 0}}, data(), "weights of the training samples are all 0"),
        ({"class_weights": {}}, data(), "class_weights = {} can't be used; expected balanced, a file, or numbers"),
        ({"class_weights": {"0": -1}}, data(), "class_weights = {'0': -1} can't be used"),
        ({"class_weights": "no/such.csv"}, data(), "there is no file 'no/such.csv' of class weights"),
        ({"sample_weights": ""}, data(), "sample_weights = '' can't be used; expected a column's or array's name"),
        ({"sample_weights": "w"}, data(), "is for files and tables, and the data are arrays; hand the weights to"),
    ],
)
def test_refusals(settings, arrays, text):
    with pytest.raises(gpufa.GpufaError, match=text):
        gpufa.train(config(epochs=1, **settings), arrays)


@pytest.mark.parametrize("base", ["sdfa", "drtp", "pepita"])
def test_a_rule_that_is_not_as_linear_as_it_says(base, backend):
    class Claims(RULES[base]):
        linear = True

    made = Trainer(config(epochs=1, backend=backend, class_weights="balanced"), data(), Claims)
    with pytest.raises(gpufa.InvalidValue, match="says that it is linear, but twice the error does not make twice"):
        made.run()


@pytest.mark.gpu
def test_weights_in_bfloat16():
    """A sample without weight teaches nothing, and the others teach what they do."""
    weights, other = np.where(np.arange(40) % 3 == 0, 0, WEIGHTS), X.copy()
    other[::3] = 9.0
    found = []
    for x, precision in ((X, "bf16"), (other, "bf16"), (X, "fp32")):
        settings = {"backend": "cupy", "dtype": "float32", "precision": precision, "rule": "dfa"}
        made = Trainer(config(epochs=2, **settings), data(weights, x=x))
        made.run()
        found.append(values(made.net))
    close(found[0], found[1], 1e-6)
    close(found[0], found[2], 0.05)


def test_arrays_beside_names_are_refused():
    with pytest.raises(gpufa.InvalidValue, match="goes with arrays, and the data are 'digits'; name its column"):
        gpufa.train(Config(epochs=1), sample_weights=WEIGHTS)


def test_weights_that_floats_can_not_sum_are_refused():
    x, y = np.zeros((9, 2)), np.arange(9) % 3
    with pytest.raises(gpufa.InvalidValue, match=r"up to 1e\+308, sum to more than floats hold; scale them"):
        gpufa.train(gpufa.Config(hidden=(3,), epochs=1, backend="numpy"), (x, y), sample_weights=np.full(9, 1e308))
