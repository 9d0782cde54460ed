"""Residual nets and stochastic depth: the true gradient over skip connections, and whole layers dropped."""

import numpy as np
import pytest
from rulelab import close, host, network, put, samples, trainer, values

import gpufa
from gpufa.rules.direct.topology import Topology

SIZES = [5, 6, 6, 6, 4, 4, 3]
BATCH = samples(SIZES)


def test_the_forward_pass_adds_what_the_layer_below_sent(backend):
    net = network(SIZES, "bp", backend=backend, residual=True)
    W, sent = values(net), BATCH[0].T
    for k in range(1, 6):
        h = np.tanh(W[f"W{k}"] @ sent + W[f"b{k}"][:, None])
        sent = h + sent if k in (2, 3, 5) else h
    a = W["W6"] @ sent + W["b6"][:, None]
    expected = np.exp(a) / np.exp(a).sum(0)
    np.testing.assert_allclose(net.predict(BATCH[0]), expected.T, rtol=1e-12)


def test_bp_is_the_gradient_over_skip_connections(backend):
    net = network(SIZES, "bp", "gelu", backend=backend, residual=True)
    found = net.gradients(*BATCH)
    direction = {name: np.random.default_rng(2).normal(size=p.shape) for name, p in values(net).items()}
    start, step, losses = values(net), 1e-5, []
    for sign in (1, -1):
        for name, p in net.parameters.items():
            put(net, p, start[name] + sign * step * direction[name])
        losses.append(net.loss(*BATCH))
    slope = sum((found[name] * direction[name]).sum() for name in found)
    np.testing.assert_allclose(slope, (losses[0] - losses[1]) / (2 * step), rtol=1e-8)


def test_fa_with_transposed_weights_is_bp_and_dfa_sends_straight_to_every_layer(backend):
    bp, fa, dfa = (network(SIZES, rule, backend=backend, residual=True) for rule in ("bp", "fa", "dfa"))
    for k in fa.sizes.hidden:
        put(fa, fa.feedback[f"B{k}"], values(fa)[f"W{k + 1}"].T)
    close(fa.gradients(*BATCH), bp.gradients(*BATCH), 1e-13)
    p = dfa._error(*BATCH)
    dfa.rule.deltas(p, p.e)
    e = host(dfa, p.e)[0]
    for k in dfa.sizes.hidden:
        expected = host(dfa, dfa.feedback[f"B{k}"]) @ e * (1 - host(dfa, p.h[k])[0] ** 2)
        np.testing.assert_allclose(host(dfa, p.delta[k])[0], expected, rtol=1e-12, atol=1e-15)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("dropout", [0.0, 0.3])
def test_dropped_layers_pass_on_what_they_got_and_learn_nothing(dropout, backend):
    settings = {"rule": "bp", "hidden": (6, 6, 6), "residual": True, "depth_drop": 0.5, "dropout": dropout}
    run, seen = trainer(**settings, seeds=(0, 1), optimizer="sgd", backend=backend), set()
    for _ in range(5):
        before = values(run.net)
        run.step()
        after, p = values(run.net), run._steps[8].p
        mask, sent, h = host(run.net, p.mask), [None, *(host(run.net, p.sent[k]) for k in (1, 2, 3))], p.h
        for r in (0, 1):
            for k in (2, 3):
                rows = mask[r, p.sizes.rows(k)]
                dropped = not rows.any()
                seen.add((k, dropped))
                assert dropped or dropout or (rows == 2).all()
                np.testing.assert_allclose(sent[k][r], rows * host(run.net, h[k])[r] + sent[k - 1][r], rtol=1e-12)
                assert np.array_equal(before[f"W{k}"][r], after[f"W{k}"][r]) == dropped
    assert seen == {(2, True), (2, False), (3, True), (3, False)}


@pytest.mark.parametrize("rule", ["bp", "fa", "dfa", "kp", "usf"])
def test_both_backends_and_single_runs_agree(rule, backend):
    settings = {"rule": rule, "hidden": (5, 5, 5), "residual": True, "depth_drop": 0.3, "dropout": 0.2}

    def trained(backend, seeds):
        run = trainer(**settings, seeds=seeds, backend=backend)
        for _ in range(5):
            run.step()
        return values(run.net)

    both = trained("numpy", (0, 1))
    if backend == "cupy":
        close(trained("cupy", (0, 1)), both)
    else:
        close({name: p[1] for name, p in both.items()}, trained("numpy", (1,)))


def test_a_deep_residual_net_is_saved_and_trains(tmp_path):
    config = gpufa.Config(rule="dfa", hidden=(16,) * 12, residual=True, depth_drop=0.2, epochs=8, seeds=(0,),
                          out=str(tmp_path / "run"), backend="numpy")  # fmt: skip
    run = gpufa.train(config)
    assert run.summary["test_error"][0] < 20
    again, x = gpufa.load(tmp_path / "run"), gpufa.load_data("digits").x_test
    assert again.residual == tuple(range(2, 13))
    np.testing.assert_array_equal(again.predict(x), run.network.predict(x))


@pytest.mark.parametrize(
    ("settings", "text"),
    [
        ({"hidden": (5, 4), "residual": True}, "no hidden layer of [6, 5, 4, 3] is as wide as the one below"),
        (
            {"depth_drop": 0.2},
            "depth_drop drops residual layers, and the net has none of one dense layer; add --residual",
        ),
        ({"residual": 1}, "residual = 1 can't be used; expected true or false"),
    ],
)
def test_what_does_not_fit_is_refused(settings, text):
    with pytest.raises(gpufa.InvalidValue) as error:
        trainer(**settings)
    assert text in str(error.value)


def test_one_layer_of_backprop_is_no_measure_here():
    angles = network(SIZES, "fa", residual=True).alignment(*BATCH)
    assert np.isnan(angles["local"]).all()
    assert np.isfinite(angles["per_sample"]).all()


def test_a_topology_of_several_sources_is_refused():
    with pytest.raises(gpufa.InvalidValue, match="skip connections go with one source a layer"):
        gpufa.Network(SIZES, rule=Topology(sources=[[2, 6], 3, 4, 5, 6]), residual=True, backend="numpy")
