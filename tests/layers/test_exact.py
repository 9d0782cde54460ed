"""Blocks of layers are exact: against loops in NumPy, differences of the loss, and the same net in the fused path."""

import numpy as np
import pytest
from layerlab import DEEP, LEARNING, by_replica, layered, slow_gradients
from ownlab import LAYERED, MIXED, RESIDUAL
from rulelab import close, host, network, put, samples, values

import gpufa
from gpufa.net.batch.layered import LayeredBlock

STILL = [word.replace("dropout 0.3, ", "").replace("dropout 0.25, ", "").replace(", dropout 0.5", "") for word in DEEP]
EVERY = [f"residual(dense 4 {f}, dense 5), {f}" for f in LEARNING]  # a block for each activation that has a derivative
BATCH = samples([5, 3])


def direct(net):
    return {k: host(net, net.fixed[f"B{k}"]) for k in net.sizes.hidden}


def random_feedback(net):
    """The arrays that stand in for the transposes, by matrix, under normal-like values that are no small ones."""
    draw, found = np.random.default_rng(3), {}
    for k in net.sizes.every:
        for name, (B, shape) in net.sizes.carriers[k].items():
            array = draw.normal(size=shape)
            put(net, (net.fixed if B in net.fixed.matrices else net.parameters)[B], array)
            found[name] = array[None]
    return found


def transposed(net):
    """Let every stand-in be what it stands in for."""
    for k in net.sizes.every:
        for name, (B, _) in net.sizes.carriers[k].items():
            put(net, (net.feedback if B in net.feedback else net.parameters)[B], values(net)[name].T)


def layers_alone(monkeypatch):
    """Let every hidden block be made of its layers, those of one dense layer too."""
    from gpufa.net.shape import layout

    def none(self, k):
        return None if k < self.L else self.blocks[k - 1].one_dense

    monkeypatch.setattr(layout.Layout, "one_dense", none)


@pytest.mark.parametrize("f", LEARNING)
def test_bp_is_the_slow_reference_for_every_activation(f, backend):
    words = ["input 5", f"residual({f}, dense 4 {f}, dense 5), {f}, dense 6", f"residual({f}, dense 4 {f}, dense 6)"]
    net = network([*words, f"{f}, dense 4 {f}", "dense 3"], "bp", backend=backend)
    found = net.gradients(*BATCH)
    close(found, slow_gradients(net, net.pass_for(9), by_replica(net)), 1e-12)


@pytest.mark.parametrize("rule", ["bp", "fa", "dfa"])
@pytest.mark.parametrize("words", [RESIDUAL, LAYERED, MIXED], ids=["residual", "layered", "mixed"])
def test_blocks_of_all_kinds_go_with_each_other(rule, words, backend):
    net = network(words, rule, backend=backend)
    carriers = random_feedback(net) if rule == "fa" else None
    found = net.gradients(*BATCH)
    straight = direct(net) if rule == "dfa" else None
    close(found, slow_gradients(net, net.pass_for(9), by_replica(net), 0, carriers, straight), 1e-12)


@pytest.mark.parametrize("f", [f for f in LEARNING if f not in ("relu", "leaky_relu", "hard_tanh", "hard_logistic")])
def test_bp_is_the_slope_of_the_loss(f, backend):
    words = ["input 5", f"residual({f}, dense 4 {f}, residual(dense 4 {f}), dense 5)", f"dense 4, {f}, {f}", "dense 3"]
    net = network(words, "bp", backend=backend)
    found, start, step, losses = net.gradients(*BATCH), values(net), 1e-5, []
    direction = {name: np.random.default_rng(2).normal(size=p.shape) for name, p in start.items()}
    for sign in (1, -1):
        for name, p in net.parameters.items():
            put(net, p, start[name] + sign * step * direction[name])
        losses.append(net.loss(*BATCH))
    slope = sum((found[name] * direction[name]).sum() for name in found)
    np.testing.assert_allclose(slope, (losses[0] - losses[1]) / (2 * step), rtol=1e-8)


