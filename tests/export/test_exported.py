"""Every kind of layer, activation, loss and rule as ONNX and PyTorch: in a table, and equal to ours at 1e-6."""

import numpy as np
import pytest
from exportlab import UNKNOWN, agree, every_format, random_net, raw
from netlab import random_words

import gpufa
from gpufa.data.samples.scaling import SCALINGS, Fit, Scaling, fit_scaling
from gpufa.data.tables.missing import Filling
from gpufa.export.forms import ACTIVATIONS, FORMS, OUTPUTS, time
from gpufa.export.steps import steps_of
from gpufa.functions import activations
from gpufa.functions.losses import LOSSES
from gpufa.layers import LAYERS, Act, Layer, Residual, block
from gpufa.rules import RULES

MAPS = (
    "conv 4 3x3",
    "conv 4 4x2 stride 2x1 dilation 2 groups 2",
    "local 3 2x3 pad 1",
    "local 4 2 groups 2 stride 2 nobias",
)


def test_every_kind_has_its_row():
    """What is added to gpufa without a form of its own fails here."""
    shipped = [kind for kind in every_kind(Layer) if kind.__module__.startswith("gpufa.layers.") and kind.word]
    assert {*LAYERS.values(), Residual} <= {*FORMS}
    assert {*shipped} <= {*FORMS}
    assert ACTIVATIONS.keys() == activations.ACTIVATIONS.keys()
    assert OUTPUTS.keys() == LOSSES.keys()


def every_kind(base):
    for kind in base.__subclasses__():
        yield kind
        yield from every_kind(kind)


@every_format
@pytest.mark.parametrize("word", [layer.example for layer in time.REFUSED])
def test_spiking_layers_are_refused_so_far(word, run):
    net = random_net(["input 3x7", f"{word}, dense 4 tanh", "dense 3"])
    with pytest.raises(gpufa.InvalidValue, match=f"layer '{word}' can't be exported so far; use gpufa itself for"):
        agree(net, raw(net), run)


@every_format
@pytest.mark.parametrize(
    "word", [layer.example for layer in LAYERS.values() if layer not in time.REFUSED and not layer.joins]
)
def test_every_word_is_what_it_is_in_ours(word, run):
    if word in ("embed 64", "positions", "attention 8", "mean"):
        inner, mean = "" if word == "embed 64" else f", {word}", [] if word == "mean" else ["mean, dense 4 tanh"]
        agree(net := random_net(["tokens 5 of 7", f"embed 8{inner}", *mean, "dense 3"]), raw(net), run)
        return
    word = f"{word}, mean" if word == "as tokens" else word
    along = word.startswith("conv1d") or word in [layer.example for layer in time.ROWS]
    first, below = ("input 2x20", "conv1d 4 3") if along else ("input 2x6x5", "conv 4 3x3")
    agree(net := random_net([first, f"{below} tanh, {word}, dense 6 tanh", "dense 3"]), raw(net), run)


@every_format
@pytest.mark.parametrize("name", ACTIVATIONS)
def test_every_activation_agrees_far_out_too(name, run):
    """Units see -30 .. 30, 0 among them, and no two formulas of one name may differ there."""
    rule = gpufa.rules.make_rule("dfa", {"inject": "pre_activation"})
    net = gpufa.Network(["input 1", f"dense 61 {name}", "dense 61"], rule=rule, loss="squared_error", backend="numpy")
    net.parameters["W1"][...] = np.linspace(-30, 30, 61, dtype="float32")[:, None]
    net.parameters["W2"][...] = np.eye(61)
    agree(net, np.ones((1, 1), "float32"), run)


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_every_activation_of_float64_has_all_of_its_digits(name):
    """PyTorch's own softplus leaves them out above 20."""
    torch = pytest.importorskip("torch")
    from gpufa.export import modules

    a = np.linspace(-45, 45, 721)
    activations.ACTIVATIONS[name].value(a.copy(), h := np.empty_like(a))
    (call,) = ACTIVATIONS[name].torch(None)
    made = call.made(lambda name: getattr(torch.nn if name.startswith("nn.") else modules, name.removeprefix("nn.")))
    np.testing.assert_allclose(made(torch.from_numpy(a)).numpy(), h, rtol=1e-13, atol=1e-14)


@every_format
@pytest.mark.parametrize("loss", LOSSES)
def test_every_output_is_its_losss(loss, run):
    agree(net := random_net(["input 4", "dense 5 tanh", "dense 3"], loss=loss), 5 * raw(net), run)


@every_format
@pytest.mark.parametrize("rule", RULES)
def test_every_rule_is_exported_as_it_predicts_or_refused(rule, run):
    kw = {"activation": "logistic"} if rule in ("eqprop", "rbm") else {}
    net = random_net([8, 6, 3] if rule == "nn_lift" else [8, 6, 6, 3], rule=rule, **kw)
    if rule in ("chl", "eqprop", "forward_forward"):
        with pytest.raises(gpufa.InvalidValue, match=f"a net of rule '{rule}' can't be exported: it predicts by more"):
            run(net, raw(net))
    else:
        agree(net, raw(net), run)


