"""Saves take their share of the time and no more; what one would have held is there for divergence and errors."""

import math

import numpy as np
import pytest
from traininglab import DATA, Poison, config, parameters, same

import gpufa
from gpufa.checkpoints import hdf5
from gpufa.runs import folder, held


class Clock:
    """A clock that goes on by hand: a save takes a second, an epoch `epoch` seconds."""

    def __init__(self, monkeypatch, epoch):
        self.now, self.epoch, self.saved = 0.0, epoch, []
        monkeypatch.setattr(folder.time, "perf_counter", lambda: self.now)
        monkeypatch.setattr(folder.hdf5, "write", self.write)
        self.really_write = hdf5.write

    def write(self, path, arrays, metadata):
        self.now += 1
        self.saved.append(int(arrays["progress/epoch"]))
        self.really_write(path, arrays, metadata)


@pytest.fixture(params=[0.5, 100.0])
def clock(request, monkeypatch):
    class Passing(gpufa.Callback, Clock):
        def on_step(self, trainer):
            self.now += self.epoch / trainer.batches.per_epoch

    monkeypatch.setattr(folder, "hdf5", type("hdf5", (), {"write": hdf5.write, "read": hdf5.read}))
    return Passing(monkeypatch, request.param)


def test_saves_take_a_twentieth_of_the_time_at_most(tmp_path, clock):
    gpufa.train(config(epochs=100, out=str(tmp_path)), DATA, callbacks=[clock])
    assert clock.saved[0] == 0
    assert clock.saved[-1] == 100
    if clock.epoch == 100:  # long enough for a save each
        assert clock.saved == [*range(101), 100]
    else:
        assert clock.saved == [0, 41, 82, 100] or np.diff(clock.saved[:-1]).min() >= 40
        assert len(clock.saved) - 2 <= folder.SHARE * clock.now


def test_an_error_costs_no_epoch_that_had_ended(tmp_path, monkeypatch):
    monkeypatch.setattr(folder, "SHARE", 1e-9)  # no save but the first
    whole = gpufa.train(config(epochs=6), DATA)

    class Trouble(gpufa.Callback):
        def on_step(self, trainer):
            if trainer.progress.step == 3 * trainer.batches.per_epoch + 2:
                trainer.net.parameters["W1"][...] = 7  # a step that is half done
                raise RuntimeError

    with (
        pytest.raises(RuntimeError),
        pytest.warns(gpufa.GpufaWarning, match="its checkpoint is of epoch 3"),
    ):
        gpufa.train(config(epochs=6, out=str(tmp_path)), DATA, callbacks=[Trouble()])
    assert hdf5.read(tmp_path / "checkpoint.h5")[0]["progress/epoch"] == 3
    same(parameters(gpufa.resume(tmp_path, data=DATA)), parameters(whole))


@pytest.mark.parametrize("share", [1e-9, math.inf])
def test_what_a_diverged_replica_gets_back_does_not_hang_on_the_clock(tmp_path, monkeypatch, share):
    monkeypatch.setattr(folder, "SHARE", share)
    poison = Poison(1, 3)
    run = gpufa.train(config(epochs=6, out=str(tmp_path)), DATA, callbacks=[poison])
    assert run.summary["status"] == ["finished", "diverged", "finished"]
    for name, p in parameters(run).items():
        np.testing.assert_array_equal(p[1], poison.good[f"parameters/{name}"])


def test_no_file_hangs_on_the_clock(tmp_path, monkeypatch):
    found = []
    for share in (1e-9, math.inf):
        monkeypatch.setattr(folder, "SHARE", share)
        gpufa.train(config(epochs=6, out=str(tmp_path / str(share))), DATA)
        arrays, metadata = hdf5.read(tmp_path / str(share) / "checkpoint.h5")
        del arrays["history/epochs/seconds"], metadata["config"]["out"]
        found.append((arrays, metadata))
    assert found[0][1] == found[1][1]
    same(found[0][0], found[1][0])


def test_of_a_large_checkpoint_that_is_put_off_there_is_no_copy(tmp_path, monkeypatch):
    """A seed that diverges gets back what the last checkpoint holds."""
    monkeypatch.setattr(folder, "SHARE", 1e-9)
    held_at = []

    class Look(gpufa.Callback):
        def on_epoch(self, trainer):
            held_at.append(trainer.callbacks[0].held)

    for size, there in ((held.HELD, True), (10, False)):
        monkeypatch.setattr(held, "HELD", size)
        held_at.clear()
        gpufa.train(config(epochs=3, out=str(tmp_path / str(size))), DATA, callbacks=[Look()])
        assert [one is not None for one in held_at] == [there] * 3
    with pytest.warns(gpufa.GpufaWarning, match="W1 of seed 1 is zero still"):
        run = gpufa.train(config(epochs=4, out=str(tmp_path / "poisoned")), DATA, callbacks=[Poison(1, 2)])
    assert run.diverged
    start = gpufa.train(config(epochs=0, out=str(tmp_path / "start")), DATA)
    for name, p in parameters(run).items():
        np.testing.assert_array_equal(p[1], parameters(start)[name][1])
