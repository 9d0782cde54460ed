"""Residual blocks with a chain beside them: words, names, gradients, and what He's nets must be equal to."""

import re

import numpy as np
import pytest
from layerlab import give_jacobians
from normlab import training_gradients, training_loss
from rulelab import close, host, network, put, values

import gpufa
from gpufa.layers import Act, BatchNorm, Chain, Conv2d, Dense, LayerNorm, Residual, Shortcut, block
from gpufa.layers.units.norm import Norm

PROJECTED = [
    "input 2x6x5",
    "residual(conv 4 3x3 stride 2 tanh, conv 4 3x3 | conv 4 1x1 stride 2 nobias)",
    "residual(conv 6 3x3 stride 2x1 gelu, conv 6 3x3 | shortcut 6 stride 2x1), tanh",
    "residual(dense 5 tanh, dense 7 | dense 7), residual(dense 8 | shortcut 8), dense 4 tanh",
    "dense 3",
]
NORMED = [
    "input 2x6x5",
    "conv 4 3x3 nobias, batch norm, tanh",
    "residual(conv 6 3x3 stride 2 nobias, batch norm, tanh, conv 6 3x3 nobias, batch norm"
    " | conv 6 1x1 stride 2 nobias, batch norm), tanh",
    "residual(conv 6 3x3, layer norm, tanh, conv 6 3x3, batch norm | batch norm), global mean",
    "dense 3",
]
ZERO = [
    "input 2x6x5",
    "conv 4 3x3 tanh",
    "residual(conv 4 3x3 nobias, batch norm, tanh, conv 4 3x3 nobias, batch norm zero)",
    "residual(conv 4 3x3 tanh, layer norm zero)",
    "dense 3",
]


def data(net, m=5, seed=2):
    draw = np.random.default_rng(seed)
    return draw.normal(size=(m, net.sizes.inputs)), draw.integers(0, net.sizes.outputs, m)


def refused(what, text):
    with pytest.raises(gpufa.InvalidValue, match=re.escape(text)):
        what()


@pytest.mark.parametrize(
    ("word", "layer"),
    [
        ("residual(dense 4 tanh | dense 4)", Residual([Dense(4), Act("tanh")], shortcut=[Dense(4)])),
        ("residual(dense 4 | shortcut 4)", Residual([Dense(4)], shortcut=Shortcut(4))),
        (
            "residual(conv 16 3x3 stride 2, batch norm, relu | conv 16 1x1 stride 2 nobias, batch norm)",
            Residual(
                [Conv2d(16, 3, stride=2), BatchNorm(), Act("relu")],
                shortcut=Chain([Conv2d(16, 1, stride=2, bias=False), BatchNorm()]),
            ),
        ),
        (
            "residual(residual(dense 4 | dense 4), dense 4 | residual(dense 4))",
            Residual([Residual([Dense(4)], shortcut=[Dense(4)]), Dense(4)], shortcut=Residual([Dense(4)])),
        ),
        ("residual(dense 4 | identity)", Residual([Dense(4)], shortcut=[Act("identity")])),
    ],
)
def test_words_and_objects(word, layer):
    assert str(layer) == word
    assert block(word) == layer == block(str(block(word)))
    assert block(word.replace(" | ", "|")) == layer
    assert layer != block(word.partition(" |")[0] + ")" if "residual(residual" not in word else "dense 4")
    assert hash(layer) == hash(block(word))


