"""Runs whose samples stay in their file, beside runs that have them in memory."""

import dataclasses
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from traininglab import blobs, config, parameters, same

import gpufa
from gpufa.checkpoints import networks
from gpufa.checkpoints.provenance import data_of, fingerprint
from gpufa.parallel.ranks import Ranks
from gpufa.rules import make_rule
from gpufa.training.sets.streaming import streaming
from gpufa.training.sets.windows import Windows
from gpufa.training.trainer import Trainer

DATA = blobs(n=400)
BYTES = np.random.default_rng(1).integers(0, 256, (300, 2, 4, 5), np.uint8)


def npy(folder, **arrays):
    folder.mkdir(exist_ok=True)
    for name, array in arrays.items():
        np.save(folder / f"{name}.npy", array)
    return str(folder)


@pytest.fixture
def blob_files(tmp_path):
    return npy(tmp_path / "blobs", **DATA._asdict())


@pytest.fixture
def image_files(tmp_path):
    return npy(tmp_path / "images", x=BYTES, y=np.arange(300) % 4)


@pytest.fixture(autouse=True)
def small_windows(monkeypatch):
    """Of a few batches, as those of large data are of many."""
    monkeypatch.setattr("gpufa.training.sets.streaming.WINDOW", 3000)
    monkeypatch.setattr("gpufa.training.sets.streaming.BLOCK", 700)
    monkeypatch.setattr("gpufa.training.sets.streaming.LEAST", 1)


class Stop(gpufa.Callback):
    def __init__(self, step):
        self.at = step

    def on_step(self, trainer):
        trainer.stop_requested |= trainer.progress.step == self.at


def both(path, **settings):
    """A trainer of what streams, and one of the same in memory."""
    made = []
    for stream in ("always", "never"):
        one = config(data=path, stream=stream, **settings)
        made.append(Trainer(one, data_of(one, None)[0]))
    assert isinstance(made[0].batches, Windows)
    return made


SETTINGS = [
    {},
    {"validation": 0.2, "scaling": "standard"},
    {"validation": 0.2, "scaling": "minmax", "samples": 120, "class_weights": "balanced"},
    {"scaling": "unit", "label_noise": 0.3, "class_weights": {"0": 1, "1": 2, "2": 3}},
    {"dtype": "float32", "scaling": "standard"},
]


@pytest.mark.parametrize("settings", SETTINGS, ids=str)
def test_all_but_the_order_is_as_in_memory(blob_files, settings):
    """Which samples are held out, the scaling, the scores, what is taught and what it weighs."""
    here, there = both(blob_files, **settings)
    if there.net.scaling:
        for one, other in zip(here.net.scaling[:2], there.net.scaling[:2], strict=True):
            np.testing.assert_allclose(one, other, rtol=1e-12, atol=1e-12)
        here.net.scaling = there.net.scaling
    for name in "train", "held", "test":
        (x, y), (x_there, y_there) = getattr(here, name), getattr(there, name)
        assert len(x) == len(y) == len(x_there)
        if not len(x):
            continue
        np.testing.assert_array_equal(x[: len(x)], x_there)
        np.testing.assert_array_equal(y[: len(y)], y_there)
    np.testing.assert_array_equal(here.probe[1], there.probe[1])
    assert (here.batches.n, here.batches.per_epoch, here.chance) == (
        there.batches.n,
        there.batches.per_epoch,
        there.chance,
    )
    np.testing.assert_array_equal(here.batches.taught, there.batches.y)
    assert fingerprint(data_of(here.config, None)[0], "x") == fingerprint(data_of(there.config, None)[0], "x")
    if "class_weights" in settings:
        w = np.concatenate([here.batches.data.weights(i, i + 1) for i in range(here.batches.n)], axis=1)
        np.testing.assert_allclose(w, there.batches.all.weights, rtol=1e-12)


def test_scores_are_those_in_memory_bit_for_bit(blob_files):
    here, there = both(blob_files, validation=0.2, init="uniform")
    same(here.net.parameters, there.net.parameters)
    for name in "train", "held", "test":
        one, other = (gpufa.measure.scores.evaluate(t.net, *getattr(t, name)) for t in (here, there))
        same(one, other)


def test_a_blind_run_has_no_figure_of_its_test_samples(blob_files):
    here, there = both(blob_files, validation=0.2, blind=True)
    for trainer in (here, there):
        trainer.run()
    assert len(here.test[0]) == len(there.test[0]) == 0
    assert here.history.epochs.names == there.history.epochs.names


