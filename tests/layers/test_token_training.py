"""Nets of tokens train as others do: resumed to the bit, replica by replica, the same on both backends, without new
arrays in a step."""

import tracemalloc
from functools import partial

import layerlab
import numpy as np
import pytest
from layerlab import layered, straight_is_by_gradients
from rulelab import STEADY, close, values
from tokenlab import PADDED, POOLED, TIED

import gpufa
from gpufa.commands.main import main
from gpufa.plots.weights import largest
from gpufa.rules.direct.dfa import DFA

LAYERS = PADDED[:-1]
TAKING = ["bp", "shallow", "fa", "dfa", "sdfa", "drtp", "kp", "dkp", "usf", "brsf", "frsf"]
draw = np.random.default_rng(0)


def tokens(n, T, V, classes=3):
    """Which of the first tokens stands most often behind."""
    x = draw.integers(1, V, (n, T))
    return x, (x[:, -1] + x[:, 0]) % classes


DATA = gpufa.Data(
    *(
        a.astype(kind)
        for part in (tokens(40, 5, 7), tokens(6, 5, 7))
        for a, kind in zip(part, ("float64", "int64"), strict=True)
    )
)
stepped = partial(layerlab.stepped, LAYERS, data=DATA)


def trained(**settings):
    return values(stepped(**settings).net)


@pytest.mark.parametrize("rule", TAKING)
def test_replicas_are_single_runs(rule, backend):
    both = trained(rule=rule, seeds=(0, 1), backend=backend, **STEADY)
    single = trained(rule=rule, seeds=(1,), backend=backend, **STEADY)
    close({name: p[1] for name, p in both.items()}, single, 1e-10)


@pytest.mark.gpu
@pytest.mark.parametrize("rule", TAKING)
def test_both_backends_train_alike(rule):
    close(trained(rule=rule, backend="cupy", **STEADY), trained(rule=rule, **STEADY), 1e-10)


INSIDE = {"rule": "dfa", "rule_options": {"inside": "feedback", "enters": "activations", "error": "encoder"}}


@pytest.mark.gpu
def test_feedback_inside_blocks_trains_alike_on_both_backends():
    one = trained(backend="cupy", **INSIDE, **STEADY)
    close(one, trained(**INSIDE, **STEADY), 1e-10)


@pytest.mark.gpu
@pytest.mark.filterwarnings("error:the training step can't be recorded")
@pytest.mark.parametrize("own", [{"rule": "bp"}, {"rule": "dfa"}, {"rule": "kp"}, INSIDE])
def test_recorded_steps_are_eager_ones(own, monkeypatch):
    settings = {**own, "optimizer": "sgd", "lr": 0.02, "backend": "cupy"}
    recorded = trained(**settings)
    from gpufa.backends.gpu.backend import CupyBackend

    monkeypatch.setattr(CupyBackend, "capture", lambda self, step, together=None: step)
    close(trained(**settings), recorded, 0)


@pytest.mark.parametrize("rule", ["bp", "dfa"])
def test_float32_is_float64_to_rounding(rule):
    close(trained(rule=rule, dtype="float32", **STEADY), trained(rule=rule, **STEADY), 2e-4)


@pytest.mark.parametrize("rule", ["bp", "fa", "dfa"])
@pytest.mark.parametrize("own", [{}, {"layer_lr": (0.1, 0.3, 0.2, 0.1, 0.2)}, {"freeze": (1, 2)}])
def test_straight_into_the_weights_is_by_way_of_gradients(rule, own, backend):
    straight_is_by_gradients(stepped, own, rule=rule, backend=backend)


@pytest.mark.parametrize("own", [{}, {"freeze": (4,)}, {"freeze": (1,)}, {"layer_lr": (0.3, 0.1, 0.2, 0.1, 0.2)}])
def test_tied_weights_learn_from_both_sides(own, backend):
    """Straight into them as by way of gradients, whichever is frozen: then they have no part of it."""
    x, y = draw.integers(0, 7, (48, 4)), draw.integers(0, 7, 48)
    layers = [*TIED[:4], "mean, dense 6 tanh"]
    data = gpufa.Data(x.astype(float), np.append(y[:-1], 6), x[:3].astype(float), y[:3])
    settings = {"data": data, "rule": "bp", "optimizer": "sgd", "backend": backend, "lr": 0.1} | own
    run, other = (layerlab.stepped(layers, **settings | more) for more in ({}, {"clip": 1e9}))
    assert run.update.direct
    close(values(run.net), values(other.net), 1e-12)


def test_nothing_is_allocated_in_a_step():
    x, y = draw.integers(0, 30, (640, 32)), np.arange(640) % 3
    data = gpufa.Data(x.astype("float32"), y, x[:5].astype("float32"), y[:5])
    layers = (
        "tokens 32 of 30 pad 0",
        "embed 32, positions",
        "residual(layer norm, attention 4 causal), mean, dense 8 tanh",
    )
    run = layered(layers, data=data, rule="bp", batch_size=64, optimizer="sgd", dtype="float32")
    for _ in range(3):
        run.step()
    tracemalloc.start()
    for _ in range(3):
        run.step()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 64 * 32 * 32 * 4 / 2  # half of what one layer puts out


