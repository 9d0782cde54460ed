"""Amounts, of one output and of several."""

import pickle

import numpy as np
import pytest

pytest.importorskip("sklearn")

from sklearnlab import NEVER, regressor, waves, weights
from traininglab import same

import gpufa


@pytest.mark.parametrize("outputs", [1, 2])
def test_it_learns_and_predictions_are_shaped_as_the_targets(outputs):
    x, y = waves(300, outputs)
    model = regressor(hidden_layer_sizes=32, max_iter=150).fit(x, y)
    assert model.predict(x).shape == y.shape
    assert model.score(x, y) > 0.9
    assert model.network_.output_loss.name == "squared_error"
    column = model.fit(x, y.reshape(300, -1)).predict(x)
    assert column.shape == (300, outputs)


def test_targets_in_their_own_unit():
    x, y = waves()
    model = regressor(target_scaling="standard", max_iter=100).fit(x, 1000 + 50 * y)
    assert abs(model.predict(x).mean() - 1000) < 20
    assert model.score(x, 1000 + 50 * y) > 0.8


def test_weights_and_passes():
    x, y = waves()
    counts = np.arange(len(x)) % 3
    weighed = regressor(batch_size=1000).fit(x, y, sample_weight=counts)
    copied = regressor(batch_size=1000).fit(np.repeat(x, counts, axis=0), np.repeat(y, counts))
    same(weights(weighed), weights(copied), exact=False)
    parts = regressor()
    for _ in range(4):
        parts = pickle.loads(pickle.dumps(parts.partial_fit(x, y)))
    same(weights(parts), weights(regressor().fit(x, y)))
    assert parts.n_features_in_ == 3


def test_early_stopping_goes_by_r2():
    x, y = waves(200)
    model = regressor(early_stopping=True, max_iter=300, n_iter_no_change=5, hidden_layer_sizes=32).fit(x, y)
    assert model.n_iter_ < 300
    assert 0.5 < model.best_validation_score_ <= 1


def test_what_is_for_classes_is_refused():
    x, y = waves()
    for given, told in (({"class_weight": "balanced"}, "class_weights are for"), ({"label_noise": 0.1}, "label_noise")):
        with pytest.raises(gpufa.InvalidValue, match=told):
            regressor(**given).fit(x, y)
    with pytest.raises(gpufa.InvalidValue, match="every weight of sample_weight is zero"):
        regressor().fit(x, y, sample_weight=np.zeros(len(x)))


def test_amounts_that_are_whole_numbers_stay_amounts():
    x, _ = waves()
    model = regressor(max_iter=200, hidden_layer_sizes=32, n_iter_no_change=NEVER).fit(x, np.arange(len(x)) % 2)
    assert model.network_.sizes.outputs == 1
    assert model.predict(x).dtype == np.float64


@pytest.mark.parametrize(("first", "then"), [(2, 1), (1, 2), (2, 3)])
def test_partial_fit_keeps_to_its_outputs(first, then):
    """A single target would be spread over both outputs."""
    x, y = waves(60, 2)
    y = np.c_[y, y[:, :1]]
    model = regressor().partial_fit(x, y[:, :first])
    before = model.predict(x)
    with pytest.raises(gpufa.InvalidValue, match="the fitted network has sizes"):
        model.partial_fit(x, y[:, :then])
    np.testing.assert_array_equal(model.predict(x), before)


def test_a_fit_that_is_refused_leaves_predictions_as_they_were():
    x, y = waves(60)
    model = regressor(warm_start=True).fit(x, y)
    with pytest.raises(gpufa.InvalidValue):
        model.fit(x, np.c_[y, y])
    assert model.predict(x).shape == y.shape
