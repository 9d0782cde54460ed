"""Lines of many thousand epochs: drawn by few points, no spike lost."""

import numpy as np
from matplotlib.figure import Figure

from gpufa.plots.lines import DRAWN, band


def drawn(y):
    axes = Figure().subplots()
    band(axes, np.arange(len(y)), y, "loss", "red")
    return axes.lines[0].get_xydata(), axes.collections


def test_few_epochs_are_drawn_as_they_are():
    y = np.random.default_rng(0).random((DRAWN, 2))
    points, bands = drawn(y)
    np.testing.assert_array_equal(points, np.stack([np.arange(DRAWN), y.mean(axis=1)], axis=1))
    assert len(bands) == 1


def test_of_many_the_extremes_and_the_ends_are_drawn():
    rng = np.random.default_rng(0)
    y = rng.random((100_003, 3))
    y[41_234], y[77_777] = 9, -9
    points, bands = drawn(y)
    assert len(points) <= DRAWN + 2
    assert (np.diff(points[:, 0]) > 0).all()
    assert points[[0, -1], 0].tolist() == [0, 100_002]
    assert points[points[:, 1].argmax()].tolist() == [41_234, 9]
    assert points[points[:, 1].argmin()].tolist() == [77_777, -9]
    np.testing.assert_array_equal(points[:, 1], y.mean(axis=1)[points[:, 0].astype(int)])
    assert len(bands[0].get_paths()[0].vertices) <= 2 * DRAWN + 10


def test_a_band_is_one_sample_deviation_of_the_seeds_that_are_left():
    y = np.array([[1.0, 3.0, 8.0], [1.0, 3.0, np.nan], [2.0, np.nan, np.nan]])
    _, (patch,) = drawn(y)
    highest = [patch.get_paths()[0].vertices[:, 1][patch.get_paths()[0].vertices[:, 0] == x].max() for x in range(3)]
    np.testing.assert_allclose(highest, [4 + np.std([1, 3, 8], ddof=1), 2 + np.sqrt(2), 2])