def config(out, **more):
    file = out.parent / "data.npz"
    if not file.exists():
        x = np.random.default_rng(3).integers(0, 17, (200, 8))
        np.savez(file, x=x, y=(x[:, 0] + x[:, 5]) % 3)
    part = "residual(layer norm, attention 2 causal), residual(dense 8 gelu, dense 6)"
    layers = ("tokens 8 of 17", "embed 6, positions", part, "mean, dense 8 tanh")
    settings = {
        "layers": layers,
        "rule": "dfa",
        "seeds": (0, 1),
        "data": str(file),
        "backend": "numpy",
        "out": str(out),
    }
    return gpufa.Config(**settings | more)


@pytest.mark.parametrize("more", [{}, {"validation": 0.3, "keep": "best"}, {"optimizer": "sgd", "rule": "fa"},
                                  {"rule_options": {"error": "encoder", "last": "weights", "ternary": 0.2}},
                                  {"rule_options": {"enters": "activations", "inside": "feedback"}},
                                  {"rule": "fa", "rule_options": {"through": "borders"}}])  # fmt: skip
def test_a_run_resumes_to_the_bit_and_is_loaded_as_it_was(more, tmp_path):
    whole = gpufa.train(config(tmp_path / "whole", epochs=3, **more)).network
    gpufa.train(config(tmp_path / "part", epochs=2, **more))
    resumed, loaded = gpufa.resume(tmp_path / "part", epochs=3).network, gpufa.load(tmp_path / "whole", backend="numpy")
    assert loaded.sizes.shapes[0].of == 17
    x = np.random.default_rng(0).integers(0, 17, (4, 8))
    for net in (resumed, loaded):
        close(values(net), values(whole), 0)
        np.testing.assert_array_equal(net.predict(x), whole.predict(x))


@pytest.mark.filterwarnings("ignore:seed 0 has learnt nothing")
def test_attention_learns_what_no_mean_of_tokens_tells():
    """Whether the first token is as the last: positions and attention come to it, and the frozen line does not."""
    x = np.random.default_rng(1).integers(0, 4, (600, 6))
    y = (x[:, 0] == x[:, -1]).astype(int)
    x[::2, -1], y[::2] = x[::2, 0], 1
    data = gpufa.Data(x[:500].astype("float32"), y[:500], x[500:].astype("float32"), y[500:])
    part = "residual(layernorm, attention 2), residual(layernorm, dense 32 gelu, dense 16)"
    layers = ("tokens 6 of 4", "embed 16, positions", part, "mean, dense 16 tanh")
    found = {}
    for rule in ("bp", "shallow"):
        config = gpufa.Config(layers=layers, rule=rule, epochs=60, lr=5e-3, seeds=(0,), backend="numpy")
        found[rule] = float(gpufa.train(config, data=data).network.evaluate(data.x_test, data.y_test)["error"][0])
    assert found["bp"] < 0.1
    assert found["shallow"] > 0.15


SETTINGS = [
    ("scaling", "standard"),
    ("input_noise", 0.1),
    ("input_dropout", 0.2),
    ("adversarial", 0.1),
    ("missing", "mean"),
    ("augment", ("flip",)),
]


@pytest.mark.parametrize(("name", "value"), SETTINGS)
def test_settings_that_change_amounts_are_refused(name, value):
    with pytest.raises(
        gpufa.InvalidValue, match=rf"{name} = .* changes inputs as amounts, and 'tokens 5 of 7 pad 0' are"
    ):
        layered(LAYERS, data=DATA, **{name: value})


def test_numbers_that_are_no_tokens_stop_a_run_before_it_begins():
    for kind in ("float64", "uint8"):
        bad = DATA._replace(x_train=np.where(np.arange(40)[:, None] == 7, 7, DATA.x_train).astype(kind))
        with pytest.raises(
            gpufa.InvalidValue, match=r"x_train: 7 in row 7, column 0 .* takes whole numbers from 0 to 6"
        ):
            layered(LAYERS, data=bad)


def test_bfloat16_is_refused_and_a_projector_keeps_no_step_from_running(monkeypatch):
    run = gpufa.Network(POOLED, rule=DFA(projector=lambda e, rows: np.ones((rows, e.shape[1]))), backend="numpy")
    assert not run.rule.injects_only


def test_pictures_of_weights_as_images_are_refused_and_a_report_goes_without(tmp_path):
    run = gpufa.train(config(tmp_path / "run", epochs=1))
    with pytest.raises(
        gpufa.InvalidValue, match="weights are drawn as images of what they see, and 'tokens 8 of 17' are"
    ):
        largest(run.network, 4)
    assert main(["report", str(tmp_path / "run"), "--out", str(tmp_path / "page.html")]) == 0