def test_one_window_of_one_block_is_the_order_in_memory(tmp_path, monkeypatch):
    monkeypatch.undo()
    path = npy(tmp_path / "small", **DATA._asdict())
    settings = {"data": path, "validation": 0.1, "scaling": "none"}
    one, other = (gpufa.train(config(stream=stream, **settings)) for stream in ("always", "never"))
    same(parameters(one), parameters(other))


@pytest.mark.parametrize("path", ["blob_files", "image_files"])
@pytest.mark.parametrize(
    "options",
    [
        {"rule": "bp", "optimizer": "adam", "scaling": "standard", "validation": 0.2},
        {"rule": "dfa", "dropout": 0.3, "input_noise": 0.2, "label_noise": 0.2, "scaling": "unit"},
    ],
    ids=str,
)
def test_a_run_goes_on_in_mid_epoch_bit_for_bit(tmp_path, request, path, options):
    settings = config(data=request.getfixturevalue(path), stream="always", epochs=4, **options)
    whole = gpufa.train(settings)
    for step in (5, 22, 31):
        out = dataclasses.replace(settings, out=str(tmp_path / f"cut{step}"))
        assert gpufa.train(out, callbacks=[Stop(step)]).interrupted
        resumed = gpufa.resume(out.out)
        same(parameters(resumed), parameters(whole))
        for name in set(whole.history.epochs.names) - {"seconds"}:
            np.testing.assert_array_equal(resumed.history.epochs[name], whole.history.epochs[name], err_msg=name)


def test_images_are_changed_as_they_are_trained_on(tmp_path, image_files, backend):
    """Recorded steps, where a GPU has them, go on from window to window."""
    given = {"augment": "flip, crop 1", "scaling": "channel", "rule": "bp", "epochs": 3, "validation": 0.1}
    settings = config(data=image_files, stream="always", backend=backend, **given)
    whole = gpufa.train(settings)
    out = dataclasses.replace(settings, out=str(tmp_path / "cut"))
    assert gpufa.train(out, callbacks=[Stop(20)]).interrupted
    same(parameters(gpufa.resume(out.out)), parameters(whole))


def test_what_was_decided_is_in_the_checkpoint(tmp_path, blob_files, monkeypatch):
    """A run that streams for want of memory goes on so where there is some; one that does not never does."""
    out = config(data=blob_files, out=str(tmp_path / "run"), epochs=2)
    with monkeypatch.context() as short:
        short.setattr("gpufa.data.streams.room.free", lambda: 1000)
        run = gpufa.train(out)
    assert run.config.stream == "always"
    assert run.config.stream_block == 700 // 48
    assert 'stream = "always"' in (tmp_path / "run" / "config.toml").read_text()

    class Look(gpufa.Callback):
        def on_start(self, trainer):
            assert isinstance(trainer.batches, Windows)

    gpufa.resume(out.out, epochs=3, callbacks=[Look()])
    held = dataclasses.replace(out, out=str(tmp_path / "held"))
    run = gpufa.train(held)
    assert (run.config.stream, run.config.stream_block) == ("auto", None)
    assert "stream" not in (tmp_path / "held" / "config.toml").read_text()
    monkeypatch.setattr("gpufa.data.streams.room.free", lambda: 1000)
    assert gpufa.resume(held.out, epochs=3).config.stream == "auto"


def test_what_was_taken_is_said(blob_files, monkeypatch):
    made = both(blob_files, stream_block=None)[0]
    assert made.taken.endswith("; streamed in blocks of 14 samples (as --stream always asks for)")
    monkeypatch.setattr("gpufa.data.streams.room.free", lambda: 20_000)
    one = config(data=blob_files, stream_block=9)
    made = Trainer(one, data_of(one, None)[0])
    assert made.taken.endswith(
        "; streamed in blocks of 9 samples (in memory they may take 57.6 kB while they are read, and 20 kB are free)"
    )