@every_format
@pytest.mark.parametrize("seed", range(25))
def test_random_nets_of_all_words(seed, run):
    net = random_net(random_words(seed, UNKNOWN), seed, seeds=[0, 1] if seed % 2 else [3])
    agree(net, raw(net), run)


@every_format
@pytest.mark.parametrize("word", MAPS)
def test_windows_with_every_option(word, run):
    agree(
        net := random_net(["input 2x7x6", f"{word} relu, pool 2x1 stride 1, mean pool 1x2", "dense 3"]), raw(net), run
    )


def test_a_net_whose_samples_are_divided_by_their_sums_is_refused():
    net = random_net([4, 5, 3])
    net.scaling = fit_scaling("rows", raw(net))
    with pytest.raises(gpufa.InvalidValue, match="a net with scaling 'rows' can't be exported"):
        steps_of(net)


@every_format
@pytest.mark.parametrize("scaling", [name for name in SCALINGS if name != "rows"])
def test_raw_inputs_are_scaled_inside(scaling, run):
    net = random_net(["input 2x4x4", "conv 3 3x3 tanh", "dense 3"])
    x = 3 + 2 * raw(net, 40)
    net.scaling = fit_scaling(scaling, x, Fit((2, 4, 4), 0.1, "float32"))
    agree(net, x[:6], run)


@every_format
def test_gaps_are_filled_as_in_training(run):
    net = random_net([4, 5, 3])
    net.filling, net.scaling = Filling(np.array([1.0, 2, 3, 4])), Scaling(np.full(4, 0.5), np.full(4, 2.0))
    x = raw(net)
    x[0, 1] = x[3] = np.nan
    agree(net, x, run)


@every_format
def test_targets_are_in_their_own_unit(run):
    net = random_net([4, 5, 2], loss="squared_error", seeds=[1, 2])
    net.target_scaling = Scaling(np.array([300000.0, -2]), np.array([1e-5, 3.0]))
    agree(net, raw(net), run)
    agree(net, raw(net), run, seed=2)


@every_format
def test_one_seed_or_the_mean_of_all(run):
    net = random_net([4, 5, 3], seeds=[5, 7, 9])
    for seed in (None, 5, 7, 9):
        agree(net, raw(net), run, seed)
    for seed in (6, True, "5"):
        with pytest.raises(gpufa.InvalidValue, match=r"is none of this net's, 5, 7, 9; give --seed one of them"):
            run(net, raw(net), seed=seed)


@every_format
def test_skip_connections_of_nets_by_sizes(run):
    agree(net := random_net([6, 5, 5, 5, 3], residual=True, activation=["tanh", "gelu", "relu"]), raw(net), run)


class Twice(Layer):
    word = "twice"

    def forward(self, at):
        at.y[...] = 2 * at.x


class Leaky(Act):
    def forward(self, at):
        super().forward(at)
        at.y += 0.1 * at.x


@every_format
def test_ones_own_parts_are_refused_by_name(run):
    from dataclasses import replace

    own = replace(activations.ACTIVATIONS["tanh"], name="mine")
    loss = replace(LOSSES["squared_error"], name="ours")
    twice, leaky = (["input 4", [*block("dense 5").layers, layer], "dense 3"] for layer in (Twice(), Leaky("relu")))
    for net, told in (
        (random_net([4, 5, 3], activation=own), "activation 'mine' can't be exported: it is your own.* identity, tanh"),
        (random_net([4, 5, 3], loss=loss), "loss 'ours' can't be exported: it is your own.* cross_entropy"),
        (random_net(twice), "layer 'twice' can't be exported: it is your own"),
        (random_net(leaky), "layer 'relu' can't be exported: it is your own"),
    ):
        with pytest.raises(gpufa.InvalidValue, match=told):
            run(net, raw(net))


@every_format
def test_a_rule_with_a_way_forward_of_its_own_must_say_that_it_feeds(run):
    class Own(gpufa.Rule):
        def forward(self, net, x):
            return net.feed(x)

    class Said(Own):
        feeds = True

    with pytest.raises(gpufa.InvalidValue, match="a net of rule 'own' can't be exported"):
        run(net := random_net([4, 5, 3], rule=Own), raw(net))
    agree(net := random_net([4, 5, 3], rule=Said), raw(net), run)


@every_format
@pytest.mark.parametrize("given", [None, "net", 3])
def test_what_is_no_net_is_refused(given, run):
    export = gpufa.to_onnx if "onnx" in run.__name__ else gpufa.to_torch
    pytest.importorskip(run.__name__.removeprefix("by_"))
    with pytest.raises(gpufa.InvalidValue, match=r"give a gpufa\.Network"):
        export(given)
