"""MNIST with Nokland's settings: the published behaviour. Needs the files in $GPUFA_DATA/mnist or the cache."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest

import gpufa
from gpufa.training.settings.toml import read_toml

EXAMPLES = Path(__file__).parents[2] / "examples"


@pytest.fixture(scope="module")
def mnist():
    """The data, without a download."""
    from gpufa.data.sets import namedsets

    def offline(*args):
        pytest.skip("the MNIST files are not on this machine; set GPUFA_DATA or run gpufa data fetch mnist")

    patch = pytest.MonkeyPatch()
    patch.setattr(namedsets, "_download", offline)
    yield gpufa.load_data("mnist")
    patch.undo()


def test_the_files_are_read(mnist):
    assert [a.shape for a in mnist] == [(60000, 784), (60000,), (10000, 784), (10000,)]
    assert (mnist.x_train.min(), mnist.x_train.max(), mnist.x_train.dtype) == (0, 1, np.float32)
    np.testing.assert_allclose(mnist.x_train.mean(), 0.1306605, rtol=1e-5)
    assert np.bincount(mnist.y_test).tolist() == [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]


def train(rule, mnist, **kw):
    config = dataclasses.replace(read_toml(EXAMPLES / f"nokland_{rule}.toml"), backend="numpy", **kw)
    return np.array(gpufa.train(config, mnist).summary["test_error"])


@pytest.mark.slow
def test_one_epoch_of_dfa_on_2x800(mnist):
    """A clean-room run of the recipe had 8.63 % after one epoch."""
    assert abs(train("dfa", mnist, epochs=1, seeds=(0,)) - 8.63) < 0.6


@pytest.mark.slow
@pytest.mark.parametrize(("rule", "bound"), [("dfa", 3.5), ("fa", 3.1), ("bp", 3.1)])
def test_ten_epochs_of_2x800(mnist, rule, bound):
    assert train(rule, mnist, epochs=10).mean() <= bound
