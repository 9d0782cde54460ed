"""Pictures of the first layer's weights where its inputs have a place, and where it is not the block's only one."""

import numpy as np
import pytest
from rulelab import host

import gpufa
from gpufa import plots
from gpufa.measure.history import History
from gpufa.plots.weights import largest, mosaic


def drawn(words):
    net = gpufa.Network(words, rule="bp", backend="numpy")
    axes = plots.draw("features", plots.Subject("", History((0,)), "bp", net)).axes[0]
    return net, axes.get_title(), np.ma.filled(axes.images[0].get_array(), np.nan)


@pytest.mark.parametrize(
    ("words", "title", "shape"),
    [
        (["input 1x9x8", "conv 4 3x5", "dense 3"], "$W_{1}$: 4 filters", (9, 13)),
        (["input 3x9x8", "conv 4 3x5, conv 2 1x1", "dense 3"], "$W_{1.1}$: 4 filters", (9, 13, 3)),
        (["input 2x9x8", "conv 4 3x3", "dense 3"], "$W_{1}$: 8 filters", (9, 17)),
        (["input 1x4x6", "dense 5 tanh, dense 3", "dense 3"], "$W_{1.1}$: 5 units", (6, 36)),
        (["input 1x4x6", "pool 2, dense 4 tanh", "dense 3"], "$W_{1}$: 4 units", (7, 9)),
        (["input 64", "dense 4 tanh, dense 4", "dense 3"], "$W_{1.1}$: 4 units", (19, 19)),
    ],
)
def test_what_a_unit_or_filter_sees_is_an_image(words, title, shape):
    net, said, grid = drawn(words)
    assert said == title
    assert grid.shape == shape
    W = host(net, net.parameters[net.sizes.all_matrices[0]])
    assert np.isclose(abs(W).max(), np.nanmax(abs(grid))) or grid.ndim == 3


def test_filters_of_many_channels_are_an_image_for_each():
    net = gpufa.Network(["input 2x9x8", "conv 4 3x2", "dense 3"], rule="bp", seeds=(0, 1), backend="numpy")
    images, count = largest(net, 5)
    W = net.parameters["W1"][0]
    longest = W[np.argsort(-np.linalg.norm(W.reshape(4, -1), axis=1))]
    assert count == 8
    np.testing.assert_array_equal(images[..., 0], longest.reshape(-1, 3, 2)[:5])
    np.testing.assert_array_equal(mosaic(images)[1:4, 1:3, 0], longest[0, 0])


@pytest.mark.parametrize("words", [["input 8x8", "turn, lstm 16", "dense 3"], ["input 3x7", "alif 4", "dense 3"]])
def test_what_sees_a_step_at_a_time_is_no_image(words):
    net = gpufa.Network(words, rule="bp", backend="numpy")
    channels, steps = net.sizes.shapes[0]
    with pytest.raises(gpufa.InvalidValue, match=f"see {channels} channels at one step or place of {steps}"):
        largest(net, 64)
