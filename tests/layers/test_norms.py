"""Norms are exact: their loops, differences of the loss in both modes, and what any Jacobian of a norm must do."""

import numpy as np
import pytest
from layerlab import give_jacobians
from normlab import NORMS, Alone, training_gradients, training_loss, training_pass
from rulelab import close, host, network, put, values

import gpufa

DEEP = [
    "input 2x6x5",
    "batch norm, conv 4 3x3 nobias, batch norm, tanh, pool 2",
    "conv 4 2x2 gelu, layer norm, mean pool 2x1",
    "dense 6, batch norm momentum 0.3 eps 0.1, tanh",
    "layer norm eps 0.01",
    "dense 3",
]
every_norm = pytest.mark.parametrize(("word", "shape"), NORMS)
MODES = pytest.mark.parametrize("training", [True, False])


def data(net, m=5, seed=2):
    draw = np.random.default_rng(seed)
    return draw.normal(size=(m, net.sizes.inputs)), draw.integers(0, net.sizes.outputs, m)


def deep(rule="bp", backend="numpy", **kw):
    """DEEP, with running statistics that are not those that it starts from."""
    net = network(DEEP, rule, backend=backend, **kw)
    draw = np.random.default_rng(6)
    for name, state in net.measured.items():
        put(net, state, draw.uniform(0.5, 2, state.shape) if name[0] == "v" else draw.normal(size=state.shape))
    return net


@every_norm
@MODES
@pytest.mark.parametrize("shared", [False, True])
def test_a_norm_is_its_loop(word, shape, training, shared, backend):
    alone = Alone(word, shape, backend, training, shared)
    for found, expected in zip(alone.found(), alone.expected(), strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-11, atol=1e-12)


@pytest.mark.parametrize(("word", "shape"), [("batch norm eps 0", (3, 2, 2)), ("layer norm eps 0", (6,))])
def test_what_a_norm_hands_down_has_no_mean_and_nothing_along_what_is_normalised(word, shape, backend):
    """NORM, with a gain of 1."""
    alone = Alone(word, shape, backend, training=True)
    alone.net.arena["g1"][...] = 1
    alone.net.arena["b1"][...] = 0
    alone.p.forward(alone.net.backend.to_device(np.ascontiguousarray(alone.x.swapaxes(1, 2))))
    alone.p.send(1, alone.net.backend.to_device(alone.delta))
    z, down = host(alone.net, alone.p.h[1]), host(alone.net, alone.p.pull(1).signal)
    assert abs(down).max() > 0.1
    for r, where in alone.groups():
        of = tuple(zip(*where, strict=True))
        np.testing.assert_allclose(down[r][of].sum(), 0, atol=1e-12)
        np.testing.assert_allclose(down[r][of] @ z[r][of], 0, atol=1e-12)


def slope(net, loss, direction, step=1e-5):
    """Of the loss along a direction in the parameters, by central differences."""
    start, found = values(net), []
    for sign in (1, -1):
        for name, p in net.arena.items():
            put(net, p, start[name].reshape(p.shape) + sign * step * direction[name])
        found.append(loss())
    for name, p in net.arena.items():
        put(net, p, start[name].reshape(p.shape))
    return (found[0] - found[1]) / (2 * step)


def test_gradients_are_those_of_the_loss_by_the_running_statistics(backend):
    net = deep(backend=backend)
    x, y = data(net)
    found, draw = net.gradients(x, y), np.random.default_rng(4)
    direction = {name: draw.normal(size=p.shape) for name, p in net.arena.items()}
    expected = slope(net, lambda: net.loss(x, y), direction)
    np.testing.assert_allclose(sum((found[n] * d[0]).sum() for n, d in direction.items()), expected, rtol=1e-8)


@pytest.mark.parametrize("seeds", [(0,), (0, 1)])
def test_a_step_of_training_descends_the_loss_by_the_batchs_own(seeds, backend):
    net = deep(backend=backend, seeds=seeds)
    x, y = data(net)
    found, draw = training_gradients(net, x, y), np.random.default_rng(4)
    for only in [None, *net.parameters]:
        direction = {n: draw.normal(size=p.shape) * (only in (None, n)) for n, p in net.arena.items()}
        expected = slope(net, lambda: training_loss(net, x, y), direction)
        along = sum((found[n] * d).reshape(len(seeds), -1).sum(1) for n, d in direction.items())
        np.testing.assert_allclose(along, expected, rtol=1e-6, atol=1e-9, err_msg=only or "all")
    gradients = net.gradients(x, y)
    single = {name: g[0] if len(seeds) == 1 else g for name, g in found.items()}
    assert not np.allclose(gradients["W3.1"], single["W3.1"], rtol=1e-2)


