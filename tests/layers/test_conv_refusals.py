"""What can't be a convolution or a pool is refused in a sentence that names the layer, the shape and what fits."""

import re

import pytest

import gpufa
from gpufa.layers import Chain, Conv2d, Dense, Flatten, GlobalMean, MaxPool, MeanPool, block


def refused(what, text):
    with pytest.raises(gpufa.InvalidValue, match=re.escape(text)):
        what()


@pytest.mark.parametrize(
    ("word", "text"),
    [
        (
            "conv 3",
            "layer 'conv 3' can't be read; conv takes n kernel, then stride 2 or pad valid or dilation 2 or grou",
        ),
        ("conv", "layer 'conv' can't be read"),
        ("conv 3 3x3x3", "layer 'conv 3 3x3x3' can't be read"),
        ("conv 3 3x3 stride", "layer 'conv 3 3x3 stride' can't be read"),
        ("conv 3 3x3 stride same", "can't be read"),
        ("conv 3 3x3 pad full", "can't be read"),
        ("conv 3 3x3 stride 2 stride 2", "can't be read"),
        ("conv 3 3x3 nobias 2", "can't be read"),
        ("conv 3 3x3 bias", "can't be read"),
        ("conv 3 3x3 tanh stride 2", "can't be read"),
        (
            "pool",
            "layer 'pool' can't be read; pool takes size, then stride 2, such as 'pool 2', and may end in an activ",
        ),
        ("mean 2", "layer 'mean 2' can't be read; mean takes nothing"),
        ("max pool 2", "unknown layer 'max pool 2'"),
        ("global mean 2", "layer 'global mean 2' can't be read; global mean takes nothing, such as 'global mean', and"),
        ("flatten 2", "layer 'flatten 2' can't be read; flatten takes nothing"),
        ("conv 0 3x3", "the filters of a convolution can't be 0; give a whole number of at least 1"),
        ("conv 2x2 3x3", "the filters of a convolution can't be (2, 2); give a whole number of at least 1"),
        (
            "conv 3 0x3",
            "the kernel of a convolution can't be (0, 3); give a whole number of at least 1, or two, down and",
        ),
        ("conv 3 2.5", "the kernel of a convolution can't be 2.5"),
        ("conv 3 3x3 stride 0", "the stride of a convolution can't be 0"),
        ("conv 3 3x3 pad 0.5", "the pad of a convolution can't be 0.5; give a whole number of at least 0"),
        ("conv 3 3x3 dilation 0", "the dilation of a convolution can't be 0"),
        ("conv 3 3x3 groups 0", "the groups of a convolution can't be 0; give a whole number of at least 1"),
        ("conv 3 3x3 groups 2", "'conv 3 3x3 groups 2' can't divide its filters into 2 equal groups; give a multiple"),
        ("pool 0", "the size of a pool can't be 0"),
        ("mean pool 2 stride 0x1", "the stride of a mean pool can't be (0, 1)"),
    ],
)
def test_words(word, text):
    refused(lambda: block(word), text)


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (
            lambda: Conv2d(3, (1, 2, 3)),
            "the kernel of a convolution can't be (1, 2, 3); give a whole number of at leas",
        ),
        (lambda: Conv2d(3, "3x3"), "the kernel of a convolution can't be '3x3'"),
        (
            lambda: Conv2d(3, 3, pad="full"),
            "the pad of a convolution can't be 'full'; give same, valid or a number of z",
        ),
        (lambda: Conv2d(3, 3, bias=1), "the bias of a convolution can't be 1; give True or False"),
        (lambda: MaxPool("2"), "the size of a pool can't be '2'"),
    ],
)
def test_objects(make, text):
    refused(make, text)


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (
            ["input 64", "conv 4 3x3", "dense 3"],
            "'conv 4 3x3' can't take an input of the shape (64,); it takes channels x height x width, such as of",
        ),
        (
            ["input 1x8x8", "dense 9, pool 3", "dense 3"],
            "'pool 3' can't take an input of the shape (9,); it takes chann",
        ),
        (
            ["input 1x8x8", "conv 2 3x3, global mean, global mean", "dense 3"],
            "'global mean' can't take an input of the",
        ),
        (
            ["input 1x8x8", "conv 2 9x3 pad valid", "dense 3"],
            "'conv 2 9x3 pad valid' can't take an input of the shape (1, 8, 8); its windows are larger than the 8x8",
        ),
        (
            ["input 1x8x8", "conv 2 3x3, pool 4, pool 3", "dense 3"],
            "'pool 3' can't take an input of the shape (2, 2, 2)",
        ),
        (
            ["input 3x8x8", "conv 4 3x3 groups 2", "dense 3"],
            "can't divide the 3 channels of (3, 8, 8) into 2 equal gro",
        ),
        (
            ["input 64", "conv 4 3x3", "dense 3"],
            "such as of 'input 3x32x32': say in front of all blocks what the inputs are, and put what makes units of",
        ),
        (["input 1x8x8", "pool 2", "dense 3"], "block 1, 'pool 2', has nothing to learn"),
        (["input 1x8x8", "conv 3 3x3 tanh"], "the last block is 'conv 3 3x3 tanh'; give the outputs as 'dense 10'"),
        (
            ["input 1x8x8", "residual(conv 2 3x3)", "dense 3"],
            "'residual(conv 2 3x3)' makes (2, 8, 8) of (1, 8, 8), and",
        ),
    ],
)
def test_nets(words, text):
    refused(lambda: gpufa.Network(words, rule="bp", backend="numpy"), text)


@pytest.mark.parametrize(
    ("layer", "word"),
    [
        (Conv2d(32, 5), "conv 32 5x5"),
        (Conv2d(8, (3, 5), stride=(2, 2), pad=[1, 0], dilation=2, groups=4, bias=False),
         "conv 8 3x5 stride 2 pad 1x0 dilation 2 groups 4 nobias"),
        (Conv2d(8, 3, pad="valid"), "conv 8 3x3 pad valid"),
        (Conv2d(8, 3, pad="same"), "conv 8 3x3"),
        (MaxPool(3, stride=2), "pool 3 stride 2"),
        (MaxPool((2, 2), stride=2), "pool 2"),
        (MeanPool((2, 3)), "mean pool 2x3"),
        (GlobalMean(), "global mean"),
        (Flatten(), "flatten"),
    ],
)  # fmt: skip
def test_objects_are_their_words(layer, word):
    assert str(layer) == word
    assert block(word) == Chain((layer,)) == block(str(block(word)))


def test_an_activation_stands_behind_what_it_belongs_to():
    assert str(block("conv 32 5x5, relu, pool 2")) == "conv 32 5x5 relu, pool 2"
    assert block("global mean tanh, dense 3") == block([GlobalMean(), "tanh", Dense(3)])
