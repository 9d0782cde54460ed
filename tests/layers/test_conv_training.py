"""Nets of convolutions train as others do: by every rule that takes them, recorded, side by side, resumed."""

from functools import partial

import layerlab
import numpy as np
import pytest
from layerlab import layered, straight_is_by_gradients
from rulelab import close, host, values

import gpufa
from gpufa.functions.initialisers import fans

LAYERS = (
    "input 2x6x5",
    "conv 4 3x3 tanh, pool 2, dropout 0.25",
    "conv 4 2x2 groups 2 gelu, residual(conv 4 3x3 nobias), mean pool 2x1",
    "dense 6 tanh",
)
SINGLE = "input 2x6x5", "conv 4 3x3 tanh, pool 2, dropout 0.25", "pool 1, conv 4 2x2 groups 2 gelu", "dense 6 tanh"
RULES = ["bp", "fa", "dfa", "kp", "dkp", "usf", "frsf", "brsf", "sdfa", "drtp", "shallow", "weight_mirror", "topology",
         "layerwise", "pepita", "forward_forward", "evolution"]  # fmt: skip
STEADY = {"optimizer": "momentum", "lr": 0.02, "weight_decay": 1e-3}
draw = np.random.default_rng(0)
IMAGES = gpufa.Data(draw.normal(size=(40, 60)), np.arange(40) % 3, draw.normal(size=(6, 60)), np.arange(6) % 3)


stepped = partial(layerlab.stepped, LAYERS, data=IMAGES)


def trained(**settings):
    """With blocks of one layer that learns for rules that need those."""
    if settings.get("rule") in ("pepita", "forward_forward"):
        return values(layerlab.stepped(SINGLE, data=IMAGES, **settings).net)
    own = {"rule_options": {"pairs": 2}} if settings.get("rule") == "evolution" else {}
    return values(stepped(**own | settings).net)


@pytest.mark.gpu
@pytest.mark.parametrize("rule", RULES)
def test_both_backends_train_alike(rule):
    close(trained(rule=rule, backend="cupy", **STEADY), trained(rule=rule, **STEADY), 1e-10)


@pytest.mark.gpu
@pytest.mark.parametrize(
    "settings",
    [
        {"adversarial": 0.1},
        {"input_dropout": 0.25},
        {"input_noise": 0.5},
        {"clip": 0.1},
        {"rule": "dfa", "rule_options": {"staleness": 2}},
        {"rule": "dfa", "rule_options": {"rank": 2}},
        {"rule": "dfa", "rule_options": {"shared": True, "density": 0.5}},
        {"rule": "dfa", "rule_options": {"places": "shared"}},
        {"rule": "drtp", "rule_options": {"places": "repeated"}},
        {"rule": "dkp", "rule_options": {"places": "repeated"}},
        {"rule": "sdfa", "rule_options": {"places": "shared"}, "feedback": "procedural"},
        {"rule": "fa", "feedback": "procedural"},
        {"rule": "fa", "rule_options": {"law": "ternary", "density": 0.5}},
        {"rule": "topology", "rule_options": {"sources": [[2, 4], [3, 4], 4]}},
        {"rule": "weight_mirror", "rule_options": {"eta": 0.5}, "input_dropout": 0.25},
        {"rule": "pepita", "input_dropout": 0.25, "rule_options": {"scale": 2.0}},
        {"rule": "forward_forward", "rule_options": {"label": "append", "counted": "upper"}},
    ],
    ids=str,
)
def test_other_settings_train_alike_on_both(settings):
    run = {"rule": "bp", **STEADY, **settings}
    close(trained(backend="cupy", **run), trained(**run), 1e-10)


@pytest.mark.gpu
@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
@pytest.mark.parametrize(
    "rule",
    ["bp", "fa", "kp", "dfa", "weight_mirror", "topology", "layerwise", "pepita", "forward_forward", "evolution"],
)
def test_recorded_steps_are_eager_ones(rule, optimizer, monkeypatch):
    settings = {"rule": rule, "optimizer": optimizer, "eps": 1e-3, "lr": 0.02, "backend": "cupy"}
    recorded = trained(**settings)
    from gpufa.backends.gpu.backend import CupyBackend

    monkeypatch.setattr(CupyBackend, "capture", lambda self, step, together=None: step)
    close(trained(**settings), recorded, 1e-10)


@pytest.mark.parametrize("rule", RULES)
def test_replicas_are_single_runs(rule, backend):
    both = trained(rule=rule, seeds=(0, 1), backend=backend, **STEADY)
    close({name: p[1] for name, p in both.items()}, trained(rule=rule, seeds=(1,), backend=backend, **STEADY), 1e-10)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("rule", RULES)
def test_float32_is_float64_to_rounding(rule, dtype):
    close(trained(rule=rule, dtype=dtype, **STEADY), trained(rule=rule, **STEADY), 1e-4 if dtype == "float32" else 0)


@pytest.mark.parametrize("rule", ["bp", "fa", "dfa", "weight_mirror", "topology"])
@pytest.mark.parametrize("stop", [None, 1])
@pytest.mark.parametrize("own", [{}, {"layer_lr": (0.1, 0.3, 0.2, 0.1)}, {"freeze": (1, 2)}])
def test_straight_into_the_weights_is_by_way_of_gradients(rule, stop, own, backend):
    straight_is_by_gradients(stepped, own, rule=rule, stop=stop, backend=backend)