def test_a_batch_norm_does_not_move_by_being_asked(backend):
    net = deep(backend=backend)
    x, y = data(net)
    before = {name: host(net, state) for name, state in net.state.items()}
    for ask in (net.predict, net.loss, net.evaluate, net.gradients, net.signals, net.alignment):
        ask(x) if ask == net.predict else ask(x, y)
    training_gradients(net, x, y)
    close({name: host(net, state) for name, state in net.state.items()}, before, 0)


def test_predictions_do_not_hang_on_who_else_is_asked_for(backend):
    net = deep(backend=backend)
    x, _ = data(net)
    np.testing.assert_allclose(net.predict(x)[:1], net.predict(x[:1]), rtol=1e-13)


@pytest.mark.parametrize("training", [True, False])
def test_the_jacobian_of_the_sample_makes_direct_feedback_backprop(training, backend):
    """CONV-4b, through both norms: a batch of one, whose batch norms are over the places."""
    words = ["input 2x6x5", *DEEP[1:3], "layer norm, dense 4 tanh", "dense 3"]
    bp, net = (network(words, rule, backend=backend) for rule in ("bp", "dfa"))
    x, y = data(net, 1)
    found = training_gradients if training else lambda net, x, y: net.gradients(x, y)
    give_jacobians(net, bp, training_pass(bp, x, y) if training else bp._error(x, y))
    close(found(net, x, y), found(bp, x, y), 1e-11)


@pytest.mark.parametrize("rule", ["fa", "kp"])
def test_feedback_alignment_through_the_weights_is_backprop(rule, backend):
    """A norm keeps its own Jacobian; in block 1 an error goes down through a convolution to the norm below it."""
    bp, net = (deep(name, backend) for name in ("bp", rule))
    assert net.sizes.carriers[1].keys() == {"W1.2"}
    arrays, W = {**net.feedback, **net.parameters}, values(net)
    for k in net.sizes.every:
        for name, (B, _) in net.sizes.carriers[k].items():
            put(net, arrays[B], W[name].T if W[name].ndim == 2 else W[name])
    expected = bp.gradients(*data(net))
    close(net.gradients(*data(net)), expected, 0, names=expected)


@every_norm
def test_what_does_not_vary_is_normalised_to_zero(word, shape, backend):
    net = network([f"input {'x'.join(map(str, shape))}", word.replace("zero ", ""), "dense 3"], "bp", backend=backend)
    x, y = np.full((4, net.sizes.inputs), 0.5), np.arange(4) % 3
    found = training_gradients(net, x, y)
    assert all(np.isfinite(g).all() for g in found.values())
    np.testing.assert_allclose(found["g1"], 0, atol=1e-12)


def test_gains_start_from_one_or_from_zero_and_nothing_else_is_touched(backend):
    words = ["input 2x4x4", "conv 3 3x3, batch norm", "layer norm zero, batch norm zero", "dense 3"]
    plain, net = (
        gpufa.Network([words[0], "conv 3 3x3", words[3]], rule="fa", backend=backend),
        gpufa.Network(words, rule="fa", backend=backend),
    )
    p = values(net)
    shapes = {name: a.shape for name, a in p.items() if name[0] in "gb"}
    wide, three = dict.fromkeys(("g2.1", "b2.1"), (48,)), ("b1.1", "g1.2", "b1.2", "g2.2", "b2.2", "b3")
    assert shapes == {**wide, **dict.fromkeys(three, (3,))}
    assert (p["g1.2"] == 1).all()
    assert all((a == 0).all() for name, a in p.items() if name[0] == "b" or name[:2] == "g2")
    np.testing.assert_array_equal(p["W1.1"], values(plain)["W1"])
    state = {name: host(net, s) for name, s in net.state.items()}
    names = "mean1.2", "variance1.2", "mean2.2", "variance2.2"
    assert {name: s.shape for name, s in state.items()} == dict.fromkeys(names, (1, 3))
    assert all((s == (name[0] == "v")).all() for name, s in state.items())
    assert net.feedback.keys() == {"B2"}


@pytest.mark.parametrize("word", ["batch norm", "layer norm"])
def test_a_variance_beyond_the_numbers_is_told(word, backend):
    net = gpufa.Network(["input 4", f"dense 3, {word}, tanh", "dense 2"], rule="bp", backend=backend)
    x = np.float32([[1, 2, 3, 4], [4, 3, 2, 1]]) * 1e25
    with np.errstate(over="ignore", invalid="ignore"):
        assert np.isnan(training_loss(net, x, np.array([0, 1]))).all()  # zeros in place of x would be finite
