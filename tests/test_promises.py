"""What gpufa promises of its numbers, clause by clause, of every rule.

"Equal seeds, replicas, backend, precision and threads: the same bits, resumed or not, captured or not (one cuBLAS
handle and workspace per graph branch; no floating-point atomics). Otherwise (other thread counts, NumPy against CuPy, a
replica against its single run): to rounding, tested in float64 over 50 steps at 1e-10 relative and in float32 over one
step. Random numbers and feedback are the same bits everywhere."

Held elsewhere: resumed on NumPy, test_every_rule.py, and with every option of training, test_training.py; captured with
those options, test_cupy.py, and on a GPU, where the branches have handles of their own, test_gpu.py; NumPy against CuPy
with every activation, loss and optimizer, test_same_code.py; random numbers, test_random.py and test_operations.py.
"""

import shutil
from itertools import product
from pathlib import Path

import hostdevice
import numpy as np
import pytest
from rulelab import DATA, OWN, close, values
from threadpoolctl import threadpool_info, threadpool_limits

import gpufa
from gpufa import plots
from gpufa.arena import Arena
from gpufa.backends import get_backend, kernels
from gpufa.backends.device import CaptureFailed
from gpufa.optimizers import OPTIMIZERS
from gpufa.rules import RULES
from gpufa.trainer import Trainer

get_backend("numpy")  # loads every BLAS, so that their threads can be set
every_rule = pytest.mark.parametrize("rule", RULES)
GPU = pytest.param("gpu", marks=pytest.mark.gpu)
EPSILON = float(np.finfo("float32").eps)
ROUNDINGS = {"chl": 4000, "evolution": 100}  # which learn from differences of nearly equal numbers; else 10


@pytest.fixture(autouse=True)
def no_pictures(monkeypatch):
    """They would take most of the time."""
    monkeypatch.setattr(plots, "curves", lambda history, path: None)


@pytest.fixture(params=["host", GPU])
def cupy(request, monkeypatch):
    """Lets backend "cupy" run, on the host or a GPU."""
    if request.param == "host":
        hostdevice.install(monkeypatch)


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


@pytest.mark.filterwarnings("error:the training step can't be recorded")
@pytest.mark.usefixtures("cupy")
@every_rule
def test_captured_or_not_and_resumed_the_bits_are_the_same_and_numpys_to_rounding(rule, tmp_path, monkeypatch):
    def cut(first, second):
        """Half of the steps on one backend, the others on another."""
        out = tmp_path / f"{first}-{second}"
        trained(rule, backend=first, epochs=5, out=str(out))
        return values(gpufa.resume(out, epochs=10, data=DATA, backend=second).network)

    def refuse(step):
        raise CaptureFailed("for a test")

    run, numpys = gpufa.train(config(rule, backend="cupy"), DATA), trained(rule)
    recorded = values(run.network)
    close(recorded, numpys)
    same(cut("cupy", "cupy"), recorded)
    close(cut("numpy", "cupy"), numpys)
    close(cut("cupy", "numpy"), numpys)
    monkeypatch.setattr(run.network.backend.device, "record", refuse)
    with pytest.warns(UserWarning, match="for a test"):
        same(trained(rule, backend="cupy"), recorded)


@every_rule
def test_threads_keep_the_bits_and_other_numbers_of_them_keep_all_but_rounding(rule, tmp_path):
    """With products large enough for BLAS to share them out, and of sizes at which that rounds another way."""
    x, y, *_ = gpufa.load_data("digits")
    data = gpufa.Data(x[:315], y[:315], x[-9:], y[-9:])
    wide = {"hidden": (9,) if rule == "nn_lift" else (101, 83), "batch_size": 63, "seeds": (0,)}

    def on(threads, make, **kw):
        with threadpool_limits(threads, "blas"):
            assert {pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"} == {threads}
            return make(**kw)

    two, one = (on(threads, trained, rule=rule, data=data, **wide) for threads in (2, 1))
    close(one, two)
    step = {"dtype": "float32", "batch_size": 315, "epochs": 1}
    close(*(on(threads, trained, rule=rule, data=data, **wide | step) for threads in (2, 1)), 10 * EPSILON)
    on(2, trained, rule=rule, data=data, **wide | {"epochs": 5, "out": str(tmp_path / "half")})
    shutil.copytree(tmp_path / "half", tmp_path / "again")
    same(values(on(2, gpufa.resume, path=tmp_path / "half", epochs=10, data=data).network), two)
    close(values(on(1, gpufa.resume, path=tmp_path / "again", epochs=10, data=data).network), two)


@every_rule
def test_a_replica_is_its_single_run_to_rounding(rule):
    both = trained(rule)
    for r, seed in enumerate((0, 1)):
        close(trained(rule, seeds=(seed,)), {name: p[r] for name, p in both.items()})


@every_rule
def test_one_step_in_float32_is_that_of_float64_to_rounding(rule, monkeypatch):
    monkeypatch.syspath_prepend(Path(__file__).parents[1])
    from benchmarks.reliability.drift import compared

    one = {"optimizer": "sgd", "lr": 1.0, "batch_size": 64, "samples": 64, "epochs": 1}
    drift, _ = compared(config(rule, **one), gpufa.load_data("digits"), (1,))
    assert drift[1].max() < ROUNDINGS.get(rule, 10) * EPSILON, drift[1] / EPSILON


@pytest.mark.usefixtures("cupy")
@every_rule
def test_one_step_in_float32_is_the_same_on_cupy_and_alone_to_rounding(rule):
    def moved(**kw):
        """How far an epoch of one step takes seed 0."""
        one = config(rule, optimizer="sgd", lr=1.0, dtype="float32", batch_size=40, epochs=1, **kw)
        start, end = Trainer(one, DATA).net, gpufa.train(one, DATA).network
        return np.subtract(*(net.backend.to_host(net.arena.flat)[0] for net in (end, start)))

    first = moved()
    for other in (moved(backend="cupy"), moved(seeds=(0,))):
        assert np.linalg.norm(other - first) < ROUNDINGS.get(rule, 10) * EPSILON * np.linalg.norm(first)


@pytest.mark.usefixtures("cupy")
@every_rule
def test_initial_weights_and_feedback_are_the_same_bits_everywhere(rule):
    def drawn(backend, threads, seeds=(0, 1)):
        with threadpool_limits(threads, "blas"):
            net = Trainer(config(rule, backend=backend, seeds=seeds), DATA).net
        host = net.backend.to_host
        return values(net) | {f"feedback {name}": np.array(host(b)) for name, b in net.feedback.items()}

    first = drawn("numpy", 1)
    same(drawn("cupy", 1), first)
    same(drawn("numpy", 2), first)
    same(drawn("numpy", 1, seeds=(1,)), {name: p[1] for name, p in first.items()})


def test_no_kernel_has_atomics():
    sources = [*Path(kernels.__file__).parent.glob("*.cu*")]
    assert len(sources) > 3
    for source in sources:
        assert "atomic" not in source.read_text().lower(), source.name


@pytest.mark.parametrize(("rule", "optimizer"), [*product(["dfa", "dni"], OPTIMIZERS)])
def test_the_order_of_layers_in_memory_changes_nothing_but_rounding(rule, optimizer, monkeypatch):
    """Biases first, then weights from the last layer to the first; dni has parameters of its own, which go between."""
    settings = {"optimizer": optimizer, "lr": 0.02, "clip": 0.1, "weight_decay": 1e-3}
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