@pytest.mark.parametrize(
    ("word", "text"),
    [
        (
            "residual(dense 3 | dense 3 | dense 3)",
            "has 3 branches; give one, or one and its shortcut, such as residual(",
        ),
        ("residual(dense 3 | )", "block 'dense 3 | ' has nothing before or behind a comma or |, or is empty"),
        ("residual( | dense 3)", "has nothing before or behind a comma or |, or is empty"),
        ("residual(dense 3 | warp 3)", "unknown layer 'warp 3'"),
        ("dense 3 | dense 3", "layer 'dense 3 | dense 3' can't be read"),
        (
            "shortcut",
            "layer 'shortcut' can't be read; shortcut takes n, then stride 2, such as 'shortcut 16 stride 2', and may",
        ),
        ("shortcut 0", "the channels of a shortcut can't be 0; give a whole number of at least 1"),
        ("shortcut 4 stride 0", "the stride of a shortcut can't be 0"),
        ("batch norm momentum 0", "the momentum of a batch norm can't be 0; give a number above 0, up to 1"),
        ("batch norm momentum 2", "the momentum of a batch norm can't be 2"),
        (
            "batch norm eps",
            "layer 'batch norm eps' can't be read; batch norm takes momentum 0.1 or eps 1e-5 or zero, su",
        ),
        ("layer norm momentum 0.1", "layer 'layer norm momentum 0.1' can't be read; layer norm takes eps 1e-5 or zero"),
        ("batch norm 3", "layer 'batch norm 3' can't be read"),
        ("layer norm eps 2x2", "the eps of a layer norm can't be (2, 2); give a number of at least 0"),
    ],
)
def test_words_that_are_refused(word, text):
    refused(lambda: block(word), text)


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda: BatchNorm(eps=-1), "the eps of a batch norm can't be -1; give a number of at least 0"),
        (
            lambda: LayerNorm().out((1, 1, 1)),
            "'layer norm' goes over the units of each sample, and of the shape (1, 1, 1) there is one, which always",
        ),
        (lambda: BatchNorm(zero=1), "the zero of a batch norm can't be 1; give True or False"),
        (lambda: BatchNorm(momentum=float("nan")), "the momentum of a batch norm can't be nan"),
        (lambda: Residual([Dense(3)], shortcut=3), "the layers of a chain can't be 3; give a list"),
        (lambda: Residual([Dense(3)], shortcut=["dense 3"]), "the layers of a chain can't be ['dense 3']"),
        (
            lambda: block("residual(conv 4 3x3 stride 2)").out((4, 6, 6)),
            "'residual(conv 4 3x3 stride 2)' makes (4, 3, 3) of (4, 6, 6), and can't add the two; let it end as wide as"
            " what is below, or give it a shortcut, such as residual(conv 16 3x3 stride 2 | shortcut 16 stride 2)",
        ),
        (
            lambda: block("residual(conv 4 3x3 | conv 5 3x3)").out((4, 6, 6)),
            "makes (4, 6, 6) of (4, 6, 6), but its shortcut (5, 6, 6), and can't add the two; let both end alike",
        ),
        (lambda: Shortcut(3).out((4, 6, 6)), "'shortcut 3' can't leave channels out, and there are 4 in (4, 6, 6)"),
        (
            lambda: Shortcut(8, stride=2).out((4,)),
            "'shortcut 8 stride 2' can't take an input of the shape (4,); it takes",
        ),
        (
            lambda: Shortcut(8, stride=(2, 1)).out((4, 6)),
            "'shortcut 8 stride 2x1' can't take an input of the shape (4, 6), channels x time; along one axis give one",
        ),
    ],
)
def test_objects_that_are_refused(make, text):
    refused(make, text)


def test_a_norm_of_ones_own_must_say_what_it_goes_over():
    with pytest.raises(NotImplementedError, match=r"Norm must define gains\(shape\)"):
        Norm().parameters((3,))


@pytest.mark.parametrize(("word", "shape"), [("shortcut 5 stride 2", (3, 5, 4)), ("shortcut 3 stride 1x3", (3, 2, 7)),
                                             ("shortcut 6", (4,)), ("shortcut 2", (2, 2, 2)),
                                             ("shortcut 4 stride 3", (2, 7))])  # fmt: skip
def test_a_shortcut_takes_every_place_of_a_stride_and_zeros_beside(word, shape, backend):
    words = [f"input {'x'.join(map(str, shape))}", f"residual({word} | {word}), dense 2", "dense 3"]
    net = network(words, "bp", backend=backend, seeds=(0, 1))
    x, _ = data(net, 3)
    p = net.pass_for(3)
    p.forward(net.backend.to_device(x))
    place = p.blocks[1].at.inside[0].inside[0]
    layer, maps = place.layer, x.reshape(3, *shape)
    if len(shape) == 3:
        down, across = layer.stride if isinstance(layer.stride, tuple) else (layer.stride,) * 2
        maps = maps[:, :, ::down, ::across]
    elif len(shape) == 2:
        maps = maps[:, :, :: layer.stride]
    expected = np.zeros((3, layer.n, *maps.shape[2:]))
    expected[:, : shape[0]] = maps
    for found in host(net, place.y):
        np.testing.assert_array_equal(found.T, expected.reshape(3, -1))
    draw = np.random.default_rng(1).normal(size=place.delta.shape)
    put(net, place.delta, draw)
    down = host(net, layer.pull(place, None).signal)
    np.testing.assert_allclose((down * x.T).sum((1, 2)), (draw * host(net, place.y)).sum((1, 2)), rtol=1e-12)


@pytest.mark.parametrize("words", [PROJECTED, NORMED], ids=["projected", "normed"])
@pytest.mark.parametrize("training", [False, True])
def test_bp_is_the_slope_of_the_loss(words, training, backend):
    net = network(words, "bp", backend=backend)
    x, y = data(net)
    found = training_gradients(net, x, y) if training else {n: g[None] for n, g in net.gradients(x, y).items()}
    start = {name: host(net, p) for name, p in net.arena.items()}
    direction = {name: np.random.default_rng(2).normal(size=p.shape) for name, p in start.items()}
    for only in [None, *start]:
        losses = []
        for sign in (1, -1):
            for name, p in net.arena.items():
                put(net, p, start[name] + sign * 1e-6 * direction[name] * (only in (None, name)))
            losses.append(float(training_loss(net, x, y)[0]) if training else net.loss(x, y))
        slope = sum((found[n] * d).sum() for n, d in direction.items() if only in (None, n))
        np.testing.assert_allclose(slope, (losses[0] - losses[1]) / 2e-6, rtol=1e-6, atol=1e-9, err_msg=only)


