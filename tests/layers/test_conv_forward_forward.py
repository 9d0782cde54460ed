"""Forward-forward on convolutions: goodness of all units of a block, and where the label stands."""

import numpy as np
import pytest
import reference
from convlab import conv_up, layer_of, pool
from rulelab import close, host, network, put, values

import gpufa
from gpufa.rules.forward_only.forward_forward import ForwardForward

NET = [
    "input 2x5x4",
    "conv 4 3x3 gelu, pool 2",
    "mean pool 1x2, conv 3 2x1 pad 0x1 tanh",
    "dense 4 softplus",
    "dense 3",
]
LABELS = "replace", "append"
draw = np.random.default_rng(0)
X, Y = draw.normal(size=(5, 40)), draw.integers(0, 3, 5)
f = {name: np.vectorize(reference.ACTIVATIONS[name][0]) for name in ("tanh", "gelu", "softplus")}
CONV1, POOL1, POOL2, CONV2 = map(layer_of, ("conv 4 3x3", "pool 2", "mean pool 1x2", "conv 3 2x1 pad 0x1"))


def made(label="replace", backend="numpy", **options):
    """Thresholds at which no logistic is saturated."""
    return network(
        NET, ForwardForward(**{"label": label, "strength": 1.5, "threshold": 0.3} | options), backend=backend
    )


def n(h):
    return h / np.sqrt((h**2).mean())


def goodness(p, rule, x, label):
    """G_k of one sample with that label, by loops."""
    hot = rule.strength * np.eye(3)[label]
    both = n(np.concatenate([hot, x if rule.label == "append" else x[3:]]))
    image = both[3:] if rule.label == "append" else both
    a = conv_up(CONV1, p["W1"], p["b1"], image.reshape(2, 5, 4))
    if rule.label == "append":  # maps that are the same everywhere, through a kernel of one place
        a += conv_up(layer_of("conv 4 1x1"), p["V1"][:, :, None, None], np.zeros(4),
                     np.broadcast_to(both[:3, None, None], (3, 5, 4)))  # fmt: skip
    h = [pool(POOL1, f["gelu"](a))[0]]
    h.append(f["tanh"](conv_up(CONV2, p["W2"], p["b2"], pool(POOL2, n(h[0]))[0])))
    h.append(f["softplus"](p["W3"] @ n(h[1]).ravel() + p["b3"]))
    return np.array([(one**2).sum() for one in h])


@pytest.mark.parametrize("label", LABELS)
def test_each_block_descends_its_own_loss(label, backend):
    net = made(label, backend)
    found, start, sizes = net.gradients(X, Y), values(net), np.array([16, 9, 4])
    assert net.sizes.units[1:4] == tuple(sizes)
    wrong = host(net, net.pass_for(5).array("wrong label", 3, 5))[0].argmax(0)
    assert (wrong != Y).all()

    def losses(p):
        total = np.zeros(3)
        for x, right, other in zip(X, Y, wrong, strict=True):
            plus, minus = (goodness(p, net.rule, x, which) for which in (right, other))
            total += np.logaddexp(0, 0.3 * sizes - plus) + np.logaddexp(0, minus - 0.3 * sizes)
        return total / len(X)

    assert found.keys() == start.keys()
    for name in {*start} - {"W4", "b4"}:
        picks = list(np.ndindex(start[name].shape))[:: max(start[name].size // 6, 1)]
        for at in picks:
            sides = []
            for step in (1e-5, -1e-5):
                p = {key: w.copy() for key, w in start.items()}
                p[name][at] += step
                sides.append(losses(p)[int(name[1]) - 1])
            np.testing.assert_allclose(
                found[name][at], (sides[0] - sides[1]) / 2e-5, rtol=2e-6, atol=1e-8, err_msg=name
            )
    assert not found["W4"].any()


@pytest.mark.parametrize("label", LABELS)
@pytest.mark.parametrize("counted", ["all", "upper"])
def test_it_predicts_by_the_goodness_of_each_label(label, counted, backend):
    net = made(label, backend, counted=counted)
    layers = slice(1, None) if counted == "upper" else slice(None)
    a = np.array(
        [[(goodness(values(net), net.rule, x, c) - [4.8, 2.7, 1.2])[layers].mean() for c in range(3)] for x in X]
    )
    outputs = np.exp(a) / np.exp(a).sum(1, keepdims=True)
    np.testing.assert_allclose(net.predict(X), outputs, rtol=1e-11)
    np.testing.assert_allclose(net.predict(X.reshape(-1, 2, 5, 4)), outputs, rtol=1e-11)


def test_no_block_hears_of_those_above(backend):
    net = made(backend=backend)
    first = net.gradients(X, Y)
    for name in ("W2", "b2", "W3", "b3"):
        put(net, net.parameters[name], draw.normal(size=net.parameters[name].shape))
    again = net.gradients(X, Y)
    close(again, first, 0, ("W1", "b1"))
    assert np.abs(again["W2"] - first["W2"]).max() > 1e-3


def test_the_label_stands_in_the_first_places_of_the_first_channel_or_everywhere(backend):
    changed = X.reshape(-1, 2, 5, 4).copy()
    changed[:, 0, 0, :3] += 1
    for label, same in (("replace", True), ("append", False)):
        net = made(label, backend)
        assert np.array_equal(net.predict(X), net.predict(changed)) == same
        assert ("V1" in net.parameters) != same
    assert net.parameters["V1"].shape == (4, 3)
    x, h = np.zeros((1, 40)), {}
    for label in LABELS:
        net = made(label, backend)
        p = net.pass_for(1)
        for c in (0, 1):
            hot = net.backend.to_device(np.eye(3)[c].reshape(1, 3, 1), "float64")
            p.take(net.backend.to_device(x))
            net.rule.attempt(p, hot, "right")
            h[label, c] = host(net, p.blocks[1].at.inside[1].y)[0].reshape(4, 5, 4)
    differs = {label: (h[label, 0] != h[label, 1]).any(0) for label in LABELS}
    assert differs["append"].all()
    assert not differs["replace"][2:].any()
    assert differs["replace"][:2].any()


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (["input 1x1x3", "conv 2 1x1 tanh", "dense 3"], "3 labels would overwrite all 3 inputs; add --set rule.labe"),
        (["input 1x4x4", "conv 2 3x3 tanh, dense 3 tanh", "dense 3"], "takes blocks in which one layer learns, under"),
    ],
)  # fmt: skip
def test_what_it_can_not_take(words, text):
    with pytest.raises(gpufa.InvalidValue, match=text):
        gpufa.Network(words, rule="forward_forward", backend="numpy")
