"""Target propagation, difference target propagation and synthetic gradients: the identities that define them."""

import dataclasses

import numpy as np
import pytest
from rulelab import DATA, close, host, network, put, rng, samples, trainer, values

import gpufa
from gpufa.basics.random import Generator, Purpose
from gpufa.functions.activations import ACTIVATIONS
from gpufa.rules import make_rule
from gpufa.rules.targets.dni import DNI
from gpufa.rules.targets.dtp import DTP
from gpufa.rules.targets.tp import TP

SIZES, NAMES = [5, 6, 4, 5, 3], ["tanh", "gelu", "logistic"]
PAIR = pytest.mark.parametrize("kind", [TP, DTP], ids=["tp", "dtp"])
MODELS = [DNI(), DNI(width=7), DNI(conditional=False), DNI(conditional=False, width=7)]
EVERY = [TP(), DTP(), *MODELS]


def value(name, a):
    h = np.empty_like(a)
    ACTIVATIONS[name].value(a.copy(), h)
    return h


def slope(name, a):
    """f'(a)."""
    row, g = ACTIVATIONS[name], np.empty_like(a)
    row.derivative(a if row.of == "a" else value(name, a), g, np.empty_like(a))
    return g


def bumped(net, scale=0.5):
    """The net with random numbers in the rule's own parameters too."""
    draw = np.random.default_rng(2)
    for name in net.extras:
        p = net.parameters[name]
        put(net, p, draw.normal(0, scale / np.sqrt(p.shape[-1]), p.shape))
    return net


def lab(rule, loss="cross_entropy", backend="numpy"):
    return bumped(network(SIZES, rule, NAMES, loss, backend))


def forward(P, x, names, mask=None):
    """a_k, h_k and what is sent on, lists by layer, of samples in columns."""
    a, h, sent = [None], [x.T], [x.T]
    for k in range(1, len(names) + 2):
        a.append(P[f"W{k}"] @ sent[-1] + P[f"b{k}"][:, None])
        h.append(value(names[k - 1], a[k]) if k <= len(names) else a[k])
        sent.append(h[k] * mask[k] if mask and k <= len(names) else h[k])
    return a, h, sent


def softmax_error(a, y):
    yhat = np.exp(a - a.max(0))
    return yhat / yhat.sum(0) - np.eye(len(a))[y].T


def unit_by_unit(P, x, y, names, model):
    """delta_k by layer of one sample after the other, given model(a, h, e, y) of one sample."""
    L = len(names) + 1
    delta = {k: np.empty((len(P[f"b{k}"]), len(x))) for k in range(1, L + 1)}
    for i, (sample, label) in enumerate(zip(x, y, strict=True)):
        a, h, _ = forward(P, sample[None], names)
        e = softmax_error(a[L], [label])
        delta[L][:, i] = e[:, 0]
        for k, dLdh in model(h, e, np.eye(len(e))[:, [label]]).items():
            for j in range(len(dLdh)):
                delta[k][j, i] = dLdh[j, 0] * slope(names[k - 1], a[k])[j, 0]
    return delta


def weight_gradients(delta, h):
    found = {}
    for k, d in delta.items():
        found[f"W{k}"], found[f"b{k}"] = d @ h[k - 1].T / d.shape[1], d.mean(1)
    return found


def noise(shape, k, deviation, seed=0, step=0):
    return Generator().fill("normal", np.empty(shape), seed, Purpose.RULE, stream=k, step=step, scale=deviation)


# Targets


@PAIR
def test_orthogonal_linear_net_with_exact_inverses_is_backprop_through_targets(kind, backend):
    """h - t = eta_hat dL/dh in every layer; the inverse of W h + b is W^T h - W^T b."""
    sizes, eta_hat = [6, 4, 4, 4, 4, 2], 0.37
    ours, bp = (network(sizes, rule, "identity", "squared_error", backend) for rule in (kind(eta_hat=eta_hat), "bp"))
    for k in (2, 3, 4):
        q = np.linalg.qr(rng.normal(size=(4, 4)))[0]
        for net in (ours, bp):
            put(net, net.parameters[f"W{k}"], q)
        put(ours, ours.parameters[f"V{k}"], q.T)
        put(ours, ours.parameters[f"c{k}"], -q.T @ host(ours, ours.parameters[f"b{k}"]))
    x, y = samples(sizes, "squared_error")
    found, true = ours.gradients(x, y), bp.gradients(x, y)
    close(found, true, 1e-13, names=true)
    p, reference = ours.pass_for(len(x)), bp.pass_for(len(x))
    for k in ours.sizes.hidden:
        t = host(ours, p.layers("target")[k])
        np.testing.assert_allclose(host(ours, p.h[k]) - t, eta_hat * host(bp, reference.delta[k]), atol=3e-14)
    for k in (2, 3, 4):  # the exact inverse has nothing to learn
        np.testing.assert_allclose(found[f"V{k}"], 0, atol=1e-13)
        np.testing.assert_allclose(found[f"c{k}"], 0, atol=1e-13)


