"""PyTorch modules as nets: the same outputs, trained on, or refused by name."""

import numpy as np
import pytest
from exportlab import OF_TIME, random_net, raw
from netlab import random_words

import gpufa
from gpufa.data.samples.scaling import Scaling
from gpufa.data.tables.missing import Filling
from gpufa.functions.activations import ACTIVATIONS

torch = pytest.importorskip("torch")
nn = torch.nn
prune = pytest.importorskip("torch.nn.utils.prune")
# A module, the shape of a sample, and the words that it becomes.
KNOWN = [
    ([nn.Linear(6, 5), nn.ReLU(), nn.Dropout(0.5), nn.Linear(5, 3)], 6, ["dense 5 relu, dropout 0.5", "dense 3"]),
    ([nn.Flatten(), nn.Linear(6, 5), nn.GELU(), nn.Identity(), nn.Linear(5, 3)], 6, ["dense 5 gelu", "dense 3"]),
    ([nn.Conv2d(2, 4, 3, padding=1), nn.BatchNorm2d(4, momentum=0.2), nn.SiLU(), nn.MaxPool2d(2), nn.Flatten(),
      nn.Linear(36, 3)], (2, 6, 7), ["conv 4 3x3 pad 1, batch norm momentum 0.2, silu, pool 2", "dense 3"]),
    ([nn.Conv2d(2, 4, (3, 2), (2, 1), "valid", groups=2, bias=False), nn.Softplus(), nn.AvgPool2d(2, 1), nn.Sequential(
      nn.Conv2d(4, 4, 3, dilation=2, padding="same"), nn.LeakyReLU()), nn.AdaptiveAvgPool2d(1), nn.Flatten(),
      nn.Linear(4, 3)], (2, 9, 8),
     ["conv 4 3x2 stride 2x1 pad valid groups 2 nobias softplus, mean pool 2 stride 1",
      "conv 4 3x3 dilation 2 leaky_relu, global mean", "dense 3"]),
    ([nn.Conv1d(3, 4, 5, padding=2), nn.Hardtanh(), nn.AvgPool1d(2), nn.Conv1d(4, 4, 3), nn.ELU(), nn.MaxPool1d(2, 1),
      nn.Flatten(), nn.LayerNorm(28), nn.Linear(28, 3)], (3, 20),
     ["conv1d 4 5 pad 2 hard_tanh, mean pool 2", "conv1d 4 3 pad 0 elu, pool 2 stride 1, flatten, layer norm",
      "dense 3"]),
    ([nn.BatchNorm1d(6), nn.Linear(6, 5), nn.Sigmoid(), nn.Linear(5, 4), nn.Hardtanh(0, 1), nn.Linear(4, 3)], 6,
     ["batch norm, dense 5 logistic", "dense 4 hard_logistic", "dense 3"]),
]  # fmt: skip


def trained(modules):
    """The Sequential with running moments and gains of its own."""
    torch.manual_seed(0)
    module = nn.Sequential(*modules)
    for one in module.modules():
        if isinstance(one, nn.BatchNorm1d | nn.BatchNorm2d | nn.LayerNorm):
            nn.init.uniform_(one.weight, 0.5, 2)
            nn.init.normal_(one.bias)
        if isinstance(one, nn.BatchNorm1d | nn.BatchNorm2d):
            one.running_mean.normal_()
            one.running_var.uniform_(0.5, 2)
    return module.eval()


def theirs(module, x):
    with torch.no_grad():
        return module(torch.from_numpy(x)).numpy()


@pytest.mark.parametrize(("modules", "shape", "words"), KNOWN, ids=range(len(KNOWN)))
def test_it_predicts_what_the_module_does(modules, shape, words):
    module = trained(modules)
    net = gpufa.from_torch(module, inputs=shape, loss="squared_error", rule="bp", seeds=[3, 5], backend="numpy")
    assert net.sizes.words[1:] == words
    size = (shape,) if isinstance(shape, int) else shape
    x = np.random.default_rng(0).normal(size=(7, *size)).astype("float32")
    for y in net.predict(x):
        np.testing.assert_allclose(y, theirs(module, x), rtol=1e-5, atol=2e-6)


ENDS = [(nn.Softmax(1), "cross_entropy"), (nn.Softmax(-1), "cross_entropy"), (nn.Sigmoid(), "binary_cross_entropy")]


@pytest.mark.parametrize(("end", "loss"), ENDS)
def test_its_end_says_the_loss(end, loss):
    module = trained([nn.Linear(6, 5), nn.Tanh(), nn.Linear(5, 3), end])
    net = gpufa.from_torch(module, backend="numpy")
    assert (net.output_loss.name, net.sizes.words, net.dtype) == (
        loss,
        ["input 6", "dense 5 tanh", "dense 3"],
        "float32",
    )
    np.testing.assert_allclose(net.predict(x := raw(net)), theirs(module, x), atol=1e-6)