@pytest.mark.parametrize("optimizer", ["sgd", "adam", "rmsprop", "nesterov", "adamw"])
def test_every_optimizer_trains_all_of_a_block(optimizer):
    before = values(layered(LAYERS, data=IMAGES, seeds=(0,)).net)
    after = trained(rule="kp", optimizer=optimizer, seeds=(0,), eps=1e-3)
    assert after.keys() == before.keys() | {"B1.1", "B1.2", "B2", "B3"}
    for name in before:
        assert not np.array_equal(after[name], before[name]), name


def test_kp_teaches_a_kernel_its_own_gradient(backend):
    run = stepped(0, rule="kp", optimizer="sgd", lr=1.0, weight_decay=0.0, backend=backend)
    before = values(run.net)
    run.step()
    after = values(run.net)
    for name, B in {"W2.1": "B1.1", "W2.2": "B1.2"}.items():
        np.testing.assert_allclose(after[B] - before[B], after[name] - before[name], rtol=1e-10, atol=1e-13)


@pytest.mark.parametrize("rule", ["bp", "dfa", "fa", *RULES[-6:]])
def test_a_run_resumes_to_the_bit(rule, tmp_path):
    def run(out, **more):
        layers = ("input 1x8x8", "conv 4 3x3 relu, pool 2, dropout 0.25", "conv 4 3x3 tanh", "dense 5 tanh")
        settings = {"layers": layers, "rule": rule, "seeds": (0, 1), "samples": 200, "backend": "numpy"}
        settings |= {"out": str(tmp_path / out), "rule_options": {"pairs": 2} if rule == "evolution" else {}}
        return gpufa.train(gpufa.Config(**settings | more))

    whole = run("whole", epochs=3)
    run("part", epochs=2)
    resumed = gpufa.resume(tmp_path / "part", epochs=3)
    for name, p in values(whole.network).items():
        np.testing.assert_array_equal(values(resumed.network)[name], p, err_msg=name)
    loaded = gpufa.load(tmp_path / "whole", backend="numpy")
    assert loaded.sizes.shapes == ((1, 8, 8), (4, 4, 4), (4, 4, 4), (5,), (10,))
    shapes = {"W1": (2, 4, 1, 3, 3), "W2": (2, 4, 4, 3, 3), "W3": (2, 5, 64)}
    assert {name: loaded.arena[name].shape for name in shapes} == shapes
    assert rule != "fa" or loaded.fixed["B1"].shape == (2, 4, 4, 3, 3)
    for name, B in whole.network.feedback.items():
        np.testing.assert_array_equal(resumed.network.feedback[name], B, err_msg=name)


def test_weights_are_live_views(backend):
    net = gpufa.Network([*LAYERS, "dense 3"], rule="fa", backend=backend, dtype="float64")
    for name, p in net.parameters.items():
        assert p.flags.c_contiguous, name
    x, y = IMAGES.x_test, IMAGES.y_test
    before = net.loss(x, y)
    net.parameters["W1"][...] *= 2
    assert net.loss(x, y) != before
    np.testing.assert_array_equal(net.predict(x), net.predict(x.reshape(-1, 2, 6, 5)))


@pytest.mark.parametrize(
    ("init", "law"),
    [
        ("uniform", lambda fan_in, fan_out: (3 * fan_in) ** -0.5),
        ("normal", lambda fan_in, fan_out: fan_in**-0.5),
        ("he", lambda fan_in, fan_out: (2 / fan_in) ** 0.5),
        ("glorot", lambda fan_in, fan_out: (2 / (fan_in + fan_out)) ** 0.5),
    ],
)
def test_kernels_start_by_what_a_filter_sees(init, law):
    net = gpufa.Network(["input 4x8x8", "conv 64 5x3 groups 2", "dense 3"], rule="bp", init=init, backend="numpy")
    assert fans(net.parameters["W1"].shape) == (30, 960)
    np.testing.assert_allclose(net.parameters["W1"].std(), law(30, 960), rtol=0.05)


def test_orthogonal_kernels_have_orthonormal_filters():
    net = gpufa.Network(["input 4x8x8", "conv 8 3x3", "dense 3"], rule="bp", init="orthogonal", backend="numpy")
    W = net.parameters["W1"].reshape(8, -1).astype(float)
    np.testing.assert_allclose(W @ W.T, np.eye(8), atol=1e-6)


def test_an_initialiser_of_ones_own_is_handed_kernels_as_matrices():
    seen = []

    def fill(w, seed, layer, scale):
        seen.append(w.shape)
        w[...] = layer

    own = gpufa.Initialiser("mine", fill)
    net = gpufa.Network(["input 4x8x8", "conv 8 3x2 groups 2", "dense 3"], rule="bp", init=own, backend="numpy")
    assert seen[-2:] == [(8, 12), (3, 512)]
    assert (net.parameters["W1"] == 1).all()


def test_feedback_of_a_kernel_is_as_large_as_that_of_a_matrix():
    words = ["input 4x8x8", "conv 8 1x1", "conv 64 5x3", "dense 3"]
    fa = gpufa.Network(words, rule="fa", backend="numpy")
    np.testing.assert_allclose(fa.feedback["B1"].std(), (3 * 8 * 15) ** -0.5, rtol=0.05)
    for rule in ("usf", "brsf", "frsf"):
        net = gpufa.Network(words, rule=rule, backend="numpy", init="uniform")
        p = net.pass_for(4)
        V = host(net, net.rule.feedback(p)["W2"])
        W = host(net, net.parameters["W2"])
        assert V.shape == (1, *W.shape)
        assert (V[0] * W >= 0).all()
        assert (V != 0).mean() > 0.99
        np.testing.assert_allclose((V**2).mean() ** 0.5, (2 / (8 * 15 + 64 * 15)) ** 0.5, rtol=0.05)
