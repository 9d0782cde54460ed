"""Where training begins: at a checkpoint, bit for bit, or at another run's weights."""

import dataclasses

import numpy as np
import pytest
from traininglab import DATA, OPTIONS, config, parameters, same

import gpufa
from gpufa.checkpoints import hdf5
from gpufa.training.trainer import Trainer


class Stop(gpufa.Callback):
    """Asks the run to stop after a step, as Ctrl-C does."""

    def __init__(self, step):
        self.at = step

    def on_step(self, trainer):
        trainer.stop_requested |= trainer.progress.step == self.at


@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_resume_is_bit_for_bit(tmp_path, options):
    """3 + 3 epochs equal 6, and so does a run stopped in the middle of an epoch."""
    settings = config(**options, epochs=6)
    whole = gpufa.train(settings, DATA)
    halves = dataclasses.replace(settings, epochs=3, out=str(tmp_path / "halves"))
    gpufa.train(halves, DATA)
    cut = gpufa.train(dataclasses.replace(settings, out=str(tmp_path / "cut")), DATA, callbacks=[Stop(9)])
    assert cut.interrupted
    for resumed in (
        gpufa.resume(tmp_path / "halves", epochs=6, data=DATA),
        gpufa.resume(tmp_path / "cut", data=DATA),
    ):
        same(parameters(resumed), parameters(whole))
        for table in ("epochs", "probes"):
            ours, theirs = getattr(resumed.history, table), getattr(whole.history, table)
            assert ours.names == theirs.names
            for name in set(ours.names) - {"seconds"}:
                np.testing.assert_array_equal(ours[name], theirs[name], err_msg=name)


def test_resuming_a_finished_run_trains_nothing(tmp_path):
    run = gpufa.train(config(out=str(tmp_path)), DATA)
    before = (tmp_path / "checkpoint.h5").read_bytes()
    again = gpufa.resume(tmp_path, data=DATA)
    assert again.already_finished
    assert (tmp_path / "checkpoint.h5").read_bytes() == before
    same(parameters(again), parameters(run))


def test_the_checkpoint_stands_before_the_first_step(tmp_path):
    class Look(gpufa.Callback):
        def on_step(self, trainer):
            if trainer.progress.step == 1:
                self.found = gpufa.load(tmp_path / "checkpoint.h5").parameters["W1"].copy()

    look = Look()
    settings = config(out=str(tmp_path), init="uniform")
    gpufa.train(settings, DATA, callbacks=[look])
    np.testing.assert_array_equal(look.found, Trainer(settings, DATA).net.parameters["W1"])


def test_changed_data_and_foreign_checkpoints_are_refused(tmp_path):
    gpufa.train(config(out=str(tmp_path / "a")), DATA)
    changed = DATA._replace(x_train=DATA.x_train + 1e-6)
    with pytest.raises(gpufa.InvalidValue, match="have changed since"):
        gpufa.resume(tmp_path / "a", data=changed)
    with pytest.raises(gpufa.InvalidValue, match="trained on arrays of a program"):
        gpufa.resume(tmp_path / "a")
    with pytest.raises(gpufa.FileProblem, match="holds a run already"):
        gpufa.train(config(out=str(tmp_path / "a")), DATA)
    gpufa.train(config(out=str(tmp_path / "a")), DATA, force=True)
    gpufa.save(gpufa.Network([3, 2], rule="bp", backend="numpy"), tmp_path / "net.h5")
    with pytest.raises(gpufa.FileProblem, match="holds a network without its training"):
        gpufa.resume(tmp_path / "net.h5", data=DATA)


