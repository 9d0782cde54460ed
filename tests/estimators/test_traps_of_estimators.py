"""What could make an estimator wrong without a word: threads, gaps, outputs that are no numbers, changed parameters."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

pytest.importorskip("sklearn")

from sklearn.exceptions import NotFittedError
from sklearnlab import classifier, clouds, regressor, waves, weights
from traininglab import same

import gpufa
from gpufa.rules.direct.dfa import DFA

X, Y = clouds()
GAPS = np.where(X > 2, np.nan, X)


def test_threads_may_ask_one_estimator():
    model = classifier(hidden_layer_sizes=300, max_iter=1, seeds=2).fit(X, Y)
    asked = [np.random.default_rng(n).normal(size=(n, 6)) for n in (2000, 3000, 1000, 2500) * 8]
    alone = [model.predict_proba(x) for x in asked]
    with ThreadPoolExecutor(4) as pool:
        for one, other in zip(alone, pool.map(model.predict_proba, asked), strict=True):
            np.testing.assert_array_equal(one, other)


def test_gaps_are_for_nets_that_fill_them_in():
    """Whatever `missing` has been set to since the fit."""
    with pytest.raises(ValueError, match="Input X contains NaN"):
        classifier().fit(X, Y).set_params(missing="mean").predict(GAPS)
    model = classifier(missing="median").fit(GAPS, Y)
    expected = model.predict_proba(GAPS)
    np.testing.assert_array_equal(model.set_params(missing=None).predict_proba(GAPS), expected)


def test_classes_whose_shares_are_all_zero_are_alike():
    """Logistic units far below zero."""
    model = classifier(loss="binary_cross_entropy").fit(X, Y)
    model.network_.parameters["b3"][...] = [-2000.0, -2000.0, -2000.0]
    np.testing.assert_array_equal(model.predict_proba(X), np.full((120, 3), 1 / 3))
    model.network_.parameters["b3"][...] = [-2000.0, 5.0, -2000.0]
    np.testing.assert_array_equal(model.predict(X), np.ones(120))


def test_outputs_that_are_no_numbers_are_no_class():
    model = classifier(activation="relu").fit(X, Y)
    for name in ("W1", "W2", "W3"):
        model.network_.parameters[name][...] = 1e154
    far = np.abs(X) * [[1e-300]] * (np.arange(120) < 7)[:, None] + 1e10 * (np.arange(120) >= 7)[:, None]
    with np.errstate(all="ignore"), pytest.raises(gpufa.InvalidValue, match=r"row 7 of X .* outputs are not finite"):
        model.predict(far)


CHANGED = [
    ({"scaling": "standard"}, "scaling = 'standard' can't be taken up .* made for 'none'"),
    ({"missing": "mean"}, "missing = 'mean' can't be taken up .* made for None"),
    ({"zca_eps": 0.1}, "zca_eps = 0.1 can't be taken up"),
    ({"target_scaling": "standard"}, "target_scaling = 'standard' can't be taken up"),
    ({"seeds": 2}, "seeds = 2 asks for other nets than were fitted, 1"),
    ({"seeds": (3,), "random_state": None}, r"seeds = \(3,\) asks for other nets than were fitted, \(0,\)"),
]


@pytest.mark.parametrize(("changed", "told"), CHANGED)
def test_a_net_that_goes_on_is_not_silent_of_what_it_cannot_take_up(changed, told):
    x, y = waves()
    model = regressor(warm_start=True).fit(x, y).set_params(**changed)
    for call in (model.fit, model.partial_fit):
        with pytest.raises(gpufa.InvalidValue, match=told):
            call(x, y)


def test_a_fit_from_the_start_takes_them_up():
    x, y = waves()
    model = regressor().fit(x, y).set_params(scaling="standard", missing="mean", seeds=2).fit(x, y)
    assert model.network_.scaling
    assert model.set_params(warm_start=True).fit(x, y).seeds_ == (0, 1)


def rule_by(factor):
    class Mine(DFA):
        name = "mine"

        def gradients(self, p, found):
            error = p.e
            error *= factor
            super().gradients(p, found)

    return Mine


def test_another_rule_of_the_same_name_is_taken_up():
    started, going = (classifier(rule=rule_by(1)).partial_fit(X, Y, classes=[0, 1, 2]) for _ in range(2))
    before = weights(going)
    same(weights(started), before)
    started.partial_fit(X, Y)
    going.set_params(rule=rule_by(-1)).partial_fit(X, Y)
    assert abs(weights(going)["b3"] - weights(started)["b3"]).max() > 1e-3


def test_weights_that_come_later_are_looked_at_too():
    model = classifier(rule="pepita").partial_fit(X, Y, classes=[0, 1, 2])
    with pytest.raises(gpufa.InvalidValue, match=r"rule 'pepita' does not learn .* leave sample_weights and"):
        model.partial_fit(X, Y, sample_weight=np.ones(120))


def test_a_first_pass_begins_with_the_checkpoint_too(tmp_path):
    """The next goes on from there, though the parameter stays."""
    model = classifier(scaling="standard").fit(X, Y)
    gpufa.save(model.network_, tmp_path / "net.h5")
    going = classifier(start=str(tmp_path / "net.h5"), learning_rate_init=1e-12).partial_fit(X, Y, classes=[0, 1, 2])
    np.testing.assert_allclose(going.predict_proba(X), model.predict_proba(X), atol=1e-9)
    going.set_params(learning_rate_init=0.01).partial_fit(X, Y)
    far = weights(going.set_params(learning_rate_init=1e-12).partial_fit(X, Y))["W1"]
    assert abs(far - weights(model)["W1"]).max() > 1e-3


@pytest.mark.parametrize("make", [lambda: (classifier(), X, Y), lambda: (regressor(), *waves())], ids=["one", "other"])
def test_a_fit_that_fails_leaves_no_nets_of_an_earlier_one(make):
    model, x, y = make()
    model.fit(x, y)
    with pytest.raises(gpufa.InvalidValue, match="every weight of sample_weight is zero"):
        model.fit(x, y + 1, sample_weight=np.zeros(len(x)))
    with pytest.raises(NotFittedError):
        model.predict(x)
