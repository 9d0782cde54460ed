"""The labels that gpufa predict writes, and its numbers to the last digit."""

import csv

import numpy as np
import pytest

import gpufa
from gpufa.commands.main import main
from gpufa.export.told import told

X = np.random.default_rng(0).normal(size=(40, 3))


def predicted(net, capsys):
    """The lines that predict writes of a net that no run has trained."""
    gpufa.save(net, "net.h5")
    np.savez("x.npz", x=X)
    assert main(["predict", "net.h5", "x.npz", "--backend", "numpy"]) == 0
    return list(csv.reader(capsys.readouterr().out.splitlines()))


@pytest.mark.parametrize(
    ("loss", "outputs", "labelled"),
    [
        ("cross_entropy", 3, True),
        ("binary_cross_entropy", 1, False),  # whose classes nothing tells
        ("binary_cross_entropy", 3, False),
        ("squared_error", 2, False),
    ],
)
def test_a_label_is_written_where_outputs_are_shares_of_one(loss, outputs, labelled, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    net = gpufa.Network([3, 8, outputs], loss=loss, rule="bp", init="uniform", backend="numpy")
    head, *lines = predicted(net, capsys)
    assert head == ["label"] * labelled + [f"output_{i}" for i in range(outputs)]
    assert told(net)["task"] == ("classification" if labelled else "regression")
    if labelled:
        assert [int(line[0]) for line in lines] == net.predict(X).argmax(axis=1).tolist()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_numbers_are_written_to_the_last_digit(dtype, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    net = gpufa.Network([3, 8, 2], loss="squared_error", rule="bp", init="uniform", dtype=dtype, backend="numpy")
    net.parameters["b2"][...] = 1234567.891
    _, *lines = predicted(net, capsys)
    np.testing.assert_array_equal(np.array(lines, float).astype(dtype), net.predict(X))