@PAIR
@pytest.mark.parametrize("hidden", [(), (6,), (6, 4, 5)], ids=str)
def test_the_last_hidden_layer_and_the_output_learn_by_backprop(kind, hidden, backend):
    sizes = [5, *hidden, 3]
    ours, bp = (network(sizes, rule, "gelu", backend=backend) for rule in (kind(), "bp"))
    batch = samples(sizes)
    found, true = ours.gradients(*batch), bp.gradients(*batch)
    last = [f"{name}{k}" for name in "Wb" for k in (len(sizes) - 1, len(sizes) - 2) if k]
    close(found, true, 1e-13, names=last)
    assert len(hidden) < 2 or np.abs(found["W1"] - true["W1"]).max() > 1e-3


@PAIR
def test_targets_and_inverses_against_naive_loops(kind, backend):
    """Another activation in each layer, of which g_k has that of layer k-1."""
    rule = kind(eta_hat=0.6, noise=0.2)
    net = lab(rule, backend=backend)
    P, (x, y) = values(net), samples(SIZES)

    def g(k, h):
        return value(NAMES[k - 2], P[f"V{k}"] @ h + P[f"c{k}"][:, None])

    def model(h, e, _):
        t = {3: h[3] - 0.6 * P["W4"].T @ e}
        for k in (3, 2):
            t[k - 1] = g(k, t[k]) if kind is TP else h[k - 1] + g(k, t[k]) - g(k, h[k])
        return {k: (h[k] - t[k]) / 0.6 for k in t}

    _, h, _ = forward(P, x, NAMES)
    expected = weight_gradients(unit_by_unit(P, x, y, NAMES, model), h)
    for k in (2, 3):
        noisy = h[k - 1] + noise(h[k - 1].shape, k, 0.2)
        expected[f"V{k}"], expected[f"c{k}"] = np.zeros_like(P[f"V{k}"]), np.zeros_like(P[f"c{k}"])
        for i in range(len(x)):
            response = value(NAMES[k - 1], P[f"W{k}"] @ noisy[:, i] + P[f"b{k}"])
            a = P[f"V{k}"] @ response + P[f"c{k}"]
            for j in range(len(a)):
                miss = 2 * (value(NAMES[k - 2], a)[j] - noisy[j, i]) * slope(NAMES[k - 2], a)[j] / len(x)
                expected[f"V{k}"][j] += miss * response
                expected[f"c{k}"][j] += miss
    close(net.gradients(x, y), expected, 1e-13)


@PAIR
def test_inverses_descend_the_inverse_loss(kind, backend):
    """Central differences of the mean of |g_k(f_k(h + noise)) - (h + noise)|^2."""
    net = lab(kind(noise=0.3), backend=backend)
    x, y = samples(SIZES)
    found, P = net.gradients(x, y), values(net)
    _, h, _ = forward(P, x, NAMES)
    for k in (2, 3):
        noisy = h[k - 1] + noise(h[k - 1].shape, k, 0.3)
        response = value(NAMES[k - 1], P[f"W{k}"] @ noisy + P[f"b{k}"][:, None])
        for name in (f"V{k}", f"c{k}"):

            def loss(bump, at, name=name, k=k, response=response, noisy=noisy):
                changed = P | {name: P[name].copy()}
                changed[name][at] += bump
                back = value(NAMES[k - 2], changed[f"V{k}"] @ response + changed[f"c{k}"][:, None])
                return ((back - noisy) ** 2).sum(0).mean()

            for at in np.ndindex(P[name].shape):
                numeric = (loss(1e-5, at) - loss(-1e-5, at)) / 2e-5
                np.testing.assert_allclose(found[name][at], numeric, rtol=1e-7, atol=1e-9)


def test_without_an_error_dtp_asks_for_no_change_and_tp_does(backend):
    for rule, still in ((DTP(), True), (TP(), False)):
        net = lab(rule, "squared_error", backend)
        x, _ = samples(SIZES)
        found = net.gradients(x, net.predict(x))
        for k in (1, 2):
            assert (np.abs(found[f"W{k}"]).max() < 1e-14) == still