def test_a_checkpoint_of_another_net_is_refused(tmp_path):
    from gpufa.checkpoints import hdf5

    gpufa.train(config(out=str(tmp_path)), DATA)
    path = tmp_path / "checkpoint.h5"
    arrays, metadata = hdf5.read(path)
    metadata["config"]["hidden"] = [8, 6]
    hdf5.write(path, arrays, metadata)
    with pytest.raises(
        gpufa.FileProblem, match=r"is of another network: parameters/W2 is float64 \(3, 7, 8\), expected float64"
    ):
        gpufa.resume(tmp_path, data=DATA)
    del arrays["optimizer/mean/W1"]
    metadata["config"]["hidden"] = [8, 7]
    hdf5.write(path, arrays, metadata)
    with pytest.raises(gpufa.FileProblem, match=r"optimizer/mean/W1 is missing, expected float64 \(3, 8, 6\)"):
        gpufa.resume(tmp_path, data=DATA)
    with pytest.raises(gpufa.InvalidValue, match="was trained by rule 'dfa', not 'fa'"):
        gpufa.load(path, rule=gpufa.rules.FA)


def test_a_run_may_start_from_anothers_weights_and_feedback(tmp_path):
    first = gpufa.train(config(epochs=2, out=str(tmp_path / "first"), freeze=(1,)), DATA)
    start = config(epochs=0, start=str(tmp_path / "first"), init="uniform", out=str(tmp_path / "second"))
    second = gpufa.train(start, DATA)
    same(parameters(first), parameters(second))
    same(dict(first.network.feedback), dict(second.network.feedback))
    third = dataclasses.replace(start, epochs=3, out=str(tmp_path / "third"))
    whole = gpufa.train(dataclasses.replace(third, out=None), DATA)
    gpufa.train(dataclasses.replace(third, epochs=1), DATA)
    (tmp_path / "first").rename(tmp_path / "gone")  # a resumed run has its start behind it
    same(parameters(gpufa.resume(tmp_path / "third", epochs=3, data=DATA)), parameters(whole))
    (tmp_path / "gone").rename(tmp_path / "first")
    with pytest.raises(gpufa.InvalidValue, match=r"has seeds = \[0, 1, 2\], but this run \[0, 1\]; start from a run"):
        gpufa.train(dataclasses.replace(start, seeds=(0, 1), out=None), DATA)
    with pytest.raises(gpufa.InvalidValue, match=r"has rule = .*'name': 'dfa'.*, but this run .*'fa'"):
        gpufa.train(dataclasses.replace(start, rule="fa", out=None), DATA)
    for changed, text in (
        ({"hidden": (8, 8)}, r"has sizes = \[6, 8, 7, 3\], but this run \[6, 8, 8, 3\]"),
        ({"activation": "relu"}, r"has activation = \['tanh', 'tanh'\], but this run \['relu', 'relu'\]"),
        ({"loss": "binary_cross_entropy"}, "has loss = 'cross_entropy', but this run 'binary_cross_entropy'"),
        ({"rule_options": {"scale": 9.0}}, "'scale': 1.0.*, but this run .*'scale': 9.0"),
    ):
        with pytest.raises(gpufa.InvalidValue, match=text):
            gpufa.train(dataclasses.replace(start, out=None, **changed), DATA)
    with pytest.raises(gpufa.FileProblem, match="no-such"):
        gpufa.train(dataclasses.replace(start, start=str(tmp_path / "no-such"), out=None), DATA)


def test_a_stop_before_the_first_step_of_a_resumed_epoch_loses_none_of_its_sums(tmp_path):
    class Early(gpufa.Callback):
        def on_start(self, trainer):
            trainer.stop_requested = trainer.progress.step > 0

        def on_step(self, trainer):
            trainer.stop_requested = trainer.progress.step == 9

    gpufa.train(config(out=str(tmp_path)), DATA, callbacks=[Early()])
    before = hdf5.read(tmp_path / "checkpoint.h5")[0]
    assert before["progress/loss_sum"].all()
    gpufa.resume(tmp_path, data=DATA, callbacks=[Early()])
    same(hdf5.read(tmp_path / "checkpoint.h5")[0], before)
    same(parameters(gpufa.resume(tmp_path, data=DATA)), parameters(gpufa.train(config(), DATA)))
