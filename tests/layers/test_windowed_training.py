"""Nets along one axis and of untied kernels train as others do: every rule, both backends, replicas, resumed."""

import tracemalloc

import layerlab
import numpy as np
import pytest
from layerlab import layered, straight_is_by_gradients
from rulelab import close, host, network, values

import gpufa

NETS = {
    "conv1d": (
        "input 2x12",
        "conv1d 4 3 tanh, pool 2, dropout 0.25",
        "conv1d 4 2 groups 2 gelu, residual(conv1d 4 3 nobias), mean pool 2",
        "dense 6 tanh",
    ),
    "local": (
        "input 2x4x3",
        "local 4 3x3 tanh, dropout 0.25",
        "local 4 2x2 groups 2 gelu, residual(local 4 3x3 nobias), pool 2x1",
        "dense 6 tanh",
    ),
}
RULES = [
    *("bp", "fa", "dfa", "kp", "dkp", "usf", "frsf", "brsf", "sdfa", "drtp", "shallow", "weight_mirror", "topology"),
    "layerwise",
]
STEADY = {"optimizer": "momentum", "lr": 0.02, "weight_decay": 1e-3}
draw = np.random.default_rng(0)
IMAGES = gpufa.Data(draw.normal(size=(40, 24)), np.arange(40) % 3, draw.normal(size=(6, 24)), np.arange(6) % 3)
nets = pytest.mark.parametrize("kind", NETS)


def stepped(kind, steps=5, **settings):
    return layerlab.stepped(NETS[kind], steps, data=IMAGES, **settings)


def trained(kind, **settings):
    return values(stepped(kind, **settings).net)


@pytest.mark.gpu
@nets
@pytest.mark.parametrize("rule", RULES)
def test_both_backends_train_alike(rule, kind):
    close(trained(kind, rule=rule, backend="cupy", **STEADY), trained(kind, rule=rule, **STEADY), 1e-10)


@pytest.mark.gpu
@nets
@pytest.mark.parametrize(
    "settings",
    [{"adversarial": 0.1}, {"clip": 0.1}, {"rule": "dfa", "rule_options": {"rank": 2}},
     {"rule": "fa", "rule_options": {"law": "ternary", "density": 0.5}}],
    ids=str,
)  # fmt: skip
def test_other_settings_train_alike_on_both(settings, kind):
    run = {"rule": "bp", **STEADY, **settings}
    close(trained(kind, backend="cupy", **run), trained(kind, **run), 1e-10)


@pytest.mark.gpu
@nets
@pytest.mark.parametrize("rule", ["bp", "fa", "kp", "dfa"])
def test_recorded_steps_are_eager_ones(rule, kind, monkeypatch):
    settings = {"rule": rule, "optimizer": "adam", "eps": 1e-3, "lr": 0.02, "backend": "cupy"}
    recorded = trained(kind, **settings)
    from gpufa.backends.gpu.backend import CupyBackend

    monkeypatch.setattr(CupyBackend, "capture", lambda self, step, together=None: step)
    close(trained(kind, **settings), recorded, 1e-10)


@pytest.mark.gpu
@nets
def test_tf32_is_near(kind):
    settings = {"rule": "fa", "dtype": "float32", "backend": "cupy", **STEADY}
    close(trained(kind, precision="tf32", **settings), trained(kind, **settings), 1e-2)


@nets
@pytest.mark.parametrize("rule", RULES)
def test_replicas_are_single_runs(rule, kind, backend):
    both = trained(kind, rule=rule, backend=backend, **STEADY)
    close({n: p[1] for n, p in both.items()}, trained(kind, rule=rule, seeds=(1,), backend=backend, **STEADY), 1e-10)


@nets
@pytest.mark.parametrize("rule", RULES)
def test_float32_is_float64_to_rounding(rule, kind):
    close(trained(kind, rule=rule, dtype="float32", **STEADY), trained(kind, rule=rule, **STEADY), 1e-4)


@nets
@pytest.mark.parametrize("rule", ["bp", "fa", "dfa"])
@pytest.mark.parametrize("stop", [None, 1])
def test_straight_into_the_weights_is_by_way_of_gradients(rule, stop, kind, backend):
    def steps(*args, **settings):
        return stepped(kind, *args, **settings)

    straight_is_by_gradients(steps, {}, rule=rule, stop=stop, backend=backend)


@nets
@pytest.mark.parametrize("optimizer", ["sgd", "adam", "adamw"])
def test_every_optimizer_trains_all_of_a_block(optimizer, kind):
    before = values(layered(NETS[kind], data=IMAGES, seeds=(0,)).net)
    after = trained(kind, rule="kp", optimizer=optimizer, seeds=(0,), eps=1e-3)
    assert after.keys() == before.keys() | {"B1.1", "B1.2", "B2", "B3"}
    for name in before:
        assert not np.array_equal(after[name], before[name]), name


@nets
def test_kp_teaches_kernels_their_own_gradient(kind, backend):
    run = stepped(kind, 0, rule="kp", optimizer="sgd", lr=1.0, weight_decay=0.0, backend=backend)
    before = values(run.net)
    run.step()
    after = values(run.net)
    for name, B in {"W2.1": "B1.1", "W2.2": "B1.2"}.items():
        np.testing.assert_allclose(after[B] - before[B], after[name] - before[name], rtol=1e-10, atol=1e-13)


