"""The forward-forward algorithm: each layer's own loss, labels right and wrong, and what it predicts by."""

import numpy as np
import pytest
from forwardlab import FUNCTIONS, SIZES, f, softmax
from rulelab import close, host, network, put, samples, trainer, values

import gpufa
from gpufa.rules.forward_only.forward_forward import ForwardForward

LABELS = ["replace", "append"]
rng = np.random.default_rng(5)


def goodness(net, x, labels, masks=None, names=FUNCTIONS):
    """(inputs of layer k, h_k, f'_k, G_k) by layer of the paper's net with these labels, by plain NumPy."""
    w, rule = values(net), net.rule
    hot = rule.strength * np.eye(net.sizes.outputs)[labels]
    h = np.hstack([hot, x if rule.label == "append" else x[:, net.sizes.outputs :]])
    found = []
    for k in net.sizes.hidden:
        length = np.sqrt(np.mean(h**2, axis=1, keepdims=True))
        given = h / np.where(length == 0, 1, length)
        W = np.hstack([w["V1"], w["W1"]]) if k == 1 and rule.label == "append" else w[f"W{k}"]
        h, slope = f(names[k - 1], given @ W.T + w[f"b{k}"])
        if masks is not None:
            h, slope = h * masks[k], slope * masks[k]
        found.append((given, h, slope, (h**2).sum(axis=1)))
    return found


def wrong_labels(net, m):
    return host(net, net.pass_for(m).array("wrong label", net.sizes.outputs, m))[0].argmax(0)


def ff_loss(net, x, right, wrong, k):
    """Layer k's own loss."""
    theta = net.rule.threshold * net.sizes[k]
    plus, minus = (goodness(net, x, labels)[k - 1][3] for labels in (right, wrong))
    return np.mean(np.logaddexp(0, theta - plus) + np.logaddexp(0, minus - theta))


def ff_net(label="replace", backend="numpy", names=FUNCTIONS, **options):
    """Thresholds at which no logistic is saturated."""
    options = {"label": label, "strength": 1.5, "threshold": 0.3} | options
    return network(SIZES, ForwardForward(**options), names, backend=backend)


# Forward-forward


@pytest.mark.parametrize("label", LABELS)
def test_forward_forward_descends_each_layers_own_loss(label, backend):
    net = ff_net(label, backend)
    x, y = samples(SIZES)
    found, wrong = net.gradients(x, y), wrong_labels(net, 9)
    assert (wrong != y).all()
    for name, p in net.parameters.items():
        numeric, p = np.zeros(p.shape), net.parameters[name]
        if name not in ("W4", "b4"):
            start, step = host(net, p), 1e-5
            for at in np.ndindex(p.shape):
                sides = []
                for moved in (step, -step):
                    changed = start.copy()
                    changed[at] += moved
                    put(net, p, changed)
                    sides.append(ff_loss(net, x, y, wrong, int(name[1:])))
                numeric[at] = (sides[0] - sides[1]) / (2 * step)
            put(net, p, start)
            assert np.abs(numeric).max() > 1e-3
        np.testing.assert_allclose(found[name], numeric, rtol=1e-6, atol=1e-9, err_msg=name)


@pytest.mark.parametrize("label", LABELS)
def test_forward_forward_against_loops(label, backend):
    net = ff_net(label, backend)
    x, y = samples(SIZES)
    found, wrong = net.gradients(x, y), wrong_labels(net, 9)
    expected = {name: np.zeros(p.shape) for name, p in net.parameters.items()}
    for labels, sign in ((y, 1), (wrong, -1)):
        for k, (given, h, slope, G) in enumerate(goodness(net, x, labels), start=1):
            share = 1 / (1 + np.exp(-sign * (net.rule.threshold * net.sizes[k] - G)))
            assert 0.02 < np.median(share) < 0.98
            for i in range(9):
                delta = -sign * share[i] * 2 * h[i] * slope[i] / 9
                dW = np.outer(delta, given[i])
                if k == 1 and label == "append":
                    expected["V1"] += dW[:, :3]
                    dW = dW[:, 3:]
                expected[f"W{k}"] += dW
                expected[f"b{k}"] += delta
    close(found, expected, 1e-12)


