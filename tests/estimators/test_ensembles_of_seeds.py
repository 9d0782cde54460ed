"""Several seeds are one ensemble: the mean of what its nets say, and how far they are apart."""

import numpy as np
import pytest

pytest.importorskip("sklearn")

from sklearnlab import classifier, clouds, regressor, waves, weights

import gpufa

X, Y = clouds()
BATCHES = {"batch_size": 16}


def test_the_mean_of_the_probabilities_and_their_spread():
    model = classifier(seeds=3, random_state=5, **BATCHES).fit(X, Y)
    assert model.seeds_ == (5, 6, 7)
    each = model.predict_proba_seeds(X)
    np.testing.assert_array_equal(model.predict_proba(X), each.mean(axis=0))
    assert each.shape == (3, len(X), 3)
    assert (each.std(axis=0) > 0).all()
    for seed, shares in zip(model.seeds_, each, strict=True):
        np.testing.assert_allclose(classifier(random_state=seed, **BATCHES).fit(X, Y).predict_proba(X), shares)
    np.testing.assert_array_equal(model.predict(X), model.predict_proba(X).argmax(axis=1))
    np.testing.assert_allclose(model.loss_curve_, model.history_.epochs["loss"].mean(axis=1))


@pytest.mark.parametrize("outputs", [1, 2])
def test_the_mean_of_a_regressors_nets(outputs):
    x, y = waves(outputs=outputs)
    model = regressor(seeds=(3, 9), random_state=None, target_scaling="standard").fit(x, y)
    each = model.predict_seeds(x)
    assert each.shape == (2, *y.shape)
    np.testing.assert_array_equal(model.predict(x), each.mean(axis=0))
    alone = regressor(random_state=9, target_scaling="standard").fit(x, y)
    np.testing.assert_allclose(alone.predict(x), each[1])
    assert alone.predict_seeds(x).shape == (1, *y.shape)


def test_seeds_are_drawn_where_random_state_is_no_number():
    drawn = [classifier(random_state=None).fit(X, Y).seeds_[0] for _ in range(2)]
    assert drawn[0] != drawn[1]
    again = [classifier(random_state=np.random.RandomState(3), seeds=2).fit(X, Y).seeds_ for _ in range(2)]
    assert again[0] == again[1]
    assert again[0][1] == again[0][0] + 1
    assert classifier(random_state=np.int64(4)).fit(X, Y).seeds_ == (4,)


def test_a_net_whose_weights_are_not_finite_is_left_out():
    """Diverged before the others: its probabilities would make all of them NaN."""
    model = classifier(seeds=3).fit(X, Y)
    with np.errstate(all="ignore"):
        model.network_.parameters["W1"][1] = np.nan
    told = "the nets of seeds 1 have weights that are not finite, and are left out of predictions"
    with pytest.warns(gpufa.GpufaWarning, match=told):
        model.partial_fit(X, Y)
    assert model.predict_proba_seeds(X).shape == (2, len(X), 3)
    assert np.isfinite(model.predict_proba(X)).all()
    assert all(np.isfinite(model.loss_curve_))


def test_each_net_stops_by_itself_and_keeps_its_own_best_epoch():
    settings = {"early_stopping": True, "validation_fraction": 0.25, "max_iter": 300, "n_iter_no_change": 4}
    both = classifier(seeds=2, **settings, **BATCHES).fit(X, Y)
    alone = [classifier(random_state=seed, **settings, **BATCHES).fit(X, Y) for seed in (0, 1)]
    assert both.n_iter_ == max(one.n_iter_ for one in alone)
    assert alone[0].n_iter_ != alone[1].n_iter_
    for r, one in enumerate(alone):
        for name, w in weights(one).items():
            np.testing.assert_allclose(weights(both)[name][r], w, rtol=1e-9, err_msg=name)
