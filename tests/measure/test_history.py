"""Histories: columns that come later, and runs of other seeds side by side."""

import numpy as np

from gpufa.measure.history import History, newest


def history(seeds, epochs, probe=True, **more):
    found = History(seeds)
    for i in range(epochs):
        found.epochs.append({"epoch": i + 1, "loss": np.array(seeds, float) + i})
        if probe:
            found.probes.append({"step": 10 * i, "per_sample": np.array(seeds, float)[:, None] * [1, 2] + i, **more})
    return found


def test_a_column_that_comes_later_has_nan_above():
    found = history((0, 1), 2)
    found.epochs.append({"epoch": 3, "loss": np.zeros(2), "error": np.ones(2)})
    assert found.epochs["error"].shape == (3, 2)
    np.testing.assert_array_equal(found.epochs["error"][:2], np.nan)
    assert found.epochs["loss"].shape == (3, 2)


def test_histories_beside_each_other():
    long, short = history((0, 1), 4, agreement=np.zeros((2, 2))), history((5,), 2)
    both = History.beside([short, long])
    assert both.seeds == (5, 0, 1)
    np.testing.assert_array_equal(both.epochs["epoch"], [1, 2, 3, 4])
    np.testing.assert_array_equal(both.epochs["loss"][:, 0], [5, 6, np.nan, np.nan])
    np.testing.assert_array_equal(both.epochs["loss"][:, 1:], long.epochs["loss"])
    assert both.probes["per_sample"].shape == (4, 3, 2)
    np.testing.assert_array_equal(both.probes["agreement"][:, 0], np.nan)
    np.testing.assert_array_equal(both.probes["agreement"][:, 1:], 0)
    assert len(History.beside([history((1,), 0, probe=False)]).epochs) == 0
    both = History.beside([history((0, 1), 4), history((5,), 2, agreement=np.ones((1, 2)))])  # the shorter has more
    np.testing.assert_array_equal(both.probes["agreement"][:2, 2], 1)
    np.testing.assert_array_equal(both.probes["agreement"][2:, 2], np.nan)
    assert both.probes["agreement"].shape == (4, 3, 2)


def test_the_newest_figure_of_each_seed():
    np.testing.assert_array_equal(newest(np.array([[1, 2, np.nan], [3, np.nan, np.nan]])), [3, 2, np.nan])