@nets
@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
@pytest.mark.parametrize("rule", ["bp", "fa"])
def test_nothing_is_allocated_in_a_step(rule, optimizer, kind):
    """But NumPy's own buffers of 64 KiB, for sums of arrays that lie apart."""
    words = {"conv1d": ("input 3x64", "conv1d 16 3 tanh", "conv1d 16 3 tanh", "dense 5"),
             "local": ("input 3x8x8", "local 16 3x3 tanh", "local 16 3x3 tanh", "dense 5")}  # fmt: skip
    data = gpufa.Data(draw.normal(size=(1280, 192)), np.arange(1280) % 3, draw.normal(size=(6, 192)), np.arange(6) % 3)
    run = layered(words[kind], data=data, rule=rule, optimizer=optimizer, lr=0.01, batch_size=128, seeds=(0,))
    for _ in range(2):
        run.step()
    tracemalloc.start()
    for _ in range(2):
        run.step()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    smallest_slab = 128 * 16 * 8 * 8 * 8
    assert peak < smallest_slab / 5


@nets
@pytest.mark.parametrize("rule", ["bp", "dfa", "fa"])
def test_a_run_resumes_to_the_bit(rule, kind, tmp_path):
    layers = {
        "conv1d": ("input 1x64", "conv1d 4 3 relu, pool 2, dropout 0.25", "conv1d 4 3 tanh", "dense 5 tanh"),
        "local": ("input 1x8x8", "local 4 3x3 stride 2 relu, dropout 0.25", "local 4 3x3 tanh", "dense 5 tanh"),
    }[kind]

    def run(out, **more):
        settings = {"layers": layers, "rule": rule, "seeds": (0, 1), "samples": 200, "backend": "numpy"}
        return gpufa.train(gpufa.Config(**settings | {"out": str(tmp_path / out)} | more))

    whole = run("whole", epochs=3)
    run("part", epochs=2)
    resumed = gpufa.resume(tmp_path / "part", epochs=3)
    for name, p in values(whole.network).items():
        np.testing.assert_array_equal(values(resumed.network)[name], p, err_msg=name)
    loaded = gpufa.load(tmp_path / "whole", backend="numpy")
    W1, W2 = {"conv1d": ((4, 1, 3), (4, 4, 3)), "local": ((4, 4, 4, 1, 3, 3), (4, 4, 4, 4, 3, 3))}[kind]
    assert (loaded.arena["W1"].shape[1:], loaded.arena["W2"].shape[1:]) == (W1, W2)
    assert rule != "fa" or loaded.fixed["B1"].shape == (2, *W2)


LAWS = {
    "uniform": lambda fan_in, fan_out: (3 * fan_in) ** -0.5,
    "normal": lambda fan_in, fan_out: fan_in**-0.5,
    "he": lambda fan_in, fan_out: (2 / fan_in) ** 0.5,
    "glorot": lambda fan_in, fan_out: (2 / (fan_in + fan_out)) ** 0.5,
}
KERNELS = [("input 4x50", "conv1d 64 15 groups 2", 30, 960), ("input 4x5x6", "local 16 5x3 groups 2", 30, 240)]


@pytest.mark.parametrize("init", LAWS)
@pytest.mark.parametrize(("inputs", "word", "fan_in", "fan_out"), KERNELS)
def test_kernels_start_by_what_a_filter_sees(init, inputs, word, fan_in, fan_out):
    net = gpufa.Network([inputs, word, "dense 3"], rule="bp", init=init, backend="numpy")
    W = net.parameters["W1"]
    np.testing.assert_allclose(W.std(), LAWS[init](fan_in, fan_out), rtol=0.05)
    assert not net.parameters["b1"].any()
    if "local" in word:
        by_place = W.transpose(1, 2, 0, 3, 4, 5).reshape(30, -1)
        assert len(np.unique(by_place, axis=0)) == 30


@pytest.mark.parametrize("word", ["local 8 3x3", "local 40 3x3"])
def test_orthogonal_kernels_are_so_at_each_place(word):
    net = gpufa.Network(["input 4x4x5", word, "dense 3"], rule="bp", init="orthogonal", backend="numpy")
    W = net.parameters["W1"]
    for i, j in np.ndindex(4, 5):
        own = W[:, i, j].reshape(len(W), -1).astype(float)
        product = own @ own.T if len(W) < 36 else own.T @ own
        np.testing.assert_allclose(product, np.eye(len(product)), atol=1e-6)


def test_an_initialiser_of_ones_own_is_handed_the_kernels_of_all_places_as_a_matrix():
    seen = []

    def fill(w, seed, layer, scale):
        seen.append(w.shape)
        w[...] = layer

    net = gpufa.Network(
        ["input 4x3x2", "local 8 3x2", "dense 3"], rule="bp", init=gpufa.Initialiser("mine", fill), backend="numpy"
    )
    assert seen[-2:] == [(48, 24), (3, 48)]
    assert (net.parameters["W1"] == 1).all()


@pytest.mark.parametrize(("inputs", "word"), [("input 4x8", "conv1d 64 7"), ("input 4x4x4", "local 16 3x3")])
def test_feedback_is_as_large_as_what_a_filter_sees_wants_it(inputs, word):
    words = [inputs, word.replace("64", "8").replace("16", "8"), word, "dense 3"]
    seen = 8 * (7 if "1d" in word else 9)
    fa = gpufa.Network(words, rule="fa", backend="numpy")
    assert fa.feedback["B1"].shape == fa.parameters["W2"].shape
    np.testing.assert_allclose(fa.feedback["B1"].std(), (3 * seen) ** -0.5, rtol=0.05)
    out = 64 * 7 if "1d" in word else 16 * 9
    for rule in ("usf", "brsf", "frsf"):
        net = network(words, rule)
        V, W = host(net, net.rule.feedback(net.pass_for(4))["W2"])[0], host(net, net.parameters["W2"])
        assert (V * W >= 0).all()
        np.testing.assert_allclose((V**2).mean() ** 0.5, (2 / (seen + out)) ** 0.5, rtol=0.05)