def test_a_block_along_time_has_a_shortcut_with_a_stride():
    assert block("residual(conv1d 4 3 stride 2 | shortcut 4 stride 2)").out((2, 7)) == (4, 4)


def test_names_go_along_the_block_and_then_along_its_shortcut():
    net = gpufa.Network(NORMED, rule="fa", backend="numpy")
    assert {n: p.shape for n, p in net.parameters.items() if n[:2] in ("W2", "g2")} == {
        **{"W2.1": (6, 4, 3, 3), "g2.2": (6,), "W2.3": (6, 6, 3, 3), "g2.4": (6,), "W2.5": (6, 4, 1, 1), "g2.6": (6,)},
    }
    assert {n: B.shape for n, B in net.feedback.items() if n[:2] == "B1"} == {
        **{"B1.1": (6, 4, 3, 3), "B1.3": (6, 6, 3, 3), "B1.5": (6, 4, 1, 1)},
    }
    first = gpufa.Network(PROJECTED, rule="fa", backend="numpy")
    assert {n for n in first.feedback if n[:2] == "B0"} == {"B0.2"}  # nothing goes down to the net's input


@pytest.mark.parametrize("words", [PROJECTED, NORMED], ids=["projected", "normed"])
@pytest.mark.parametrize("rule", ["fa", "kp"])
def test_feedback_alignment_through_the_weights_is_backprop_to_the_bit(rule, words, backend):
    """RES-1; and each stand-in is used."""
    bp, net = (network(words, name, backend=backend) for name in ("bp", rule))
    arrays, W = {**net.feedback, **net.parameters}, values(net)
    pairs = [(name, B) for k in net.sizes.every for name, (B, _) in net.sizes.carriers[k].items()]
    for name, B in pairs:
        put(net, arrays[B], W[name].T if W[name].ndim == 2 else W[name])
    expected = bp.gradients(*data(net))
    close(net.gradients(*data(net)), expected, 0, names=expected)
    for _, B in pairs:
        kept = host(net, arrays[B])
        put(net, arrays[B], kept * np.random.default_rng(1).normal(size=kept.shape))
        other = net.gradients(*data(net))
        assert any(not np.allclose(other[name], expected[name]) for name in expected), B
        put(net, arrays[B], kept)


def test_where_branches_start_from_zero_the_output_weights_are_every_blocks_feedback(backend):
    """RES-2: the true signal at each block's output is W_out^T e."""
    bp = gpufa.Network(ZERO, rule="bp", init="uniform", dtype="float64", backend=backend)
    net = gpufa.Network(ZERO, rule="dfa", init="uniform", dtype="float64", backend=backend)
    x, y = data(net)
    found = bp.signals(x, y)
    W = host(bp, bp.parameters["W4"])
    for k in (2, 3):
        np.testing.assert_allclose(found[f"delta{k}"], found["delta4"] @ W, rtol=1e-13, atol=1e-15)
        put(net, net.feedback[f"B{k}"], W.T)
    put(net, net.feedback["B1"], W.T)
    close(net.gradients(x, y), bp.gradients(x, y), 1e-12)
    assert not np.allclose(bp.gradients(x, y)["g2.4"], 0)
    bp.parameters["g2.4"][...] = 0.5
    other = bp.signals(x, y)
    assert not np.allclose(other["delta1"], other["delta4"] @ W)


def test_the_jacobian_of_the_sample_makes_direct_feedback_backprop(backend):
    """CONV-4b, over shortcuts of all kinds."""
    for words in (PROJECTED, NORMED):
        bp, net = (network(words, rule, backend=backend) for rule in ("bp", "dfa"))
        x, y = data(net, 1)
        give_jacobians(net, bp, bp._error(x, y))
        close(net.gradients(x, y), bp.gradients(x, y), 1e-11)


def test_a_plain_residual_is_that_with_an_identity_beside_it(backend):
    plain = ["input 2x4x4", "conv 3 3x3 tanh", "residual(conv 3 3x3 tanh, conv 3 3x3)", "dense 3"]
    beside = [word.replace("conv 3 3x3)", "conv 3 3x3 | identity)") for word in plain]
    one, other = (network(words, "fa", backend=backend) for words in (plain, beside))
    close(other.gradients(*data(one)), one.gradients(*data(one)), 1e-13)
