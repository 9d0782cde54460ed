"""Synthetic gradients: models that start at zero, are perfect, or learn."""

import dataclasses

import numpy as np
import pytest
from rulelab import DATA, close, network, put, samples, trainer, values
from targetlab import (
    MODELS,
    NAMES,
    SIZES,
    bumped,
    forward,
    lab,
    predicted,
    slope,
    softmax_error,
    unit_by_unit,
    value,
    weight_gradients,
)

from gpufa.rules.targets.dni import DNI


@pytest.mark.parametrize("rule", MODELS, ids=str)
def test_a_model_that_starts_at_zero_leaves_hidden_layers_alone(rule, backend):
    net, bp = (network(SIZES, one, NAMES, backend=backend) for one in (rule, "bp"))
    batch = samples(SIZES)
    found, true = net.gradients(*batch), bp.gradients(*batch)
    for k in net.sizes.hidden:
        assert not found[f"W{k}"].any()
        assert not found[f"b{k}"].any()
    close(found, true, 1e-14, names=["W4", "b4"])
    last = "U3" if rule.width else "A3"
    assert np.abs(found[last]).max() > 1e-3


def test_linear_net_has_the_exact_linear_model(backend):
    """dL/dh_{L-1} = W^T (W h + b - y): M = (W^T W, -W^T, W^T b), and the same through any number of layers."""
    sizes = [5, 6, 4, 5, 3]
    net, bp = (network(sizes, rule, "identity", "squared_error", backend) for rule in (DNI(), "bp"))
    P = values(bp)
    chain, shift = np.eye(3), np.zeros(3)
    for k in reversed(bp.sizes.hidden):
        shift = shift + chain @ P[f"b{k + 1}"]
        chain = chain @ P[f"W{k + 1}"]
        put(net, net.parameters[f"A{k}"], chain.T @ chain)
        put(net, net.parameters[f"C{k}"], -chain.T)
        put(net, net.parameters[f"c{k}"], chain.T @ shift)
    batch = samples(sizes, "squared_error")
    found, true = net.gradients(*batch), bp.gradients(*batch)
    close(found, true, 1e-13, names=true)
    for name in net.extras:
        np.testing.assert_allclose(found[name], 0, atol=1e-13)


@pytest.mark.parametrize("rule", MODELS, ids=str)
def test_the_perfect_model_is_backprop_and_a_fixed_point(rule, backend):
    """With few samples some M gives dL/dh of each exactly; f' comes on top."""
    rule = dataclasses.replace(rule, width=10 * rule.width)
    net, bp = (network(SIZES, one, NAMES, backend=backend) for one in (rule, "bp"))
    bumped(net, 2.0)
    x, y = samples(SIZES, m=4)
    true, P = bp.gradients(x, y), values(net)
    a, h, _ = forward(P, x, NAMES)
    one_hot, ones = np.eye(3)[y].T, np.ones((1, 4))
    signal = softmax_error(a[4], y)
    for k in (3, 2, 1):
        wanted = P[f"W{k + 1}"].T @ signal
        signal = wanted * slope(NAMES[k - 1], a[k])
        names, inputs = ["A", "C", "c"], [h[k], one_hot, ones]
        if not rule.conditional:
            names, inputs = ["A", "c"], [h[k], ones]
        if rule.width:
            u = sum(P[f"{n}{k}"].reshape(rule.width, -1) @ part for n, part in zip(names, inputs, strict=True))
            names, inputs = ["U", "d"], [np.maximum(u, 0), ones]
        solved = wanted @ np.linalg.pinv(np.concatenate(inputs))
        assert np.abs(solved @ np.concatenate(inputs) - wanted).max() < 1e-13
        for name, part in zip(names, np.split(solved, np.cumsum([len(i) for i in inputs])[:-1], 1), strict=True):
            into = net.parameters[f"{name}{k}"]
            put(net, into, part.reshape(into.shape))
    found = net.gradients(x, y)
    close(found, true, 1e-12, names=true)
    for name in net.extras:
        np.testing.assert_allclose(found[name], 0, atol=1e-12)