@PAIR
def test_noise_is_drawn_anew_for_each_step_seed_and_layer(kind, backend):
    made = trainer(rule=kind.name, rule_options={"noise": 0.3}, hidden=(4, 5, 3), seeds=(4, 7), backend=backend)
    for step in range(4):
        P = values(made.net)
        made.step()
        (run,) = made._steps.values()
        for r, seed in enumerate((4, 7)):
            for k in (2, 3):
                h = host(made.net, run.p.h[k - 1])[r]
                noisy = h + noise(h.shape, k, 0.3, seed, step)
                response = np.tanh(P[f"W{k}"][r] @ noisy + P[f"b{k}"][r][:, None])
                np.testing.assert_allclose(host(made.net, run.p.layers("response")[k])[r], response, rtol=1e-11)


# Synthetic gradients


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


def predicted(P, k, h, one_hot):
    """M_k(h, y), samples in columns."""
    u = P[f"A{k}"] @ h + P[f"c{k}"][:, None]
    if f"C{k}" in P:
        u = u + P[f"C{k}"] @ one_hot
    return P[f"U{k}"] @ np.maximum(u, 0) + P[f"d{k}"][:, None] if f"U{k}" in P else u


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


# All of them, in training


@pytest.mark.parametrize("rule", EVERY, ids=str)
def test_a_step_of_sgd_descends_every_parameter_at_its_own_rate(rule, backend):
    """Every W, b, V, c and M moves; the rule's own by `rate` times the learning rate."""
    options = vars(rule) | {"rate": 0.25}
    made = trainer(rule=rule.name, rule_options=options, optimizer="sgd", lr=0.1, backend=backend, hidden=(5, 4, 6))
    net = bumped(made.net)
    chosen = host(net, made.batches.order)[0, :8]
    before, gradients = values(net), net.gradients(DATA.x_train[chosen], DATA.y_train[chosen])
    made.step()
    after = values(net)
    for name, g in gradients.items():
        rate = 0.25 if name in net.extras else 1.0
        np.testing.assert_allclose(after[name], before[name] - 0.1 * rate * g, rtol=1e-12, atol=1e-13, err_msg=name)
        assert np.abs(after[name] - before[name]).max() > 1e-6, name


def stepped(backend, rule, seeds=(0, 1), steps=10, **settings):
    """The parameters after so many steps, from random numbers in every array."""
    made = trainer(rule=rule.name, rule_options=vars(rule), backend=backend, seeds=seeds, **settings)
    for name in made.net.extras:
        for r, seed in enumerate(seeds):
            p = made.net.arena[name][r]
            put(made.net, p, np.random.default_rng([seed, *map(ord, name)]).normal(0, 0.3, p.shape))
    for step in range(steps):
        if step and step % 5 == 0:
            made.progress.epoch, made.progress.batch = step // 5, 0
            made.begin_epoch()
        made.step()
    return values(made.net)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("settings", [{}, {"dropout": 0.3, "activation": ("gelu", "tanh", "elu")}], ids=str)
@pytest.mark.parametrize("rule", EVERY, ids=str)
def test_a_replica_is_its_single_run_and_every_backend_gives_the_same(rule, settings, backend):
    settings = {"hidden": (5, 4, 5)} | settings
    many = stepped(backend, rule, **settings)
    for r, seed in enumerate((0, 1)):
        close({name: p[r] for name, p in many.items()}, stepped(backend, rule, (seed,), **settings))
    close(many, stepped("numpy", rule, **settings))


