"""A whole checkpoint that holds other facts or arrays than gpufa writes is refused by what is wrong with it."""

import copy
from pathlib import Path

import numpy as np
import pytest
from traininglab import DATA, config

import gpufa
from gpufa.checkpoints import hdf5, networks, validity


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("contents")
    gpufa.train(config(epochs=2, out=str(folder)), DATA)
    return hdf5.read(folder / "checkpoint.h5")


def network(**changes):
    return lambda arrays, metadata: metadata["network"].update(changes)


def array(name, change):
    return lambda arrays, metadata: arrays.update({name: change(arrays[name])})


def fact(name, value):
    return lambda arrays, metadata: metadata.update({name: value})


FAULTS = [
    (fact("gpufa", 1), "its metadata name no version or no network"),
    (fact("network", []), "its metadata name no version or no network"),
    (network(sizes="abc"), "its network has sizes = 'abc'"),
    (network(dtype=None), "its network has dtype = None"),
    (network(rule={}), "its rule has no name"),
    (network(seeds=[]), "its network has sizes [6, 8, 7, 3] and seeds []"),
    (network(sizes=[6, 8, 7, "3"]), "its network has sizes [6, 8, 7, '3'] and seeds [0, 1, 2]"),
    (fact("config", 3), "its settings or the facts of its data are no table"),
    (fact("data", None), "its settings or the facts of its data are no table"),
    (network(sizes=[6, 10**9, 7, 3]), "W1 is not of the shape (3, 1000000000, 6)"),
    (lambda arrays, metadata: arrays.pop("parameters/W2"), "W2 is not of the shape (3, 7, 8)"),
    (lambda arrays, metadata: arrays.pop("progress/best"), "its progress has no best as it should be"),
    (array("progress/step", lambda a: a.astype("f8")), "its progress has no step as it should be"),
    (array("progress/misses", lambda a: a[:2]), "its progress has no misses as it should be"),
    (array("progress/batch", lambda a: a - 1), "its progress has batch out of range"),
    (array("progress/status", lambda a: a + 9), "a seed's status is none of gpufa's"),
    (lambda arrays, metadata: arrays.pop("history/epochs/step"), "its history of epochs lacks one of epoch, step, "),
    (lambda arrays, metadata: arrays.pop("history/probes/per_sample"), "its history of probes lacks one of step, per_"),
    (array("progress/seen", lambda a: a + 2**60), "its progress has seen out of range"),
    (array("history/epochs/loss", lambda a: a[:1]), "its history of epochs has columns of other lengths"),
    (array("history/probes/step", lambda a: a[0]), "its history has probes/step of the shape ()"),
    (array("history/epochs/test_loss", lambda a: a[[0, 1, 1]]), "its history of epochs has columns of other lengths"),
    (array("history/epochs/step", lambda a: a * np.nan), "its history has epochs/step that do not rise"),
    (array("history/epochs/epoch", lambda a: a[::-1]), "its history has epochs/epoch that do not rise"),
    (array("history/probes/step", lambda a: a * 0), "its history has probes/step that do not rise"),
    (array("history/epochs/test_loss", lambda a: a[:, 0]), "its history has epochs/test_loss of the shape (2,)"),
    (array("history/probes/batch", lambda a: a[..., :1]), "its history has probes/batch of the shape (2, 3, 1)"),
    (array("history/epochs/loss", lambda a: a[:0]), "its history has epochs/loss of the shape (0, 3)"),
    (lambda arrays, metadata: arrays.update({"history/x/y": np.zeros(2)}), "its history has 'history/x/y'"),
    (
        lambda arrays, metadata: arrays.update({"history/epochs/a/b": np.zeros(2)}),
        "its history has 'history/epochs/a/b'",
    ),
    (lambda arrays, metadata: arrays.update({"scaling/shift": np.zeros(6)}), "its scaling is not of so many features"),
    (
        lambda arrays, metadata: arrays.update(
            {"target_scaling/shift": np.zeros(2), "target_scaling/factor": np.zeros(2)}
        ),
        "its target_scaling is not of so many outputs",
    ),
    (
        lambda arrays, metadata: arrays.update({"target_scaling/shift": np.zeros(3)}),
        "its target_scaling is not of so many outputs",
    ),
    (array("history/epochs/loss", lambda a: a[:, :2]), "its history has epochs/loss of the shape (2, 2)"),
    (array("history/probes/batch", lambda a: a[..., None]), "its history has probes/batch of the shape (2, 3, 2, 1)"),
]


@pytest.mark.parametrize(("change", "text"), FAULTS, ids=[text for _, text in FAULTS])
def test_what_is_wrong_is_told(run, tmp_path, change, text):
    arrays, metadata = dict(run[0]), copy.deepcopy(run[1])
    change(arrays, metadata)
    path = tmp_path / "checkpoint.h5"
    hdf5.write(path, arrays, metadata)
    readers = [networks.contents, gpufa.load, lambda path: gpufa.resume(path, data=DATA)]
    for reader in readers:
        with pytest.raises(gpufa.FileProblem) as told:
            reader(path)
        assert f"was not written by gpufa: {text}" in str(told.value)
        assert str(told.value).endswith("; give one that was")


def test_the_metadata_alone_are_looked_at_too(run, tmp_path):
    hdf5.write(tmp_path / "c.h5", {}, run[1])
    assert networks.facts(tmp_path / "c.h5") == run[1]
    hdf5.write(tmp_path / "c.h5", {}, {**run[1], "network": None})
    with pytest.raises(gpufa.FileProblem, match="name no version or no network"):
        networks.facts(tmp_path / "c.h5")


def test_a_column_that_an_other_version_wrote_no_more_of_is_as_good(run, tmp_path):
    arrays = dict(run[0])
    arrays["history/probes/dead"] = arrays["history/probes/dead"][:1]
    hdf5.write(tmp_path / "checkpoint.h5", arrays, run[1])
    history = gpufa.resume(tmp_path, epochs=3, data=DATA).history
    assert history.probes["dead"].shape == (3, 3, 2)
    assert np.isnan(history.probes["dead"][1]).all()
    assert np.isfinite(history.probes["dead"][[0, 2]]).all()
    history.probes.append({"step": 99})
    assert np.isnan(history.probes["batch"][-1]).all()


def test_what_gpufa_writes_is_right(run, tmp_path):
    validity.check(*run, "a run")
    gpufa.save(gpufa.Network([4, 3, 2], seed=1), tmp_path / "net.h5")
    validity.check(*hdf5.read(tmp_path / "net.h5"), "a network")
    assert np.isfinite(gpufa.load(tmp_path / "net.h5").predict(np.zeros((1, 4)))).all()


def test_what_the_first_format_holds_is_read_for_ever(tmp_path):
    """recorded/format-1.h5 was written by gpufa 0.1.0; a later format must load it, or refuse it by its version."""
    path = tmp_path / "checkpoint.h5"
    path.write_bytes((Path(__file__).parents[1] / "recorded" / "format-1.h5").read_bytes())
    assert path.read_bytes().startswith(b"gpufa checkpoint\nformat 1\n")
    assert networks.facts(path)["gpufa"] == "0.1.0"
    net = gpufa.load(path, backend="numpy")
    assert net.sizes.units == (64, 3, 10)
    assert net.scaling is not None
    ended = gpufa.resume(tmp_path)
    assert ended.already_finished
    np.testing.assert_allclose(ended.summary["test_loss"], ended.history.epochs["test_loss"][-1], rtol=1e-5)
    assert gpufa.resume(tmp_path, epochs=3).summary["epochs"] == 3