@pytest.mark.parametrize("seed", range(20))
def test_random_nets_come_back(seed):
    """Through PyTorch and back: the words but for what does nothing, all weights, and every prediction."""
    net = random_net(random_words(seed, OF_TIME), seed)
    back = gpufa.from_torch(gpufa.to_torch(net), rule="bp", backend="numpy")
    x = raw(net)
    np.testing.assert_allclose(back.predict(x), net.predict(x), atol=1e-6)
    for name, p in net.parameters.items():
        if back.sizes.words == net.sizes.words:
            np.testing.assert_array_equal(back.parameters[name], p)


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_every_activation_comes_back(name):
    rule = gpufa.rules.make_rule("dfa", {"inject": "pre_activation"})
    net = random_net([4, 5, 3], rule=rule, activation=name)
    back = gpufa.from_torch(gpufa.to_torch(net), rule=rule, backend="numpy")
    assert back.sizes.words[1] == ("dense 5" if name == "identity" else f"dense 5 {name}")


def test_scalings_come_back():
    net = random_net([4, 5, 2], loss="squared_error", dtype="float64")
    draw = np.random.default_rng(0)
    net.filling = Filling(draw.normal(size=4))
    net.scaling = Scaling(draw.normal(size=4), draw.uniform(1, 2, 4), draw.normal(size=(4, 4)))
    net.target_scaling = Scaling(draw.normal(size=2), draw.uniform(1, 2, 2))
    back = gpufa.from_torch(gpufa.to_torch(net), rule="bp", backend="numpy")
    assert back.dtype == "float64"
    x = raw(net)
    x[0, 0] = np.nan
    np.testing.assert_array_equal(back.predict(x), net.predict(x))


def test_weights_of_backprop_are_a_start(tmp_path):
    """A module of PyTorch, saved as a checkpoint, is where a run of gpufa begins."""
    module = trained([nn.Linear(64, 12), nn.Tanh(), nn.Linear(12, 10)])
    net = gpufa.from_torch(module, loss="cross_entropy", rule="fa", seeds=[0, 1], backend="numpy")
    gpufa.save(net, tmp_path / "start.h5")
    settings = {"rule": "fa", "hidden": (12,), "seeds": (0, 1), "backend": "numpy", "start": str(tmp_path / "start.h5")}
    run = gpufa.train(gpufa.Config(**settings, epochs=1, lr=1e-9))
    np.testing.assert_allclose(run.network.parameters["W1"][1], module[0].weight.detach().numpy(), atol=1e-5)
    run = gpufa.train(gpufa.Config(**settings, epochs=5))
    assert run.summary["test_error"][0] < 20 < 80 < net.evaluate(*gpufa.load_data("digits")[2:])["error"][0]


def test_a_missing_bias_is_told():
    kw = {"inputs": 4, "loss": "squared_error", "rule": "bp", "backend": "numpy"}
    with pytest.warns(gpufa.GpufaWarning, match="module 0, Linear, has no bias"):
        gpufa.from_torch(nn.Sequential(nn.Linear(4, 3, bias=False)), **kw)
    modules = nn.LayerNorm(4, bias=False), nn.Linear(4, 3)
    with pytest.warns(gpufa.GpufaWarning, match="module 0, LayerNorm, has no bias"):
        assert gpufa.from_torch(nn.Sequential(*modules), **kw).sizes.words[1:] == ["layer norm", "dense 3"]


def test_an_unflatten_in_front_says_the_shape():
    module = trained([nn.Unflatten(1, (1, 4, 3)), nn.Conv2d(1, 2, 2), nn.ReLU(), nn.Flatten(), nn.Linear(12, 3)])
    x = np.random.default_rng(0).normal(size=(7, 12)).astype("float32")
    for inputs in (None, 12, (1, 4, 3)):
        net = gpufa.from_torch(module, inputs=inputs, loss="squared_error", rule="bp", backend="numpy")
        np.testing.assert_allclose(net.predict(x), theirs(module, x), rtol=1e-5, atol=2e-6)


def test_a_module_in_several_places_is_there_for_each_and_shared_weights_are_told():
    square, act = nn.Linear(4, 4), nn.ReLU()
    module = trained([square, act, square, act, nn.Linear(4, 3)])
    with pytest.warns(gpufa.GpufaWarning, match=r"has the parameters 2\.weight, 2\.bias in another place too"):
        net = gpufa.from_torch(module, loss="squared_error", rule="bp", backend="numpy")
    assert net.sizes.words[1:] == ["dense 4 relu", "dense 4 relu", "dense 3"]
    x = np.random.default_rng(0).normal(size=(7, 4)).astype("float32")
    np.testing.assert_allclose(net.predict(x), theirs(module, x), rtol=1e-5, atol=2e-6)


class Mine(nn.Linear):
    pass