@pytest.mark.parametrize("rule", [TP(), DTP(), DNI(width=3)], ids=str)
def test_dropout_masks_what_is_sent_and_what_comes_back(rule, backend):
    """Targets and models are of what a layer sends, and delta has the mask once more, as backpropagation's has."""
    settings = {"hidden": (9, 8, 7), "dropout": 0.4, "optimizer": "sgd", "lr": 1.0, "backend": backend}
    made = trainer(rule=rule.name, rule_options=vars(rule) | {"rate": 1.0}, **settings)
    P, names = values(bumped(made.net)), ["tanh"] * 3
    made.step()
    (step,) = made._steps.values()
    x, mask = host(made.net, step.x)[0], {k: host(made.net, step.p.mask[0, step.p.sizes.rows(k)]) for k in (1, 2, 3)}
    assert all((m == 0).any() for m in mask.values())
    y = host(made.net, step.p.y)[0]
    a, _, s = forward(P, x, names, mask)
    e = softmax_error(a[4], y.argmax(0))
    if isinstance(rule, DNI):
        dLds = {k: predicted(P, k, s[k], y) for k in (1, 2, 3)}
        u = np.maximum(P["A3"] @ s[3] + P["C3"] @ y + P["c3"][:, None], 0)
        extra, miss = "A3", P["U3"].T @ (dLds[3] - P["W4"].T @ e) * (u > 0) @ s[3].T
    else:
        t = {3: s[3] - rule.eta_hat * P["W4"].T @ e}
        for k in (3, 2):
            reached = np.tanh(P[f"V{k}"] @ s[k] + P[f"c{k}"][:, None])
            t[k - 1] = np.tanh(P[f"V{k}"] @ t[k] + P[f"c{k}"][:, None])
            t[k - 1] += s[k - 1] - reached if isinstance(rule, DTP) else 0
        dLds = {k: (s[k] - t[k]) / rule.eta_hat for k in (1, 2, 3)}
        noisy = s[2] + noise(s[2].shape, 3, rule.noise)
        response = np.tanh(P["W3"] @ noisy + P["b3"][:, None])
        back = np.tanh(P["V3"] @ response + P["c3"][:, None])
        extra, miss = "V3", (back - noisy) * (1 - back**2) @ response.T
    for k in (1, 2, 3):
        expected = dLds[k] * slope("tanh", a[k]) * mask[k]
        np.testing.assert_allclose(host(made.net, step.p.delta[k])[0], expected, rtol=1e-11, atol=1e-13)
    np.testing.assert_allclose(P[extra] - values(made.net)[extra], 2 * miss / 8, rtol=1e-11, atol=1e-13)


@pytest.mark.parametrize("rule", [TP(), DTP(), DNI(), DNI(width=5)], ids=str)
def test_resume_is_bit_for_bit(tmp_path, rule):
    settings = gpufa.Config(
        **{"rule": rule.name, "rule_options": vars(rule), "hidden": (5, 4, 5), "batch_size": 8, "seeds": (0, 1)},
        **{"dtype": "float64", "backend": "numpy", "epochs": 2, "dropout": 0.2},
    )
    whole = gpufa.train(settings, DATA)
    gpufa.train(dataclasses.replace(settings, epochs=1, out=str(tmp_path)), DATA)
    resumed = gpufa.resume(tmp_path, epochs=2, data=DATA)
    for name, p in whole.network.parameters.items():
        np.testing.assert_array_equal(resumed.network.parameters[name], p, err_msg=name)


@pytest.mark.parametrize("rule", ["tp", "dtp", "dni"])
def test_hidden_layers_learn_the_digits(rule):
    """Narrow layers: kept as they were drawn they leave more than a fifth of the digits wrong."""
    run = gpufa.train(gpufa.Config(rule=rule, hidden=(16, 16), seeds=(0,), backend="numpy"))
    assert run.history.epochs["test_error"][-1, 0] < 8


@pytest.mark.parametrize("rule", EVERY, ids=str)
def test_angles_are_measured_and_change_nothing(rule):
    net = lab(rule)
    before, batch = values(net), samples(SIZES)
    angles = net.alignment(*batch)
    assert np.isfinite(angles["per_sample"]).all()
    assert np.isfinite(angles["gradient"]).all()
    close(values(net), before, 0)


@pytest.mark.parametrize(
    ("rule", "options", "text"),
    [
        ("tp", {"eta_hat": 0}, "step to the first target 0 can't be used; set rule.eta_hat to a number above 0"),
        ("dtp", {"noise": -1.0}, "noise -1.0 can't be used; set rule.noise to a number above 0"),
        ("dtp", {"rate": "fast"}, "rate of the inverses 'fast' can't be used; set rule.rate to a number above 0"),
        ("dni", {"conditional": 1}, "conditional = 1 can't be used; set rule.conditional to true or false"),
        ("dni", {"width": -3}, "width of M -3 can't be used; set rule.width to a whole number of at least 0"),
        ("dni", {"rate": 0.0}, "rate of M 0.0 can't be used; set rule.rate to a number above 0"),
    ],
)
def test_bad_options_are_refused(rule, options, text):
    with pytest.raises(gpufa.InvalidValue) as error:
        make_rule(rule, options)
    assert text in str(error.value)