def test_a_compared_rule_streams_too(tmp_path, blob_files):
    out = config(data=blob_files, stream="always", epochs=1, out=str(tmp_path / "all"))
    found = gpufa.compare(out, rules=("bp", "dfa"))
    assert all(run.config.stream == "always" for run in found.runs.values())


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"rule": "rbm"}, "rule 'rbm' looks at all training samples at once, and these stay in their file"),
        ({"scaling": "zca"}, "scaling 'zca' is fitted to all training samples at once, and these stay in their file"),
        ({"missing": "mean"}, "it can't stream: missing values are filled in by what all samples have"),
        ({"stream": "never", "stream_block": 3}, "stream_block = 3 is for data that stream, and stream is 'never'"),
    ],
)
def test_what_needs_all_samples_at_once_is_refused(blob_files, settings, said):
    with pytest.raises(gpufa.InvalidValue, match=said):
        gpufa.train(config(**{"data": blob_files, "stream": "always"} | settings))


def test_data_that_memory_holds_only_once_say_what_helps(monkeypatch):
    """Scaled they take as much again."""

    def none(*given, **more):
        raise MemoryError("unable")

    for where in "gpufa.training.sets.prepared.fit_scaling", "gpufa.net.learner.Learner.as_trained":
        with monkeypatch.context() as short:
            short.setattr(where, none)
            said = (
                r"there is no memory for this \(unable\); let the samples stay in a file with --stream always, or use"
            )
            with pytest.raises(gpufa.GpufaError, match=said):
                gpufa.train(config(scaling="unit"), DATA)


def test_processes_read_their_data_alike(blob_files):
    class Others(Ranks):
        def any(self, flag):
            return True

    settings = config(data=blob_files)
    with pytest.raises(gpufa.InvalidValue, match=r"memory holds the data in some of the processes, and not in others"):
        streaming(settings, data_of(settings, None)[0], make_rule("dfa"), Others())


def test_arrays_of_a_program_do_not_stream():
    with pytest.raises(gpufa.InvalidValue, match=r"stream = 'always' is for files, and the data are handed in"):
        gpufa.train(config(stream="always"), DATA)
    for name, value in ("stream", "sometimes"), ("stream_block", 0):
        with pytest.raises(gpufa.InvalidValue, match=f"{name} = .* can't be used; expected"):
            config(**{name: value})


def test_a_file_that_is_cut_off_leaves_the_checkpoint_whole(tmp_path, blob_files):
    out = config(data=blob_files, stream="always", epochs=5, out=str(tmp_path / "run"))

    class Cut(gpufa.Callback):
        def on_epoch(self, trainer):
            if trainer.progress.epoch == 2:
                with open(f"{blob_files}/x_train.npy", "r+b") as file:
                    file.truncate(5000)

    file = Path(blob_files, "x_train.npy")
    raw = file.read_bytes()
    with (
        pytest.raises(gpufa.FileProblem, match=r"x_train.npy was changed while it was read"),
        pytest.warns(gpufa.GpufaWarning, match=r"go on from there with gpufa resume"),
    ):
        gpufa.train(out, callbacks=[Cut()])
    with pytest.raises(gpufa.FileProblem, match=r"x_train.npy has 5000 bytes, but its header asks for"):
        gpufa.resume(out.out)
    file.write_bytes(raw)
    resumed = gpufa.resume(out.out)
    same(parameters(resumed), parameters(gpufa.train(dataclasses.replace(out, out=None))))


KILLED = """
import sys, gpufa
from gpufa.training.sets import streaming
streaming.WINDOW, streaming.BLOCK, streaming.LEAST = 3000, 700, 1
config = gpufa.Config(data=sys.argv[1], stream="always", hidden=(8, 7), dtype="float64", backend="numpy", epochs=200000,
                      batch_size=16, scaling="standard", out=sys.argv[2])
gpufa.train(config)
"""


def test_a_killed_run_goes_on_bit_for_bit(tmp_path, blob_files):
    out = tmp_path / "run"
    process = subprocess.Popen([sys.executable, "-c", KILLED, blob_files, str(out)])
    try:
        while not (out / "history.csv").exists() or len((out / "history.csv").read_text().splitlines()) < 8:
            assert process.poll() is None
            time.sleep(0.05)
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()
    epochs = int(networks.contents(out)[0]["progress/epoch"]) + 2
    resumed = gpufa.resume(out, epochs=epochs)
    assert resumed.history.epochs["epoch"].tolist() == list(range(1, epochs + 1))
    whole = gpufa.train(config(data=blob_files, stream="always", scaling="standard", epochs=epochs))
    same(parameters(resumed), parameters(whole))