IMAGE = {"inputs": (2, 6, 6)}
REFUSED = [
    ([nn.LSTM(4, 3)], {"inputs": 4}, "module 0, LSTM, can't be read; gpufa has layers for Linear, .* of PyTorch"),
    ([nn.Linear(4, 3), nn.Sequential(nn.PReLU())], {}, "module 1.0, PReLU, can't be read"),
    ([Mine(4, 3)], {"inputs": 4}, "module 0, Mine, can't be read"),
    ([nn.Linear(4, 3), nn.LogSoftmax(1)], {}, "module 1, LogSoftmax, can't be read"),
    ([nn.Linear(4, 3), nn.Softmax(0)], {}, "module 1, Softmax, has dim = 0.*make it with 1"),
    ([nn.Linear(4, 3), nn.Softmax(1)], {"loss": "squared_error"}, "ends in that of loss 'cross_entropy', not 'squared"),
    ([nn.Linear(4, 3)], {"loss": None}, 'does not say what its outputs are; give loss="cross_entropy"'),
    ([nn.Conv2d(2, 3, 3)], {}, r"the shape of a sample can't be None; give inputs=\(3, 32, 32\)"),
    ([nn.Linear(4, 3)], {"inputs": (4, 0)}, r"the shape of a sample can't be \(4, 0\)"),
    ([nn.Linear(4, 3)], {"inputs": 5}, r"the module's W1 is \(3, 4\), and such a layer in its place has \(3, 5\)"),
    ([nn.Conv2d(2, 3, 3), nn.Linear(4, 3)], IMAGE, r"module 1, Linear, sees \(3, 4, 4\).*put an nn.Flatten in front"),
    ([nn.Conv2d(2, 3, 3, padding=1, padding_mode="circular")], IMAGE, "has padding_mode = 'circular'.*with 'zeros'"),
    ([nn.MaxPool2d(2, padding=1)], IMAGE, "has padding = 1, which gpufa's layer has not; make it with 0"),
    ([nn.MaxPool2d(2, ceil_mode=True)], IMAGE, "has ceil_mode = True"),
    ([nn.AvgPool2d(2, divisor_override=3)], IMAGE, "has divisor_override = 3"),
    ([nn.AdaptiveAvgPool2d(2)], IMAGE, "has output_size = 2"),
    ([nn.BatchNorm2d(2, affine=False)], IMAGE, "has affine = False"),
    ([nn.BatchNorm2d(2, momentum=None)], IMAGE, "has momentum = None, a mean over all steps"),
    ([nn.LayerNorm(6)], IMAGE, r"goes over \(6,\) of \(2, 6, 6\).*make it with \(2, 6, 6\)"),
    ([nn.Flatten(2)], IMAGE, "has start_dim = 2"),
    ([nn.Linear(4, 3), nn.LeakyReLU(0.2), nn.Linear(3, 3)], {}, "has negative_slope = 0.2"),
    ([nn.Linear(4, 3), nn.GELU("tanh"), nn.Linear(3, 3)], {}, "has approximate = 'tanh'"),
    ([nn.Linear(4, 3), nn.Hardtanh(-2, 1), nn.Linear(3, 3)], {}, "has min_val = -2"),
    ([nn.Unflatten(1, (1, 2, 2)), nn.Conv2d(1, 3, 2)], {"inputs": 9}, r"module 0 makes \(1, 2, 2\) of a sample"),
    ([nn.Unflatten(2, (1, 2, 2)), nn.Conv2d(1, 3, 2)], {}, "module 0, Unflatten, has dim = 2"),
    ([nn.Linear(4, 3), nn.Softplus(threshold=1.0), nn.Linear(3, 3)], {}, "has threshold = 1.0, above which.*with 20.0"),
    ([prune.identity(nn.Linear(4, 3), "weight")], {}, "a Linear of the module has a parameter 'weight_orig'"),
    ([nn.Linear(4, 3), nn.Tanh()], {}, "the last block is 'dense 3 tanh'"),
    ([], {"inputs": 4}, "the module has no layer that learns"),
    ([nn.ReLU()], {"inputs": 4}, "the module has no layer that learns"),
    ([nn.Linear(4, 3)], {"init": "zeros"}, "init = 'zeros' is for nets that are drawn.*leave init out"),
]  # fmt: skip


@pytest.mark.parametrize(("modules", "more", "told"), REFUSED)
def test_what_gpufa_has_no_layer_for_is_refused_by_name(modules, more, told):
    with pytest.raises(gpufa.InvalidValue, match=told):
        gpufa.from_torch(nn.Sequential(*modules), **{"loss": "squared_error", "backend": "numpy", **more})


@pytest.mark.parametrize("module", [nn.Linear(4, 3), None, "net"])
def test_what_is_no_sequential_is_refused(module):
    with pytest.raises(gpufa.InvalidValue, match=r"takes a torch\.nn\.Sequential, and this is a"):
        gpufa.from_torch(module, loss="squared_error")


def test_the_mean_of_several_nets_is_no_start():
    with pytest.raises(gpufa.InvalidValue, match="module 1, Mean, can't be read"):
        gpufa.from_torch(gpufa.to_torch(random_net([4, 5, 3], seeds=[0, 1])), inputs=4, loss="cross_entropy")
