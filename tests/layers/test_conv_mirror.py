"""Weight mirrors of kernels: noise through a kernel, correlated with what it makes, is that kernel, tap by tap."""

import numpy as np
import pytest
import reference
from convlab import CONVS, conv_down, conv_up, layer_of
from layerlab import layered
from rulelab import host, network, put, values

import gpufa
from gpufa.backends.operations.places import Windows
from gpufa.net.batch.passes import Pass

WORDS = ["conv 4 3x3 tanh, pool 2", "residual(conv 4 3x2 groups 2 gelu, conv 4 3x3 nobias), pool 2x1", "dense 5 tanh"]
draw = np.random.default_rng(0)
IMAGES = gpufa.Data(draw.normal(size=(40, 60)), np.arange(40) % 3, draw.normal(size=(6, 60)), np.arange(6) % 3)


def mirrored(words, noise, m, rate=0.25, backend="numpy", **settings):
    """(net before, B before, B after one mirror phase) with `noise(out, stream, scale)` for what is drawn."""
    settings = {"init": "glorot", **settings}
    net = network(words, gpufa.rules.make_rule("weight_mirror", {"eta": rate}), backend=backend, **settings)
    before = {name: host(net, b) for name, b in net.feedback.items()}

    class Noisy(Pass):
        def random(self, law, out, stream, scale=1.0, add=False):
            assert law == "normal"
            put(net, out, noise(out.shape, stream, scale))

    net.rule.after_update(Noisy(net, m))
    return net, before, {name: host(net, b) for name, b in net.feedback.items()}


def basis(shape, stream, scale):
    """+-sqrt(n) times each unit alone: the mean of xi xi^T is the identity, and that of xi 0."""
    n = shape[1]
    assert shape[2] >= 2 * n
    both = np.hstack([np.eye(n), -np.eye(n), np.zeros((n, shape[2] - 2 * n))])
    return np.tile(both * np.sqrt(shape[2] / 2), (shape[0], 1, 1))


@pytest.mark.parametrize(("word", "shape"), CONVS)
def test_of_a_basis_of_noise_a_linear_kernels_mirror_is_the_kernel_at_every_tap(word, shape, backend):
    words = [f"input {'x'.join(map(str, shape))}", "conv 2 1x1", f"dropout 0.5, conv {shape[0]} 1x1, {word}", "dense 3"]
    rate, m = 0.25, 600
    net, before, after = mirrored(words, basis, m, rate, backend)
    W, reached = values(net), layer_of(word).uses((shape[0], *shape[1:])) > 0
    wanted = {"B1.1": W["W2.1"], "B1.2": W["W2.2"] * reached, "B2": W["W3"].T}
    assert before.keys() == wanted.keys()
    for name, K in wanted.items():
        np.testing.assert_allclose(after[name], (1 - rate) * before[name] + rate * K, rtol=1e-11, atol=1e-13)


