"""Scores against loops that count by hand, and against scikit-learn where it is installed."""

import numpy as np
import pytest
from rulelab import network

from gpufa.measure import scores
from gpufa.measure.tally import Tally
from gpufa.measure.targets import AMOUNTS, CLASSES, FLAGS, NATS, PAIR, TOKENS
from gpufa.net.learner import CHUNK

rng = np.random.default_rng(3)
SEEDS = (0, 1, 2)


def made(outputs, loss, backend, rule="dfa"):
    """A net of three seeds, all with other weights."""
    return network([4, 6, outputs], rule, loss=loss, backend=backend, seeds=SEEDS)


def recall_by_hand(guess, y, classes):
    """(C,): in percent, NaN for a class that y lacks."""
    found = []
    for c in range(classes):
        of_class = [g == c for g, label in zip(guess, y, strict=True) if label == c]
        found.append(100 * sum(of_class) / len(of_class) if of_class else np.nan)
    return found


def auc_by_hand(score, positive):
    """Over all pairs of one of each class."""
    pairs = [(p, n) for p in score[positive] for n in score[~positive]]
    return sum(1.0 if p > n else 0.5 if p == n else 0.0 for p, n in pairs) / len(pairs)


@pytest.mark.parametrize("loss", ["cross_entropy", "binary_cross_entropy", "squared_error"])
@pytest.mark.parametrize("form", ["labels", "one-hot"])
def test_classes(backend, loss, form):
    """Of uneven share, one of them without samples, in more than one chunk."""
    net, n = made(4, loss, backend), CHUNK + 50
    x, y = rng.normal(size=(n, 4)), rng.choice(3, n, p=[0.7, 0.2, 0.1])
    if form == "one-hot" and loss == "binary_cross_entropy":
        pytest.skip("those are flags")
    found = net.evaluate(x, y if form == "labels" else np.eye(4)[y])
    guesses = net.predict(x).argmax(axis=2)
    for r, guess in enumerate(guesses):
        recall = recall_by_hand(guess, y, 4)
        assert found["error"][r] == pytest.approx(100 * np.mean(guess != y), rel=1e-14)
        np.testing.assert_allclose(found["recall"][r], recall, rtol=1e-14)
        assert found["balanced_accuracy"][r] == pytest.approx(np.mean(recall[:3]), rel=1e-14)
    amounts = {"r2", "rmse"} if form == "one-hot" and loss == "squared_error" else set()
    assert found.keys() == {"loss", "error", "recall", "balanced_accuracy"} | amounts


@pytest.mark.parametrize("loss", ["cross_entropy", "binary_cross_entropy", "squared_error"])
def test_two_classes_have_an_auc_of_the_second_ones_output(backend, loss):
    net, x, y = made(2, loss, backend), rng.normal(size=(60, 4)), rng.choice(2, 60, p=[0.8, 0.2])
    x[30:] = x[:30]  # ties
    found, outputs = net.evaluate(x, y), net.predict(x)
    for r in range(3):
        assert found["auc"][r] == pytest.approx(auc_by_hand(outputs[r, :, 1], y == 1), rel=1e-14)


def test_one_output_of_zero_and_one_is_two_classes(backend):
    net, x = made(1, "binary_cross_entropy", backend), rng.normal(size=(50, 4))
    y = rng.choice(2, 50, p=[0.7, 0.3])
    found, outputs = net.evaluate(x, y[:, None].astype(float)), net.predict(x)[..., 0]
    assert found.keys() == {"loss", "error", "recall", "balanced_accuracy", "auc"}
    for r in range(3):
        recall = recall_by_hand(outputs[r] > 0.5, y, 2)
        assert found["error"][r] == pytest.approx(100 * np.mean((outputs[r] > 0.5) != y), rel=1e-14)
        np.testing.assert_allclose(found["recall"][r], recall, rtol=1e-14)
        assert found["balanced_accuracy"][r] == pytest.approx(np.mean(recall), rel=1e-14)
        assert found["auc"][r] == pytest.approx(auc_by_hand(outputs[r], y == 1), rel=1e-14)


