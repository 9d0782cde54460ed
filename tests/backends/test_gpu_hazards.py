"""What a GPU may do and seldom does: work in any order that streams and graphs allow, memory that ends where an array
ends, processes that are killed."""

import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import standin
from rulelab import DATA, OWN, close, values

import gpufa
from gpufa.rules import RULES
from gpufa.training.trainer import Trainer

pytestmark = pytest.mark.gpu
every_rule = pytest.mark.parametrize("rule", RULES)
STEPS = 7  # of batches of 16 of 40 samples: whole ones and smaller ones, as they are, recorded and replayed


def trained(rule, backend="cupy", steps=STEPS, **kw):
    settings = {"hidden": (9, 7), "batch_size": 16, "seeds": (0, 1), "dtype": "float64", "optimizer": "sgd", "lr": 0.05}
    settings |= {"rule": rule, "backend": backend} | OWN.get(rule, {}) | kw
    if rule == "nn_lift":
        settings["hidden"] = (7,)
    trainer = Trainer(gpufa.Config(**settings), DATA)
    trainer.rule.prepare(trainer.net, trainer.train[0], trainer.train[1])
    for step in range(steps):
        if step % trainer.batches.per_epoch == 0:
            trainer.progress.epoch, trainer.progress.batch = step // trainer.batches.per_epoch, 0
            trainer.begin_epoch()
        trainer.step()
    return values(trainer.net)


@pytest.mark.by_kind
@pytest.mark.standin_only
@pytest.mark.filterwarnings("error")
@every_rule
def test_any_order_of_streams_and_graphs_gives_the_same_bits(rule):
    found = []
    for seed in range(6):
        standin.seed(seed)
        found.append(trained(rule))
        for name, p in found[-1].items():
            np.testing.assert_array_equal(p, found[0][name], err_msg=f"{name}, seed {seed}")
    close(found[0], trained(rule, "numpy"))


@pytest.mark.filterwarnings("error")
@every_rule
def test_a_single_net_is_recorded_too(rule):
    """Where there is one replica, CuPy finds other views to overlap."""
    close(trained(rule, seeds=(0,), steps=3), trained(rule, "numpy", seeds=(0,), steps=3))


@pytest.fixture
def guarded():
    """Every array is an allocation of its own, at whose end the page ends that may be touched."""
    import cupy

    standin.guard(True)
    with cupy.cuda.using_allocator(None):
        yield
    standin.guard(False)


OPTIONS = [
    {"dropout": 0.3, "input_dropout": 0.1, "input_noise": 0.1, "clip": 0.5, "optimizer": "adam"},
    {"adversarial": 0.1, "adversarial_mix": "beside", "activation": "gelu", "weight_decay": 1e-3},
    {"feedback": "procedural", "hidden": (33, 17), "loss": "squared_error", "optimizer": "rmsprop"},
    {"dtype": "float32", "precision": "bf16", "optimizer": "momentum"},
    {"dtype": "float32", "precision": "tf32", "hidden": (70, 65)},
]


@pytest.mark.standin_only
@pytest.mark.usefixtures("guarded")
@every_rule
def test_no_rule_leaves_its_arrays(rule):
    trained(rule, steps=4)
    trained(rule, steps=4, dtype="float32", batch_size=11, hidden=(5,) if rule == "nn_lift" else (5, 3))


@pytest.mark.standin_only
@pytest.mark.usefixtures("guarded")
@pytest.mark.parametrize("options", OPTIONS, ids=str)
@pytest.mark.parametrize("rule", ["fa", "dfa"])
def test_no_setting_leaves_its_arrays(rule, options):
    trained(rule, steps=5, **options)


COMMAND = [sys.executable, "-m", "gpufa"]
TRAIN = [*COMMAND, "train", "--backend", "cupy", "--hidden", "12", "--seeds", "0", "1", "--epochs", "6", "--quiet"]
ROOT = Path(__file__).parents[2]


def test_a_run_that_is_killed_goes_on_bit_for_bit(tmp_path):
    def run(*words):
        return subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=True)

    run(*TRAIN, "--out", tmp_path / "whole")
    for killed in range(2):
        out = tmp_path / str(killed)
        process = subprocess.Popen([*TRAIN, "--out", out], cwd=ROOT)
        while not (out / "checkpoint.h5").exists():
            time.sleep(0.01)
        time.sleep(0.15 * killed)
        process.kill()
        process.wait()
        run(*COMMAND, "resume", out, "--quiet")
        ours, theirs = (gpufa.load(path, backend="numpy").parameters for path in (out, tmp_path / "whole"))
        for name, p in theirs.items():
            np.testing.assert_array_equal(ours[name], p)
