"""The output layer's regression: the closed form, however its sums are streamed."""

import numpy as np
import pytest
from oneshotlab import an_epoch, regression, rng
from rulelab import DATA, close, host, trainer, values

import gpufa
from gpufa.rules.one_shot.regression import solve


def activity(net, x, r=None):
    """The last hidden layer, (N, n), of one replica."""
    p = {name: host(net, a) if r is None else host(net, a)[r] for name, a in net.parameters.items()}
    f, h = net.activations[0].value if net.activations else None, x
    for k in net.sizes.hidden:
        a = h @ p[f"W{k}"].T + p[f"b{k}"]
        h = np.empty_like(a)
        f(a, h)
    return h


def output(net, r=None):
    """[W_L b_L], (n_L, n + 1), of one replica."""
    W, b = (host(net, net.parameters[f"{kind}{net.sizes.L}"]) for kind in "Wb")
    return np.column_stack([W, b] if r is None else [W[r], b[r]])


# --- the output layer's regression


@pytest.mark.parametrize("hidden", [(12,), (9, 8), ()])
def test_elm_without_ridge_leaves_a_residual_orthogonal_to_the_activity(hidden, backend):
    data = regression()
    made = trainer(data, rule="elm", rule_options={"ridge": 0.0}, hidden=hidden, backend=backend, batch_size=7)
    before = values(made.net)
    an_epoch(made)
    H = np.column_stack([activity(made.net, data.x_train), np.ones(40)])
    residual = H @ output(made.net).T - data.y_train
    assert np.abs(residual).max() > 1e-3
    np.testing.assert_allclose(H.T @ residual, 0, atol=1e-10)
    np.testing.assert_allclose(output(made.net).T, np.linalg.lstsq(H, data.y_train, rcond=None)[0], atol=1e-10)
    after = values(made.net)
    for k in made.net.sizes.hidden:
        close(after, before, 0, (f"W{k}", f"b{k}"))


def test_elm_interpolates_with_as_many_units_as_samples():
    for n in (40, 90):
        data = regression()
        made = trainer(data, rule="elm", rule_options={"ridge": 0.0}, hidden=(n,), activation="tanh")
        an_epoch(made)
        np.testing.assert_allclose(made.net.predict(data.x_train), data.y_train, atol=1e-7)
        H = np.column_stack([activity(made.net, data.x_train), np.ones(40)])
        np.testing.assert_allclose(output(made.net).T, np.linalg.pinv(H) @ data.y_train, atol=1e-5)


@pytest.mark.parametrize("batch_size", [1, 7, 40, 1000])
def test_streaming_is_the_closed_form_with_any_batch_size(batch_size, backend):
    """Ridge on the weights and none on the bias is ridge on centred activity and targets."""
    data, ridge = regression(), 0.3
    made = trainer(
        data, rule="elm", rule_options={"ridge": ridge}, backend=backend, batch_size=batch_size, seeds=(3, 5)
    )
    an_epoch(made)
    assert not host(made.net, made.net.state["sums"]).any()
    for r in (0, 1):
        H, T = activity(made.net, data.x_train, r), data.y_train
        Hc, Tc = H - H.mean(axis=0), T - T.mean(axis=0)
        W = np.linalg.solve(Hc.T @ Hc + ridge * np.eye(H.shape[1]), Hc.T @ Tc).T
        expected = np.column_stack([W, T.mean(axis=0) - W @ H.mean(axis=0)])
        np.testing.assert_allclose(output(made.net, r), expected, rtol=1e-10, atol=1e-10)
    assert np.abs(output(made.net, 0) - output(made.net, 1)).max() > 1e-3


def test_labels_are_one_hot_targets():
    made = trainer(rule="elm", rule_options={"ridge": 0.5})
    an_epoch(made)
    H, T = activity(made.net, DATA.x_train), np.eye(3)[DATA.y_train]
    expected = solve(*(np.column_stack([H, np.ones(40)]).T @ B for B in (np.column_stack([H, np.ones(40)]), T)), 0.5)
    np.testing.assert_allclose(output(made.net).T, expected, rtol=1e-10, atol=1e-10)


def test_a_float32_net_has_its_sums_in_float64():
    """More units than samples and little ridge: sums in float32 would give other weights."""
    data = regression(inputs=3)
    made = trainer(data, dtype="float32", rule="elm", hidden=(60,), rule_options={"ridge": 1e-5})
    an_epoch(made)
    assert made.net.state["sums"].dtype == np.float64
    assert made.net.parameters["W2"].dtype == np.float32
    H = np.column_stack([activity(made.net, data.x_train.astype(np.float32)), np.ones(40)]).astype(float)
    expected = solve(H.T @ H, H.T @ data.y_train, 1e-5).T
    np.testing.assert_allclose(output(made.net), expected, atol=1e-3)
    in_float32 = solve(*((H.astype(np.float32).T @ B.astype(np.float32)) for B in (H, data.y_train)), 1e-5).T
    assert np.abs(in_float32 - expected).max() > 1e-2


def test_a_ridge_lost_to_rounding_is_the_pseudo_inverse():
    H = rng.normal(size=(4, 7))
    H = np.vstack([H, H])
    found = solve(H.T @ H, H.T @ np.ones((8, 1)), 1e-300)
    np.testing.assert_allclose(H @ found, 1, atol=1e-10)
    np.testing.assert_allclose(found, np.linalg.pinv(H) @ np.ones((8, 1)), atol=1e-10)


def test_a_diverged_replica_keeps_its_weights_and_the_others_are_solved():
    made = trainer(rule="elm", seeds=(0, 1))
    before = output(made.net, 1)
    while made.progress.batch < made.batches.per_epoch:
        made.step()
    made.net.state["sums"][1, 0, 0] = np.nan
    made.rule.after_epoch(made.net.pass_for(3), made.progress.active)
    np.testing.assert_array_equal(output(made.net, 1), before)
    solved = output(made.net, 0)
    made.rule.after_epoch(made.net.pass_for(3), made.progress.active)  # nothing was summed up since
    np.testing.assert_array_equal(output(made.net, 0), solved)


def test_hidden_biases_are_random_and_drawn_by_seed(backend):
    made = trainer(rule="elm", rule_options={"bias": 2.0}, hidden=(400, 300), seeds=(0, 1), backend=backend)
    for k, fan_in in ((1, 6), (2, 400)):
        b = host(made.net, made.net.parameters[f"b{k}"])
        assert 0.9 * 2 / fan_in**0.5 < np.abs(b).max() <= 2 / fan_in**0.5
        assert abs(np.corrcoef(b)[0, 1]) < 0.3
    first = values(made.net)
    made.rule.prepare(made.net, made.train[0], made.train[1])  # as a run that is resumed at step 0 does
    close(values(made.net), first, 0)


# --- all three


def test_a_stopped_net_keeps_its_output_layer():
    made = trainer(rule="elm", seeds=(0, 1))
    made.step()
    before = values(made.net)["W3"]
    made.rule.after_epoch(made.net.pass_for(3), np.array([True, False]))
    after = values(made.net)["W3"]
    assert not np.array_equal(after[0], before[0])
    np.testing.assert_array_equal(after[1], before[1])


def test_what_is_solved_for_can_not_be_frozen():
    with pytest.raises(gpufa.InvalidValue, match="rule 'elm' solves for weights in place of training; leave --freeze"):
        trainer(rule="elm", freeze=(3,))