@pytest.mark.parametrize("label", LABELS)
@pytest.mark.parametrize("counted", ["all", "upper"])
def test_forward_forward_predicts_by_the_goodness_of_each_label(label, counted, backend):
    names = ["softplus", "tanh", "gelu"]  # no layer is silent, so that no two labels tie
    net = ff_net(label, backend, names, counted=counted)
    x, y = samples(SIZES)
    layers = [1, 2, 3] if counted == "all" else [2, 3]
    a = np.empty((9, 3))
    for c in range(3):
        parts = goodness(net, x, np.full(9, c), names=names)
        a[:, c] = np.mean([parts[k - 1][3] - 0.3 * net.sizes[k] for k in layers], axis=0)
    np.testing.assert_allclose(net.predict(x), [softmax(row) for row in a], rtol=1e-12)
    np.testing.assert_allclose(net.evaluate(x, y)["error"], 100 * np.mean(a.argmax(1) != y), rtol=1e-12)


def test_one_hidden_layer_predicts_by_itself():
    found = []
    for counted in ("all", "upper"):
        net = network([6, 5, 3], ForwardForward(counted=counted))
        found.append(net.predict(np.ones((2, 6))))
    np.testing.assert_array_equal(*found)


def test_a_layer_does_not_see_the_scale_of_its_input(backend):
    x, y = samples(SIZES)
    net = ff_net(backend=backend, names=["relu"] * 3)
    start, before = values(net), net.gradients(x, y)
    for factor in (1e-6, 1e3):
        for name in ("W1", "b1"):
            put(net, net.parameters[name], factor * start[name])
        close(net.gradients(x, y), before, 1e-10, ["W2", "b2", "W3", "b3"])
    small, large = (ff_net("append", backend, strength=s) for s in (1.5, 1500.0))
    close(large.gradients(1000 * x, y), small.gradients(x, y), 1e-10)


def test_a_layer_does_not_see_the_layers_above():
    x, y = samples(SIZES)
    net = ff_net()
    before = net.gradients(x, y)
    for k in (3, 2):
        net.parameters[f"W{k}"][...] = rng.normal(size=net.parameters[f"W{k}"].shape)
        after = net.gradients(x, y)
        below = [f"{kind}{j}" for kind in "Wb" for j in range(1, k)]
        close(after, before, 0, below)
        assert np.abs(after[f"W{k}"] - before[f"W{k}"]).max() > 1e-3


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_silent_layer_divides_nothing_by_zero(dtype):
    net = gpufa.Network(SIZES, rule="forward_forward", dtype=dtype, backend="numpy")
    net.parameters["b1"][...] = -1e3
    x, y = samples(SIZES)
    with np.errstate(all="raise"):
        found = net.gradients(x, y)
        assert np.isfinite(net.predict(x)).all()
    assert all(np.isfinite(g).all() for g in found.values())
    assert not found["W2"].any()


def test_the_label_replaces_the_first_inputs_or_stands_beside_all_of_them():
    x, _ = samples(SIZES)
    changed = x.copy()
    changed[:, :3] += 1
    for label, same in (("replace", True), ("append", False)):
        net = ff_net(label)
        assert np.array_equal(net.predict(x), net.predict(changed)) == same
        assert ("V1" in net.parameters) != same
    narrow = gpufa.Network([2, 4, 3], rule=ForwardForward(label="append"), backend="numpy")
    assert narrow.parameters["V1"].shape == (4, 3)


WIDE = gpufa.Data(rng.normal(size=(6000, 8)), np.arange(6000) % 5, rng.normal(size=(5, 8)), np.arange(5))


def drawn(backend, seeds=(0,), steps=1):
    """(right, wrong) labels of the last step's batch, (R, m)."""
    settings = {"rule": "forward_forward", "seeds": seeds, "backend": backend}
    made = trainer(WIDE, hidden=(4,), batch_size=3000, **settings)
    for _ in range(steps):
        made.step()
    p = made._steps[3000].p
    shown = host(made.net, p.layers("wrong")[0])[:, :5].argmax(1)
    wrong = host(made.net, made.rule.wrong_label(p))
    np.testing.assert_array_equal(wrong.sum(axis=1), 1)
    assert set(np.unique(wrong)) == {0, 1}
    np.testing.assert_array_equal(wrong.argmax(1), shown)
    return host(made.net, p.y).argmax(1), shown