@pytest.mark.parametrize("loss", ["binary_cross_entropy", "squared_error"])
def test_flags(backend, loss):
    """Several outputs of 0 or 1, some of whose rows have one alone."""
    net, x = made(3, loss, backend), rng.normal(size=(40, 4))
    y = rng.choice(2, (40, 3)).astype(float)
    found, said = net.evaluate(x, y), net.predict(x) > 0.5
    assert found.keys() == {"loss", "error", "exact_match"} | ({"r2", "rmse"} if loss == "squared_error" else set())
    np.testing.assert_allclose(found["error"], 100 * (said != y).mean(axis=(1, 2)), rtol=1e-14)
    np.testing.assert_allclose(found["exact_match"], 100 * (said == y).all(axis=2).mean(axis=1), rtol=1e-14)


@pytest.mark.parametrize(
    ("loss", "y", "expected"),
    [
        ("cross_entropy", np.full((5, 2), 0.5), {"loss"}),
        ("binary_cross_entropy", np.full((5, 2), 0.25), {"loss"}),
        ("squared_error", np.full((5, 2), 0.25) + np.eye(5, 2), {"loss", "r2", "rmse"}),
        ("squared_error", np.eye(5, 1), {"loss", "r2", "rmse"}),
    ],
)
def test_shares_have_their_loss_alone_and_amounts_no_error(loss, y, expected):
    net = made(y.shape[1], loss, "numpy")
    assert net.evaluate(rng.normal(size=(5, 4)), y).keys() == expected


def test_every_metric_goes_with_some_kind_of_target():
    kinds = {CLASSES, PAIR, FLAGS, AMOUNTS, TOKENS, NATS}
    assert all(m.kinds <= kinds for m in scores.METRICS.values())
    assert kinds == frozenset.union(*(m.kinds for m in scores.METRICS.values()))


def test_an_auc_that_there_is_none_of():
    """One class only, or outputs that are no numbers, which stay with their replica."""
    nothing = Tally(2, frozenset({PAIR}), *[np.zeros((1, 2))] * 4, *[np.array([])] * 3, 0.0, 1.0, 0)
    outputs, second = np.array([[0.1, 0.2], [np.nan, 0.2]]), np.array([False, True])
    figure = scores.METRICS["auc"].figure
    np.testing.assert_array_equal(figure(nothing._replace(outputs=outputs, second=second)), [1, np.nan])
    assert np.isnan(figure(nothing._replace(outputs=outputs, second=second | True))).all()


def test_what_a_validation_part_is_judged_by():
    one, two, three = (np.array([v]) for v in (1.0, 2.0, 3.0))
    assert scores.judge({"loss": one, "error": two}) is two
    assert scores.judge({"loss": one, "error": two, "rmse": three}) is three
    assert scores.judge({"loss": one}) is one


@pytest.mark.parametrize("classes", [2, 5])
def test_against_scikit_learn(classes):
    sk = pytest.importorskip("sklearn.metrics")
    net, x = made(classes, "cross_entropy", "numpy"), rng.normal(size=(300, 4))
    y = rng.choice(classes, 300, p=np.arange(1, classes + 1) / np.arange(1, classes + 1).sum())
    found, outputs = net.evaluate(x, y), net.predict(x)
    for r, guess in enumerate(outputs.argmax(axis=2)):
        assert found["error"][r] == pytest.approx(100 * (1 - sk.accuracy_score(y, guess)))
        assert found["balanced_accuracy"][r] == pytest.approx(100 * sk.balanced_accuracy_score(y, guess), rel=1e-14)
        np.testing.assert_allclose(found["recall"][r], 100 * sk.recall_score(y, guess, average=None), rtol=1e-14)
        if classes == 2:
            assert found["auc"][r] == pytest.approx(sk.roc_auc_score(y, outputs[r, :, 1]), rel=1e-14)
    flags = made(classes, "binary_cross_entropy", "numpy")
    many = rng.choice(2, (300, classes))
    found, outputs = flags.evaluate(x, many.astype(float)), flags.predict(x)
    for r in range(3):
        said = (outputs[r] > 0.5).astype(int)
        assert found["error"][r] == pytest.approx(100 * sk.hamming_loss(many, said), rel=1e-14)
        assert found["exact_match"][r] == pytest.approx(100 * sk.accuracy_score(many, said), rel=1e-14)
