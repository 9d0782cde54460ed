"""Nets of convolutions beside BioTorch's and DRTP's own code, where checkouts of both are on the path, in float64."""

import numpy as np
import pytest
from rulelab import close, host, network, put, values

from gpufa.rules import make_rule

torch = pytest.importorskip("torch")
LENET = ["input 2x12x12", "conv 4 5x5 pad valid relu, pool 2", "conv 6 3x3 relu, pool 2", "dense 8 relu", "dense 3"]
HOOKED = ["input 2x8x8", "conv 4 3x3 tanh", "pool 2, dense 7 tanh", "dense 3"]
draw = np.random.default_rng(6)
Y = np.arange(5) % 3


@pytest.fixture(autouse=True)
def doubles():
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    torch.manual_seed(0)
    yield
    torch.set_default_dtype(before)


def theirs_of(net, layers):
    """Our weights in their layers, in order, and the other way round their gradients by our names."""
    with torch.no_grad():
        for k, layer in enumerate(layers, start=1):
            layer.weight.copy_(torch.tensor(host(net, net.parameters[f"W{k}"])))
            layer.bias.copy_(torch.tensor(host(net, net.parameters[f"b{k}"])))
    return {f"{name[0]}{k}": (layer, name) for k, layer in enumerate(layers, start=1) for name in ("weight", "bias")}


def gradients(where):
    found = {name: getattr(layer, kind).grad.numpy() for name, (layer, kind) in where.items()}
    return {name.replace("w", "W"): g for name, g in found.items()}


def lenet(mode):
    """Their LeNet, and its layers that learn."""
    pytest.importorskip("biotorch", reason="a checkout of jsalbert/biotorch, on the path")
    from importlib import import_module

    kinds = import_module(f"biotorch.layers.{mode}.conv"), import_module(f"biotorch.layers.{mode}.linear")
    own = {"output_dim": 3, "layer_config": {"type": "dfa"}} if mode == "dfa" else {}
    conv, linear = kinds[0].Conv2d, kinds[1].Linear
    layers = [
        conv(2, 4, kernel_size=5, **own),
        conv(4, 6, kernel_size=3, padding=1, **own),
        linear(24, 8, **own),
        linear(8, 3, **own),
    ]
    F = torch.nn.functional

    def forward(x):
        x = F.max_pool2d(torch.relu(layers[0](x)), 2)
        x = F.max_pool2d(torch.relu(layers[1](x)), 2)
        return layers[3](torch.relu(layers[2](x.flatten(1))))

    return forward, layers


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("mode", ["fa", "usf", "brsf", "frsf", "dfa"])
def test_biotorchs_rules_are_ours(mode):
    """fa and frsf with their feedback in ours; usf as it is; brsf, which is drawn anew, as fa through what was drawn;
    dfa with repeated rows, of which their kernels are the transpose."""
    forward, layers = lenet(mode)
    rule = make_rule("dfa", {"places": "repeated"}) if mode == "dfa" else "fa" if mode == "brsf" else mode
    net = network(LENET, rule)
    x = draw.normal(size=(5, 2, 12, 12))
    where = theirs_of(net, layers)
    a = forward(torch.tensor(x))
    loss = torch.nn.functional.cross_entropy(a, torch.tensor(Y))
    if mode == "dfa":
        for layer in layers:
            layer.loss_gradient = torch.autograd.grad(loss, a, retain_graph=True)[0]
    for k in range(1, 4) if mode != "usf" else ():
        B, own = layers[k].weight_backward.detach().numpy(), f"M{k + 1}" if mode == "frsf" else f"B{k}"
        ours = B.reshape(3, -1).T if mode == "dfa" else B.T if B.ndim == 2 and mode != "frsf" else B
        put(net, net.feedback[own], ours)
    loss.backward()
    np.testing.assert_allclose(net.loss(x, Y), loss.item(), rtol=1e-12)
    close(net.gradients(x, Y), gradients(where), 1e-10)
    true = network(LENET, "bp").gradients(x, Y)
    assert not np.allclose(gradients(where)["W1"], true["W1"])


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    ("mode", "rule", "options"),
    [("DFA", "dfa", {}), ("sDFA", "sdfa", {"centre": False}), ("DRTP", "drtp", {"centre": False}), ("BP", "bp", {})],
)
def test_drtps_hooks_before_the_pool_are_ours(mode, rule, options, monkeypatch):
    """Their output layer has the mean over the batch, their hidden layers the sum: signals go in undivided."""
    models = pytest.importorskip("models", reason="a checkout of ChFrenkel/DirectRandomTargetProjection, on the path")
    builder = getattr(models, "NetworkBuilder", None) or pytest.skip("'models' is somebody else's")
    if not hasattr(torch.autograd.function.FunctionCtx, "saved_variables"):  # PyTorch's name for it then
        saved = property(lambda ctx: ctx.saved_tensors)
        monkeypatch.setattr(torch.autograd.function.FunctionCtx, "saved_variables", saved, raising=False)
    theirs = builder("CONV_4_3_1_1_FC_7_FC_3", 8, 2, 3, 5, mode, 0, "tanh", "tanh", "none", False, "CE", "cpu")
    net = network(HOOKED, make_rule(rule, options))
    layers = [theirs.layers[0].conv, theirs.layers[1].fc, theirs.layers[2].fc]
    where = theirs_of(net, layers)
    for k in (1, 2) if mode != "BP" else ():
        B = theirs.layers[k - 1].hook.fixed_fb_weights.detach().numpy()
        put(net, net.feedback[f"B{k}"], B.reshape(3, -1).T)
    x = draw.normal(size=(5, 2, 8, 8))
    a = theirs(torch.tensor(x).requires_grad_(), torch.eye(3)[torch.tensor(Y)])
    loss = torch.nn.functional.cross_entropy(a, torch.tensor(Y))
    loss.backward()
    found = {name: g / (5 if mode != "BP" and name[1] in "12" else 1) for name, g in gradients(where).items()}
    close(net.gradients(x, Y), found, 1e-10)
    assert values(net).keys() == found.keys()