def test_bp_is_the_slope_of_the_loss_at_the_inputs(backend):
    net, step = network(STILL, "bp", backend=backend), 1e-6
    x, y = BATCH
    p = net._error(x, y)
    net.rule.deltas(p, p.e)
    found = p.backend.zeros((1, 9, 5), "float64")
    p.input_gradient(out=found)
    found = host(net, found)[0]
    for i in range(5):
        moved = np.eye(5)[i] * step
        slope = (net.loss(x + moved, y) - net.loss(x - moved, y)) / (2 * step)
        np.testing.assert_allclose(found[:, i].mean(), slope, rtol=1e-6, atol=1e-10)


@pytest.mark.parametrize("rule", ["bp", "fa", "kp", "dfa"])
@pytest.mark.parametrize("seeds", [None, (0, 1)])
def test_a_step_of_training_is_the_slow_reference_with_dropout_within(rule, seeds, backend):
    settings = {"rule": rule, "optimizer": "sgd", "lr": 0.5, "weight_decay": 0.0, "backend": backend}
    run = layered(DEEP[1:-1], seeds=seeds or (0,), **settings)
    net = run.net
    carriers = {}
    for k in net.sizes.every:
        for name, (B, _) in net.sizes.carriers[k].items():
            array = net.fixed[B] if rule == "fa" else net.arena[B] if rule == "kp" else None
            carriers |= {} if array is None else {name: host(net, array)}
    for _ in range(3):
        before = by_replica(net)
        carriers = {n: before[net.sizes.carriers[int(n[1])][n][0]] for n in carriers} if rule == "kp" else carriers
        run.step()
        after, p = by_replica(net), run._steps[8].p
        for r in range(len(seeds or (0,))):
            expected = slow_gradients(net, p, before, r, carriers, direct(net) if rule == "dfa" else None)
            found = {name: (before[name][r] - after[name][r]) / 0.5 for name in expected}
            close(found, expected, 1e-12)


@pytest.mark.parametrize("rule", ["bp", "fa", "dfa", "kp", "usf"])
@pytest.mark.parametrize(
    "words", [["dense 6 tanh", "dense 6 gelu"], ["dense 6 relu", "residual(dense 6 silu)", "dense 4 elu"]]
)
def test_layers_one_by_one_are_the_fused_block(rule, words, backend, monkeypatch):
    words = ["input 5", *words, "dense 3"]
    fused = network(words, rule, backend=backend)
    assert not fused.sizes.layered
    expected, predicted = fused.gradients(*BATCH), fused.predict(BATCH[0])
    layers_alone(monkeypatch)
    net = network(words, rule, backend=backend)
    assert net.sizes.layered == tuple(net.sizes.hidden)
    assert all(isinstance(net.pass_for(9).blocks[k], LayeredBlock) for k in net.sizes.hidden)
    np.testing.assert_allclose(net.predict(BATCH[0]), predicted, rtol=1e-13)
    close(net.gradients(*BATCH), expected, 1e-13)


def test_the_two_ways_train_alike(backend, monkeypatch):
    def trained():
        run = layered(("dense 6 tanh", "residual(dense 6 gelu)"), rule="fa", optimizer="momentum", seeds=(0, 1),
                      backend=backend)  # fmt: skip
        for _ in range(5):
            run.step()
        return values(run.net)

    fused = trained()
    layers_alone(monkeypatch)
    close(trained(), fused, 1e-12)


@pytest.mark.parametrize("rule", ["fa", "kp"])
@pytest.mark.parametrize("words", [STILL, ["input 5", *EVERY, "dense 3"]])
def test_feedback_through_the_transposed_weights_is_bp_to_the_bit(rule, words, backend):
    bp, net = (network(words, name, backend=backend) for name in ("bp", rule))
    transposed(net)
    found = net.gradients(*BATCH)
    expected = bp.gradients(*BATCH)
    for name in expected:
        np.testing.assert_array_equal(found[name], expected[name], err_msg=name)
    random_feedback(net)
    assert not np.allclose(net.gradients(*BATCH)["W1.1"], expected["W1.1"])


