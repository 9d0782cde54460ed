"""What gpufa promises of its numbers, clause by clause, of every rule.

"Equal seeds, replicas, backend, precision and threads: the same bits, resumed or not, captured or not (one cuBLAS
handle and workspace per graph branch; no floating-point atomics). Otherwise (other thread counts, NumPy against CuPy, a
replica against its single run): to rounding, tested in float64 over 50 steps at 1e-10 relative and in float32 over one
step. Random numbers and feedback are the same bits everywhere."

To rounding are runs by sgd, momentum or nesterov. Adam, adamw and rmsprop divide each gradient by its own size plus
eps, 1e-8, and make up to a whole step of the rounding of one that is all but zero. Of them the gradients of a step are
promised to rounding, and of Adam's first step that it differs by no more than lr / eps times its gradient does, and
never by more than 2 lr. With eps of 1e-3 they are as steady as the others. So the same bits are tested with each rule's
own optimizer, most often Adam, what is equal to rounding with momentum, and Adam's first step for itself. nn_lift
searches for hidden units, and is held to rounding where the data determine them; on others it may find others.

Held elsewhere: resumed on NumPy, test_every_rule.py, and with every option of training, test_resume.py; captured with
those options, test_gpu.py; NumPy against CuPy with every activation, loss and optimizer, test_same_code.py; random
numbers, test_random.py and test_draw_operations.py.
"""

import re
from itertools import product
from pathlib import Path

import numpy as np
import pytest
from rulelab import DATA, OWN, STEADY, STEADY_EPS, close, values
from threadpoolctl import threadpool_info, threadpool_limits

import gpufa
from gpufa import plots
from gpufa.backends import get_backend, kernels
from gpufa.backends.gpu.device import CaptureFailed
from gpufa.functions.optimizers import OPTIMIZERS
from gpufa.net.state.arena import Arena
from gpufa.rules import RULES
from gpufa.training.trainer import Trainer

get_backend("numpy")  # loads every BLAS, so that their threads can be set
every_rule = pytest.mark.parametrize("rule", RULES)
EPSILON = float(np.finfo("float32").eps)
ROUNDINGS = {"chl": 4000, "evolution": 100}  # which learn from differences of nearly equal numbers; else 10


@pytest.fixture(autouse=True)
def no_pictures(monkeypatch):
    """They would take most of the time."""
    monkeypatch.setattr(plots, "curves", lambda history, path: None)


def config(rule, **kw):
    """50 steps in float64 of two seeds."""
    settings = {
        "hidden": (9, 7),
        "batch_size": 8,
        "epochs": 10,
        "seeds": (0, 1),
        "probe_every": 10**9,
        "checkpoint_every": 100,
        "dtype": "float64",
    }
    return gpufa.Config(**settings | {"rule": rule, "backend": "numpy"} | OWN.get(rule, {}) | kw)


def trained(rule, data=DATA, **kw):
    found = values(gpufa.train(config(rule, **kw), data).network)
    assert all(np.isfinite(p).all() for p in found.values())
    return found


def same(a, b):
    assert a.keys() == b.keys()
    for name in a:
        np.testing.assert_array_equal(a[name], b[name], err_msg=name)


@pytest.mark.by_kind
@pytest.mark.filterwarnings("error:the training step can't be recorded")
@pytest.mark.gpu
@every_rule
def test_captured_or_not_and_resumed_the_bits_are_the_same(rule, tmp_path, monkeypatch):
    def refuse(step):
        raise CaptureFailed("for a test")

    run = gpufa.train(config(rule, backend="cupy"), DATA)
    recorded = values(run.network)
    same(cut(rule, "cupy", "cupy", tmp_path), recorded)
    monkeypatch.setattr(run.network.backend.device, "record", refuse)
    with pytest.warns(UserWarning, match="for a test"):
        same(trained(rule, backend="cupy"), recorded)


