"""Runs that take a batch in windows of time, or go back through some steps, end anywhere and go on bit for bit."""

import dataclasses
import signal
import subprocess
import sys

import numpy as np
import pytest

import gpufa
from gpufa.data.tasks.copying import CopyTask

TASK = CopyTask(length=2, delay=3, alphabet=3, train_samples=24, test_samples=6)  # 7 steps
RULES = [("bp", {"window": 3}), ("dni_windows", {"window": 3}), ("bp", {"truncate": 2}), ("bp", {})]
every_rule = pytest.mark.parametrize(("rule", "options"), RULES)

KILLED = """
import os, signal, sys
import gpufa
from gpufa.layers.time.cell import Cell
sys.path.insert(0, sys.argv[1])
from test_windows_resumed import TASK, config

class Count(gpufa.Callback):
    left = None
    def on_step(self, trainer):
        if trainer.progress.step == 6:
            Count.left = 4

def down(self, *args, real=Cell.down):
    if Count.left is not None:
        Count.left -= 1
        if not Count.left:
            os.kill(os.getpid(), signal.SIGKILL)
    real(self, *args)

Cell.down = down
gpufa.train(config(sys.argv[3], eval(sys.argv[4]), out=sys.argv[2]), TASK.data(), callbacks=[Count()])
"""


def config(rule, options, **kw):
    return gpufa.Config(
        layers=("input 4x7", "gru 5 all"), rule=rule, rule_options=options, epochs=3, batch_size=6, lr=0.01,
        optimizer="adam", seeds=(0, 1), backend="numpy", task="places", **kw,
    )  # fmt: skip


def same(found, expected):
    for name, p in expected.network.parameters.items():
        np.testing.assert_array_equal(found.network.parameters[name], p, err_msg=name)


@every_rule
def test_a_stopped_run_goes_on_between_two_batches_of_an_epoch(rule, options, tmp_path):
    whole = gpufa.train(config(rule, options, out=str(tmp_path / "whole")), TASK.data())

    class Stop(gpufa.Callback):
        def on_step(self, trainer):
            trainer.stop_requested = trainer.progress.step == 6

    gpufa.train(dataclasses.replace(whole.config, out=str(tmp_path / "parts")), TASK.data(), callbacks=[Stop()])
    same(gpufa.resume(tmp_path / "parts", data=TASK.data()), whole)


@every_rule
def test_a_run_that_is_killed_in_the_middle_of_a_batch_goes_on_from_its_checkpoint(rule, options, tmp_path):
    """On the way back through a window that is not the first of its batch, behind which the weights have changed."""
    command = [sys.executable, "-c", KILLED, __file__.rpartition("/")[0], str(tmp_path / "run"), rule, str(options)]
    assert subprocess.run(command, check=False).returncode == -signal.SIGKILL
    same(gpufa.resume(tmp_path / "run", data=TASK.data()), gpufa.train(config(rule, options), TASK.data()))