@pytest.mark.parametrize("rule", MODELS, ids=str)
def test_deltas_against_naive_loops(rule, backend):
    net = lab(rule, backend=backend)
    P, (x, y) = values(net), samples(SIZES)
    delta = unit_by_unit(P, x, y, NAMES, lambda h, e, one_hot: {k: predicted(P, k, h[k], one_hot) for k in (1, 2, 3)})
    _, h, _ = forward(P, x, NAMES)
    expected = weight_gradients(delta, h)
    close(net.gradients(x, y), expected, 1e-13, names=expected)


@pytest.mark.parametrize("rule", MODELS, ids=str)
def test_models_descend_their_squared_loss(rule, backend):
    """Central differences of the mean of |M_k - W_{k+1}^T delta_{k+1}|^2, the target held."""
    net = lab(rule, backend=backend)
    x, y = samples(SIZES)
    found, P = net.gradients(x, y), values(net)
    a, h, _ = forward(P, x, NAMES)
    one_hot, signal = np.eye(3)[y].T, softmax_error(a[4], y)
    for k in (3, 2, 1):
        target = P[f"W{k + 1}"].T @ signal
        signal = predicted(P, k, h[k], one_hot) * slope(NAMES[k - 1], a[k])
        for name in (n for n in net.extras if n.endswith(str(k))):

            def loss(bump, at, name=name, k=k, target=target):
                changed = P | {name: P[name].copy()}
                changed[name][at] += bump
                return ((predicted(changed, k, h[k], one_hot) - target) ** 2).sum(0).mean()

            for at in np.ndindex(P[name].shape):
                numeric = (loss(1e-6, at) - loss(-1e-6, at)) / 2e-6
                np.testing.assert_allclose(found[name][at], numeric, rtol=1e-6, atol=1e-8)


def test_the_label_reaches_hidden_layers_through_a_conditional_model_alone():
    for rule, reaches in ((DNI(), True), (DNI(conditional=False), False), (DNI(width=4), True)):
        net = lab(rule)
        x, y = samples(SIZES)
        one, other = (net.gradients(x, labels) for labels in (y, (y + 1) % 3))
        assert (np.abs(one["W1"] - other["W1"]).max() > 1e-6) == reaches


@pytest.mark.parametrize("rule", MODELS, ids=str)
def test_layers_that_update_themselves_when_they_have_run_get_the_same_weights(rule):
    """Each layer learns before the next one runs, with plain SGD; what comes down later trains M alone."""
    made = trainer(rule="dni", rule_options=vars(rule), hidden=(5, 4, 6), optimizer="sgd", lr=0.2)
    P = values(bumped(made.net))
    lr, f = 0.2, "tanh"
    for batch in range(4):
        made.step()
        chosen = made.batches.order[0, batch * 8 : batch * 8 + 8]
        h, one_hot, waiting = DATA.x_train[chosen].T, np.eye(3)[DATA.y_train[chosen]].T, None
        for k in (1, 2, 3, 4):
            a = P[f"W{k}"] @ h + P[f"b{k}"][:, None]
            if k < 4:
                found = predicted(P, k, value(f, a), one_hot)
                delta = found * slope(f, a)
            else:
                delta = softmax_error(a, one_hot.argmax(0))
            down = P[f"W{k}"].T @ delta
            P[f"W{k}"] -= lr * delta @ h.T / 8
            P[f"b{k}"] -= lr * delta.mean(1)
            if waiting:
                below, activity, miss = waiting
                miss = 2 * (miss - down) / 8
                if rule.width:
                    u = P[f"A{below}"] @ activity + P[f"c{below}"][:, None]
                    u = np.maximum(u + P[f"C{below}"] @ one_hot if rule.conditional else u, 0)
                    back = P[f"U{below}"].T @ miss * (u > 0)
                    P[f"U{below}"] -= lr * miss @ u.T
                    P[f"d{below}"] -= lr * miss.sum(1)
                    miss = back
                P[f"A{below}"] -= lr * miss @ activity.T
                P[f"c{below}"] -= lr * miss.sum(1)
                if rule.conditional:
                    P[f"C{below}"] -= lr * miss @ one_hot.T
            h = value(f, a)
            waiting = (k, h, found)
    close(values(made.net), P, 1e-12)