@pytest.mark.by_kind
@pytest.mark.filterwarnings("error:the training step can't be recorded")
@pytest.mark.gpu
@every_rule
def test_on_cupy_and_resumed_from_one_backend_on_the_other_it_is_numpys_run_to_rounding(rule, tmp_path):
    numpys = trained(rule, **STEADY)
    close(trained(rule, backend="cupy", **STEADY), numpys)
    close(cut(rule, "numpy", "cupy", tmp_path, **STEADY), numpys)
    close(cut(rule, "cupy", "numpy", tmp_path, **STEADY), numpys)


def cut(rule, first, second, folder, **kw):
    """Half of the steps on one backend, the others on another."""
    out = folder / f"{first}-{second}"
    trained(rule, backend=first, epochs=5, out=str(out), **kw)
    return values(gpufa.resume(out, epochs=10, data=DATA, backend=second).network)


def on(threads, make, **kw):
    """make(**kw) with so many threads of BLAS."""
    with threadpool_limits(threads, "blas"):
        assert {pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"} == {threads}
        return make(**kw)


def wide(rule):
    """Data and settings with products large enough for BLAS to share them out, and of sizes at which that rounds
    another way; for nn_lift data of a net whose units they determine."""
    if rule == "nn_lift":
        draw = np.random.default_rng(7)
        x = draw.normal(size=(20169, 6))
        A = np.linalg.qr(draw.normal(size=(6, 6)))[0][:4]
        y = np.tanh(1.5 * x @ A.T + [0.3, 0.5, 0.7, 0.9]) @ draw.uniform(1, 2, (4, 2))
        parts, settings = len(x) - 9, {"hidden": (4,), "batch_size": 4032}
    else:
        x, y, *_ = gpufa.load_data("digits")
        parts, settings = 315, {"hidden": (101, 83), "batch_size": 63}
    return {"rule": rule, "data": gpufa.Data(x[:parts], y[:parts], x[-9:], y[-9:]), "seeds": (0,), **settings}


@pytest.mark.by_kind
@every_rule
def test_threads_keep_the_bits_when_resumed(rule, tmp_path):
    settings = wide(rule)
    two = on(2, trained, **settings)
    on(2, trained, **settings | {"epochs": 5, "out": str(tmp_path)})
    same(values(on(2, gpufa.resume, path=tmp_path, epochs=10, data=settings["data"]).network), two)


@pytest.mark.by_kind
@every_rule
def test_other_numbers_of_threads_keep_all_but_rounding(rule, tmp_path):
    settings = wide(rule) | STEADY
    two, one = (on(threads, trained, **settings) for threads in (2, 1))
    close(one, two)
    step = {"dtype": "float32", "batch_size": 5 * settings["batch_size"], "epochs": 1}
    close(*(on(threads, trained, **settings | step) for threads in (2, 1)), 10 * EPSILON)
    on(2, trained, **settings | {"epochs": 5, "out": str(tmp_path)})
    close(values(on(1, gpufa.resume, path=tmp_path, epochs=10, data=settings["data"]).network), two)


@pytest.mark.parametrize("rule", [rule for rule in RULES if RULES[rule].defaults["optimizer"] == "adam"])
def test_adams_first_step_makes_no_more_of_rounding_than_lr_over_eps_and_never_over_two_steps(rule):
    settings = wide(rule) | {"optimizer": "adam", "lr": 0.003, "dtype": "float32", "batch_size": 315, "epochs": 1}
    data = settings.pop("data")

    def first(threads):
        """Where a step leads, the gradient, which is 10 times Adam's mean after it, and the learning rates."""
        run = Trainer(config(**settings), data)
        on(threads, run.run)
        arrays = run.net.arena.flat, run.update.states["mean"].flat * 10, run.update.rates
        return arrays, run.net.arena.spans

    (W, g, rates), spans = first(2)
    (other, slope, _), _ = first(1)
    assert np.linalg.norm(slope - g) < ROUNDINGS.get(rule, 10) * EPSILON * np.linalg.norm(g)
    for name, rate in rates.items():
        part = np.s_[:, spans[name]]
        reach = rate * np.minimum(2, (np.abs(slope - g) + EPSILON * np.abs(g))[part] / 1e-8)
        assert (np.abs(other - W)[part] <= reach + 2 * EPSILON * np.abs(W[part])).all(), name


@every_rule
def test_a_replica_is_its_single_run_to_rounding(rule):
    both = trained(rule, **STEADY)
    for r, seed in enumerate((0, 1)):
        close(trained(rule, seeds=(seed,), **STEADY), {name: p[r] for name, p in both.items()})


def one_far_step(rule):
    """A step beside which the rounding of the weights themselves is nothing; pepita's passes are told further apart."""
    return {"optimizer": "sgd", "lr": 100.0} | ({"rule_options": {"scale": 0.5}} if rule == "pepita" else {})


@every_rule
def test_one_step_in_float32_is_that_of_float64_to_rounding(rule, monkeypatch):
    monkeypatch.syspath_prepend(Path(__file__).parents[2])
    from benchmarks.reliability.drift import compared

    one = {"batch_size": 64, "samples": 64, "epochs": 1}
    drift, _ = compared(config(rule, **one, **one_far_step(rule)), gpufa.load_data("digits"), (1,))
    assert drift[1].max() < ROUNDINGS.get(rule, 10) * EPSILON, drift[1] / EPSILON


@pytest.mark.parametrize("other", [pytest.param({"backend": "cupy"}, marks=pytest.mark.gpu), {"seeds": (0,)}], ids=str)
@every_rule
def test_one_step_in_float32_is_the_same_on_cupy_and_alone_to_rounding(rule, other):
    def moved(**kw):
        """How far an epoch of one step takes seed 0."""
        one = config(rule, dtype="float32", batch_size=40, epochs=1, **one_far_step(rule), **kw)
        start, end = Trainer(one, DATA).net, gpufa.train(one, DATA).network
        return np.subtract(*(net.backend.to_host(net.arena.flat)[0] for net in (end, start)))

    first = moved()
    assert np.linalg.norm(moved(**other) - first) < ROUNDINGS.get(rule, 10) * EPSILON * np.linalg.norm(first)


@every_rule
def test_initial_weights_and_feedback_are_the_same_bits_everywhere(rule, backend):
    def drawn(backend, threads, seeds=(0, 1)):
        with threadpool_limits(threads, "blas"):
            net = Trainer(config(rule, backend=backend, seeds=seeds), DATA).net
        host = net.backend.to_host
        return values(net) | {f"feedback {name}": np.array(host(b)) for name, b in net.feedback.items()}

    first = drawn("numpy", 1)
    same(drawn(backend, 2), first)
    same(drawn(backend, 1, seeds=(1,)), {name: p[1] for name, p in first.items()})


def test_no_kernel_has_atomics_but_the_one_that_counts_blocks():
    sources = [source.read_text() for source in Path(kernels.__file__).parent.glob("*.cu*")]
    assert len(sources) > 3
    found = re.findall(r"\batomic\w+.*?\)", "\n".join(sources), re.IGNORECASE)
    assert found == ["atomicAdd(arrived, 1u)"]
    assert "unsigned* arrived" in "\n".join(sources)


@pytest.mark.parametrize(("rule", "optimizer"), [*product(["dfa", "dni"], OPTIMIZERS)])
def test_the_order_of_layers_in_memory_changes_nothing_but_rounding(rule, optimizer, monkeypatch):
    """Biases first, then weights from the last layer to the first; dni has parameters of its own, which go between."""
    settings = {"optimizer": optimizer, "lr": 0.02, "clip": 0.1, "weight_decay": 1e-3, **STEADY_EPS}
    plain = gpufa.train(config(rule, **settings), DATA).network
    lay_out = Arena.__init__

    def reordered(self, backend, shapes, *others):
        if "b1" in shapes:
            weights = [name for name in shapes if name[0] != "b"]
            order = [name for name in shapes if name[0] == "b"] + weights[::-1]
            shapes = {name: shapes[name] for name in order}
        lay_out(self, backend, shapes, *others)

    monkeypatch.setattr(Arena, "__init__", reordered)
    other = gpufa.train(config(rule, **settings), DATA).network
    assert other.arena.spans["W1"].start > other.arena.spans["W3"].start > plain.arena.spans["W1"].start
    close(values(other), {name: values(plain)[name] for name in other.parameters})