def test_taps_are_counted_where_they_meet_the_maps():
    met = Windows((6, 6), (3, 3), (1, 1), pad=((1, 1), (1, 1))).met
    np.testing.assert_array_equal(met, [[25, 30, 25], [30, 36, 30], [25, 30, 25]])
    assert (Windows((6, 6), (3, 3), (1, 1)).met == 16).all()
    assert Windows((2, 2), (5, 1), (1, 1), pad=((2, 2), (0, 0))).met.T.tolist() == [[0, 2, 4, 2, 0]]
    for word, shape in CONVS:
        layer = layer_of(word)
        W = np.zeros((layer.n, shape[0] // layer.groups, *layer.parameters(shape)["W"].shape[2:]))
        count = conv_down(layer, W, np.ones(shape), np.ones(layer.out(shape)))[0]
        np.testing.assert_array_equal(count, np.broadcast_to(layer.uses(shape), W.shape))


def test_a_phase_is_its_equation_sample_by_sample(backend):
    """With f where an activation stands right behind the layer, biases, groups, zeros about; each layer its own xi."""
    drawn, m, rate = {}, 4, 0.25

    def noise(shape, stream, scale):
        drawn[stream] = np.random.default_rng(stream).normal(size=shape)
        return drawn[stream]

    words = ["input 2x6x5", *WORDS, "dense 3"]
    net, before, after = mirrored(words, noise, m, rate, backend)
    W = values(net)
    gelu = np.vectorize(reference.ACTIVATIONS["gelu"][0])
    cases = {  # B: (word, W, b, f, stream, shape of its input)
        "B1.1": ("conv 4 3x2 groups 2", W["W2.1"], W["b2.1"], gelu, 1, (4, 3, 2)),
        "B1.2": ("conv 4 3x3 nobias", W["W2.2"], np.zeros(4), lambda a: a, 1 + 1024, (4, 3, 2)),
    }
    assert drawn.keys() == {1, 1 + 1024, 2, 3}
    for name, (word, K, b, f, stream, shape) in cases.items():
        layer, found = layer_of(word), np.zeros(K.shape)
        for s in range(m):
            xi = drawn[stream][0, :, s].reshape(shape)
            found += conv_down(layer, K, xi, f(conv_up(layer, K, b, xi)))[0]
        expected = (1 - rate) * before[name] + rate * found / (m * layer.uses(shape))
        np.testing.assert_allclose(after[name], expected, rtol=1e-11, atol=1e-13, err_msg=name)
    for k, f in ((2, np.tanh), (3, lambda a: a)):  # blocks of one dense layer, as ever
        xi = drawn[k][0]
        y = f(W[f"W{k + 1}"] @ xi + W[f"b{k + 1}"][:, None])
        expected = (1 - rate) * before[f"B{k}"] + rate * xi @ y.T / m
        np.testing.assert_allclose(after[f"B{k}"], expected, rtol=1e-11, atol=1e-13)


def test_the_response_goes_through_an_activation_in_front_of_a_pool(backend):
    """Which trains behind it under rules that don't look."""
    drawn, m, rate = {}, 4, 0.25

    def noise(shape, stream, scale):
        return drawn.setdefault(stream, np.random.default_rng(stream).normal(size=shape))

    net, before, after = mirrored(
        ["input 2x5x4", "conv 2 1x1", "conv 3 2x2 tanh, pool 2", "dense 3"], noise, m, rate, backend
    )
    W, layer, xi = values(net), layer_of("conv 3 2x2"), drawn[1][0].reshape(2, 5, 4, m)
    found = np.zeros(W["W2"].shape)
    for s in range(m):
        y = np.tanh(conv_up(layer, W["W2"], W["b2"], xi[..., s]))
        found += conv_down(layer, W["W2"], xi[..., s], y)[0]
    expected = (1 - rate) * before["B1"] + rate * found / (m * layer.uses((2, 5, 4)))
    np.testing.assert_allclose(after["B1"], expected, rtol=1e-11, atol=1e-13)


def test_a_kernel_as_large_as_the_maps_is_mirrored_as_a_dense_layer(backend):
    """CONV-8, with the noise that both draw."""
    conv = ("conv 5 3x4 pad valid tanh", "conv 4 1x1 tanh")
    x = gpufa.Data(*(a[:, :12] if a.ndim == 2 else a for a in IMAGES[:4]))
    settings = {"rule": "weight_mirror", "data": x, "backend": backend, "rule_options": {"eta": 0.5}, "lr": 1e-3}
    runs = [layered(("input 1x3x4", *conv), **settings), layered(("dense 5 tanh", "dense 4 tanh"), **settings)]
    for one, other in ((runs[0].net.parameters, runs[1].net.parameters), (runs[0].net.feedback, runs[1].net.feedback)):
        for name, p in other.items():
            flat = host(runs[0].net, one[name]).reshape(len(one[name]), -1)
            put(runs[1].net, p, flat.T if name == "B1" else flat.reshape(p.shape))
    for _ in range(3):
        for run in runs:
            run.step()
    first, second = (run.net.feedback for run in runs)
    B = host(runs[0].net, first["B1"])
    np.testing.assert_allclose(B.reshape(4, 5).T, host(runs[1].net, second["B1"]), rtol=1e-10, atol=1e-13)
    np.testing.assert_allclose(host(runs[0].net, first["B2"]), host(runs[1].net, second["B2"]), rtol=1e-10)


def test_a_mirror_goes_to_every_kernel_of_a_block():
    """With weights held still and linear units: within 6 degrees, and as large at a corner as in the middle."""
    words = ("conv 3 3x3", "conv 4 3x3, residual(conv 4 3x3)")
    settings = {"freeze": (1, 2, 3), "batch_size": 40, "epochs": 700, "rule_options": {"eta": 0.02}}
    run = layered(("input 2x6x5", *words), rule="weight_mirror", data=IMAGES, **settings)
    for epoch in range(300):
        run.progress.epoch, run.progress.batch = epoch, 0
        run.begin_epoch()
        run.step()
    for B, W in (("B1.1", "W2.1"), ("B1.2", "W2.2")):
        b, w = run.net.feedback[B], run.net.parameters[W]
        assert np.degrees(np.arccos((b * w).sum() / np.linalg.norm(b) / np.linalg.norm(w))) < 6
        corner, middle = ((b * w)[..., i, i].sum() / (w[..., i, i] ** 2).sum() for i in (0, 1))
        np.testing.assert_allclose([corner, middle], 1, atol=0.1)