@pytest.mark.parametrize("rule", ["fa", "kp"])
def test_carriers_stand_in_for_inner_weights_too(rule, backend):
    net = network(STILL, rule, backend=backend)
    carriers = random_feedback(net)
    found = net.gradients(*BATCH)
    expected = slow_gradients(net, net.pass_for(9), by_replica(net), 0, carriers)
    close(found, expected, 1e-12, names=expected)
    assert len(carriers) == 9
    for name in carriers.keys() - {"W1.1"}:  # below which nothing learns
        without = {n: B for n, B in carriers.items() if n != name}
        other = slow_gradients(net, net.pass_for(9), by_replica(net), 0, without)
        assert any(not np.allclose(other[n], expected[n]) for n in expected), name


def test_kp_teaches_every_stand_in_the_transposed_gradient(backend):
    net = network(STILL, "kp", backend=backend)
    random_feedback(net)
    found = net.gradients(*BATCH)
    for k in net.sizes.every:
        for name, (B, _) in net.sizes.carriers[k].items():
            np.testing.assert_allclose(found[B], found[name].T, rtol=1e-12, atol=1e-15)


def linear(rule, f, backend):
    words = ["input 5", f"dense 6 {f}, dense 4", f"residual(dense 5 {f}, dense 4), {f}, dense 4", "dense 3"]
    return network(words, rule, backend=backend)


@pytest.mark.parametrize(("f", "equal"), [("identity", True), ("tanh", False)])
def test_direct_feedback_through_the_exact_jacobian_is_bp_where_the_net_is_linear(f, equal, backend):
    bp, net = linear("bp", f, backend), linear("dfa", f, backend)
    W = values(net)
    block2 = W["W2.3"] @ (np.eye(4) + W["W2.2"] @ W["W2.1"])
    put(net, net.feedback["B2"], W["W3"].T)
    put(net, net.feedback["B1"], (W["W3"] @ block2).T)
    found, expected = net.gradients(*BATCH), bp.gradients(*BATCH)
    if equal:
        close(found, expected, 1e-12)
    else:
        assert max(abs(found[name] - expected[name]).max() for name in found) > 1e-3


@pytest.mark.parametrize("rule", ["dfa", "dkp", "sdfa", "drtp"])
def test_below_a_blocks_output_direct_feedback_is_local_backprop(rule, backend):
    net = network(STILL, rule, backend=backend)
    B = {k: host(net, net.arena[f"B{k}"]) for k in net.sizes.hidden} if rule == "dkp" else direct(net)
    found, p = net.gradients(*BATCH), net.pass_for(9)
    signals = [host(net, p.delta[k])[0] for k in net.sizes.hidden]
    if rule in ("dfa", "dkp"):
        expected = slow_gradients(net, p, by_replica(net), 0, None, B)
        close(found, expected, 1e-12, names=expected)
        np.testing.assert_allclose(signals[0], B[1][0] @ host(net, p.e)[0], rtol=1e-12, atol=1e-14)
    else:
        centred = host(net, p.y)[0] if rule == "drtp" else np.sign(host(net, p.e)[0])
        expected = B[1][0] @ (centred - centred.mean(0))
        np.testing.assert_allclose(signals[0], expected, rtol=1e-12, atol=1e-14)


def test_replicas_are_the_single_nets(backend):
    both = gpufa.Network(STILL, rule="fa", seeds=(3, 5), dtype="float64", backend=backend)
    found = both.gradients(*BATCH)
    for r, seed in enumerate((3, 5)):
        one = gpufa.Network(STILL, rule="fa", seed=seed, dtype="float64", backend=backend)
        close({name: g[r] for name, g in found.items()}, one.gradients(*BATCH), 1e-13)
        assert np.array_equal(host(one, one.parameters["W2.1"]), host(both, both.parameters["W2.1"])[r])
