"""What can't stand on the one axis of channels x time, or be untied, is refused; what can is its word."""

import re

import numpy as np
import pytest

import gpufa
from gpufa.layers import Chain, Conv1d, Local2d, block


def refused(what, text):
    with pytest.raises(gpufa.InvalidValue, match=re.escape(text)):
        what()


@pytest.mark.parametrize(
    ("word", "text"),
    [
        ("conv1d 3", "layer 'conv1d 3' can't be read; conv1d takes n kernel, then stride 2 or pad valid or dilatio"),
        ("conv1d 3 5x1", "the kernel of a convolution along one axis can't be (5, 1); give one whole number of at "),
        ("conv1d 3 5x5", "the kernel of a convolution along one axis can't be (5, 5); give one whole number of at "),
        ("conv1d 3 5 stride 2x1", "the stride of a convolution along one axis can't be (2, 1)"),
        ("conv1d 3 5 dilation 0", "the dilation of a convolution along one axis can't be 0; give one whole number "),
        ("conv1d 3 5 pad 1x1", "the pad of a convolution along one axis can't be (1, 1); give one whole number of "),
        ("conv1d 3 5 pad full", "can't be read"),
        ("conv1d 3 5 groups 2", "'conv1d 3 5 groups 2' can't divide its filters into 2 equal groups; give a multip"),
        (
            "conv1 3 5",
            "unknown layer 'conv1 3 5'; did you mean 'conv1d'? a layer begins with one of dense, conv",
        ),
        ("local 3", "layer 'local 3' can't be read; local takes n kernel, then stride 2 or pad valid or dilation 2"),
        ("local 0 3x3", "the filters of a locally connected layer can't be 0; give a whole number of at least 1"),
        ("local 3 0x3", "the kernel of a locally connected layer can't be (0, 3)"),
        ("local 3 3x3 pad 0.5", "the pad of a locally connected layer can't be 0.5; give a whole number of at least"),
    ],
)
def test_words(word, text):
    refused(lambda: block(word), text)


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda: Conv1d(3, "5"), "the kernel of a convolution along one axis can't be '5'; give one whole number"),
        (lambda: Conv1d(3, 5, pad="full"), "the pad of a convolution can't be 'full'; give same, valid or a number"),
        (lambda: Local2d(3, 5, pad="full"), "the pad of a locally connected layer can't be 'full'; give same, valid"),
        (lambda: Local2d(3, 5, bias=None), "the bias of a locally connected layer can't be None; give True or False"),
    ],
)
def test_objects(make, text):
    refused(make, text)


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (["input 1x8x8", "conv1d 4 3", "dense 3"],
         "'conv1d 4 3' can't take an input of the shape (1, 8, 8); it takes channels x time, such as of 'input 3x1"),
        (["input 64", "conv1d 4 3", "dense 3"], "'conv1d 4 3' can't take an input of the shape (64,); it takes cha"),
        (["input 3x20", "conv 4 3x3", "dense 3"],
         "'conv 4 3x3' can't take an input of the shape (3, 20); it takes channels x height x width, such as of 'i"),
        (["input 3x20", "local 4 3x3", "dense 3"], "'local 4 3x3' can't take an input of the shape (3, 20); it tak"),
        (["input 64", "dense 9, pool 3", "dense 3"],
         "it takes channels x height x width, such as of 'input 3x32x32', or channels x time, such as of 'input 3x"),
        (["input 3x20", "conv1d 4 3, pool 2x1", "dense 3"],
         "'pool 2x1' can't take an input of the shape (4, 20), channels x time; along one axis give one number in "),
        (["input 3x20", "mean pool 2 stride 1x2, conv1d 4 3", "dense 3"], "give one number in place of 1x2"),
        (["input 2x5", "conv1d 4 7 pad valid", "dense 3"],
         "'conv1d 4 7 pad valid' can't take an input of the shape (2, 5); its windows are larger than the 5 places"),
        (["input 3x20", "conv1d 4 3 groups 2", "dense 3"], "can't divide the 3 channels of (3, 20) into 2 equal gr"),
        (["input 1x2x3x4", "dense 3"], "or channels x time, such as 'input 3x100'"),
    ],
)  # fmt: skip
def test_nets(words, text):
    refused(lambda: gpufa.Network(words, rule="bp", backend="numpy"), text)


@pytest.mark.parametrize(
    ("layer", "word"),
    [
        (Conv1d(32, 5), "conv1d 32 5"),
        (Conv1d(8, 3, stride=2, pad=1, dilation=2, groups=4, bias=False),
         "conv1d 8 3 stride 2 pad 1 dilation 2 groups 4 nobias"),
        (Conv1d(8, 3, pad="valid"), "conv1d 8 3 pad valid"),
        (Local2d(32, 5), "local 32 5x5"),
        (Local2d(8, (3, 5), stride=(2, 2), pad=[1, 0], bias=False), "local 8 3x5 stride 2 pad 1x0 nobias"),
    ],
)  # fmt: skip
def test_objects_are_their_words(layer, word):
    assert str(layer) == word
    assert block(word) == Chain((layer,)) == block(str(block(word)))
    assert str(block(f"{word}, relu")) == f"{word} relu"


@pytest.mark.parametrize("shape", [(6, 20, 3), (6, 60, 1), (6, 2, 30)])
def test_samples_of_another_order_are_refused(shape):
    net = gpufa.Network(["input 3x20", "conv1d 4 3 tanh", "dense 3"], rule="bp", backend="numpy")
    said = f"has the shape {shape}; expected (samples, 3, 20), channels before time, or (samples, 60)"
    refused(lambda: net.predict(np.zeros(shape)), said)
    assert net.predict(np.zeros((6, 3, 20))).shape == net.predict(np.zeros((6, 60))).shape == (6, 3)
