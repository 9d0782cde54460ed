"""Layers with a loss of their own: each descends it and hears of no other."""

import numpy as np
import pytest
from locallab import SIZES, slopes
from rulelab import close, host, network, put, rng, samples, trainer, values

import gpufa
from gpufa.functions.activations import ACTIVATIONS
from gpufa.functions.losses import LOSSES


def below(net, k, backend):
    """A net trained by backpropagation that ends with layer k's head."""
    cut = network(
        [*SIZES[: k + 1], SIZES[-1]], "bp", [f.name for f in net.activations[:k]], net.output_loss.name, backend
    )
    for j in range(1, k + 1):
        for kind in "Wb":
            put(cut, cut.parameters[f"{kind}{j}"], host(net, net.parameters[f"{kind}{j}"]))
    for own, head in (("W", "H"), ("b", "c")):
        put(cut, cut.parameters[f"{own}{k + 1}"], host(net, net.parameters[f"{head}{k}"]))
    return cut


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("activation", [name for name, f in ACTIVATIONS.items() if f.learns])
def test_a_layer_descends_its_own_loss(activation, loss, backend):
    """W_k and its head have the gradients of the net that ends with that head, by true backpropagation."""
    net = network(SIZES, "layerwise", activation, loss, backend)
    for k in (1, 2):
        put(net, net.parameters[f"c{k}"], rng.normal(size=3))
    batch = samples(SIZES, loss)
    found = net.gradients(*batch)
    for k in (1, 2):
        true = below(net, k, backend).gradients(*batch)
        pairs = {f"W{k}": f"W{k}", f"b{k}": f"b{k}", f"H{k}": f"W{k + 1}", f"c{k}": f"b{k + 1}"}
        close({a: found[a] for a in pairs}, {a: true[b] for a, b in pairs.items()}, 1e-13)


@pytest.mark.parametrize("loss", LOSSES)
def test_a_local_gradient_against_finite_differences(loss):
    net = network(SIZES, "layerwise", "tanh", loss)
    batch = samples(SIZES, loss)
    found = net.gradients(*batch)
    for k in (1, 2):
        cut = below(net, k, "numpy")
        numeric = slopes(lambda cut=cut: cut.loss(*batch), cut.parameters[f"W{k}"], cut.parameters[f"b{k}"])
        for name, expected in zip((f"W{k}", f"b{k}"), numeric, strict=True):
            np.testing.assert_allclose(found[name], expected, rtol=1e-6, atol=2e-9)


def test_no_layer_hears_of_those_above(backend):
    net, batch = network(SIZES, "layerwise", backend=backend), samples(SIZES)
    first = net.gradients(*batch)
    for name in ("W2", "b2", "H2", "c2", "W3", "b3"):
        put(net, net.parameters[name], rng.normal(size=net.parameters[name].shape))
    again = net.gradients(*batch)
    close(again, first, 0, ("W1", "b1", "H1", "c1"))
    for name in ("W2", "b2", "H2", "c2", "W3", "b3"):
        assert np.abs(again[name] - first[name]).max() > 1e-3, name


def test_one_hidden_layer_whose_head_is_the_output_layer_is_bp(backend):
    sizes = [5, 6, 3]
    bp, local = (network(sizes, rule, backend=backend) for rule in ("bp", "layerwise"))
    put(local, local.parameters["H1"], host(bp, bp.parameters["W2"]))
    put(local, local.parameters["c1"], host(bp, bp.parameters["b2"]))
    batch = samples(sizes)
    found = local.gradients(*batch)
    close({n: found[n] for n in bp.parameters}, bp.gradients(*batch), 1e-14)
    close({"H1": found["H1"], "c1": found["c1"]}, {"H1": found["W2"], "c1": found["b2"]}, 1e-14)
    angles = local.alignment(*batch)
    np.testing.assert_allclose([angles["per_sample"], angles["weight"]], 0, atol=1e-5)


@pytest.mark.parametrize("dropout", [0.0, 0.4])
def test_the_head_trains_along_with_the_layer(dropout, backend):
    """From the output layer's own weights the head takes its steps, under the same dropout mask."""
    settings = {"hidden": (7,), "dropout": dropout, "optimizer": "adam", "init": "uniform", "backend": backend}
    bp, local = (trainer(rule=rule, **settings) for rule in ("bp", "layerwise"))
    put(local.net, local.net.parameters["H1"], host(bp.net, bp.net.parameters["W2"]))
    for _ in range(5):
        bp.step()
        local.step()
    found, expected = values(local.net), values(bp.net)
    close({n: found[n] for n in expected}, expected, 1e-12)
    close({"W2": found["H1"], "b2": found["c1"]}, expected, 1e-12, ("W2", "b2"))


@pytest.mark.parametrize("n", [5, 3])
def test_the_head_of_a_gru_has_a_bias_of_its_own(n):
    net = gpufa.Network(["input 2x4", f"gru {n}", "dense 3"], rule="layerwise", backend="numpy")
    assert (net.parameters["c1"].shape, net.parameters["cH1"].shape) == ((n,), (3,))
    assert "cH1" not in gpufa.Network(["input 2x4", "lstm 3", "dense 3"], rule="layerwise").parameters
    x, y = np.random.default_rng(0).normal(size=(4, 8)), np.array([0, 0, 0, 2])
    found = net.gradients(x, y)
    np.testing.assert_allclose(found["cH1"].sum(), 0, atol=1e-6)  # of softmax less a label
    assert abs(found["c1"].sum()) > 1e-6


def test_a_rule_has_no_array_that_a_layer_has():
    class Own(gpufa.rules.Layerwise):
        def parameters(self, sizes):
            return {"c1": super().parameters(sizes)["cH1"]}

    with pytest.raises(gpufa.InvalidValue, match="both have an array called c1; give the rule's another"):
        gpufa.Network(["input 2x4", "gru 3", "dense 3"], rule=Own(), backend="numpy")