def test_wrong_labels_are_wrong_and_all_alike_likely(backend):
    right, wrong = drawn(backend, seeds=(0, 1))
    assert (right != wrong).all()
    for r in (0, 1):
        counts = np.array([[np.sum((right[r] == i) & (wrong[r] == j)) for j in range(5)] for i in range(5)])
        off = counts[~np.eye(5, dtype=bool)]
        expected = np.bincount(right[r])[:, None].repeat(4, 1).ravel() / 4
        assert np.sum((off - expected) ** 2 / expected) < 37.7  # chi squared of 15 degrees of freedom, 0.1 %
    ahead = (wrong - right) % 5
    assert 0.2 < np.mean(ahead[0] == ahead[1]) < 0.3  # seeds draw apart
    np.testing.assert_array_equal(drawn(backend, seeds=(0, 1))[1], wrong)
    later = drawn(backend, seeds=(0, 1), steps=2)
    assert 0.2 < np.mean((later[1] - later[0]) % 5 == ahead) < 0.3


@pytest.mark.parametrize("label", LABELS)
def test_a_training_pass_scores_the_two_labels_it_tries(label, backend):
    made = trainer(rule="forward_forward", rule_options={"label": label}, dropout=0.3, backend=backend)
    net, rows = made.net, np.arange(8)
    for _ in range(3):
        before = values(net)
        made.step()
        p, after = made._steps[8].p, values(net)
        a, y, x = host(net, p.a[3])[0].T, host(net, p.y)[0].argmax(0), host(net, p.h[0])[0].T
        wrong = host(net, made.rule.wrong_label(p))[0].argmax(0)
        masks = {k: host(net, p.mask)[0, p.sizes.rows(k)].T for k in (1, 2)}
        for name in before:
            put(net, net.parameters[name], before[name])
        expected = np.full((8, 3), -4.5)  # of 5 and 4 units
        for labels in (y, wrong):
            parts = goodness(net, x, labels, masks, ["relu", "relu"])
            expected[rows, labels] += np.mean([part[3] for part in parts], axis=0)
        np.testing.assert_allclose(a, expected, rtol=1e-12)
        for name in after:
            put(net, net.parameters[name], after[name])


def test_the_output_weights_of_forward_forward_stay_as_they_are(backend):
    made = trainer(rule="forward_forward", backend=backend)
    before = values(made.net)
    for _ in range(3):
        made.step()
    close(values(made.net), before, 0, ["W3", "b3"])
    assert np.abs(values(made.net)["W1"] - before["W1"]).max() > 1e-4


# Both


@pytest.mark.parametrize(
    ("sizes", "text"),
    [
        ([6, 3], "trains hidden layers only, and the net has none; give --hidden 256"),
        ([6, 5, 1], "needs a wrong label to each right one"),
        ([3, 5, 3], "3 labels would overwrite all 3 inputs; add --set rule.label=append"),
    ],
)
def test_nets_that_forward_forward_cannot_train_are_refused(sizes, text):
    with pytest.raises(gpufa.InvalidValue, match=text):
        gpufa.Network(sizes, rule="forward_forward", backend="numpy")


def test_forward_forward_refuses_real_targets():
    y = np.arange(30).reshape(10, 3) / 7
    data = gpufa.Data(np.ones((8, 6)), y[:8], np.ones((2, 6)), y[8:])
    with pytest.raises(gpufa.InvalidValue, match="learns labels, not real targets; give whole numbers from 0 on"):
        gpufa.train(gpufa.Config(rule="forward_forward", hidden=(4,), backend="numpy"), data)


def test_a_sample_that_is_well_told_apart_still_teaches_forward_forward_in_float32():
    """1 + tanh, the same in exact numbers, would be 0 from 17 above the threshold on."""
    net = gpufa.Network([4, 3, 2], rule="forward_forward", backend="numpy")
    p, z = net.pass_for(5), np.array([-50.0, 0, 30, 60, 1000])
    for layers in (p.h, p.sent):
        layers.slab[...] = 1
    for sign in (1.0, -1.0):
        out, G = np.empty((1, 3, 5), "float32"), (3 + sign * z).astype("float32")[None, None]
        net.rule.judge(p, 1, G, sign, out)
        np.testing.assert_allclose(out[0, 0], -2 * sign / (1 + np.exp(np.minimum(z, 80))), rtol=1e-5)
