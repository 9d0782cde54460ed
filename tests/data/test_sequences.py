"""Sequences made by the program."""

import numpy as np
import pytest

import gpufa
from gpufa.data.tasks.copying import SEQUENCES, CopyTask


def test_the_copy_task_shows_symbols_and_wants_them_again():
    task = CopyTask(length=3, delay=2, alphabet=4, train_samples=50, test_samples=9)
    x, y = task.part("train")
    x = x.reshape(50, 5, 8)
    assert (task.steps, task.inputs) == (8, 40)
    assert (y[:, :5] == -1).all()
    np.testing.assert_array_equal(x[:, :4, :3].argmax(axis=1), y[:, 5:])
    np.testing.assert_array_equal(x[:, :4, :3].sum(axis=1), 1)
    assert not x[:, 4, :3].any()
    assert not x[:, :4, 3:].any()
    np.testing.assert_array_equal(x[:, 4].sum(axis=1), 1)
    assert (x[:, 4, 5] == 1).all()
    counts = np.bincount(y[:, 5:].ravel(), minlength=4)
    assert counts.min() > 20  # of 150, 37.5 of each symbol are expected
    assert not np.array_equal(y[:9], task.part("test")[1])
    np.testing.assert_array_equal(y, task.part("train")[1])


def test_it_is_a_set_known_by_name_with_targets_at_each_step():
    data = gpufa.load_data("copy")
    assert data.x_train.shape == (22_400, 80)
    assert data.y_test.shape == (1_000, 16)
    assert data.about.places == 16
    np.testing.assert_array_equal(data.y_test, SEQUENCES["copy"].part("test")[1])
    own = CopyTask(length=1, delay=2, train_samples=20, test_samples=5).data()
    assert own.x_train.shape == (20, 20)
    with pytest.raises(gpufa.InvalidValue, match="copy is made by the program and has no files; use it as --data copy"):
        gpufa.data.sets.namedsets.fetch("copy")


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"length": 0}, "the copy task's length can't be 0; give a whole number of at least 1"),
        ({"delay": -1}, "the copy task's delay can't be -1; give a whole number of at least 0"),
        ({"alphabet": 1}, "the copy task's alphabet can't be 1; give a whole number of at least 2"),
        ({"train_samples": 0}, "the number of samples can't be 0; give a whole number of at least 1"),
    ],
)
def test_what_cannot_be_is_refused(settings, sentence):
    with pytest.raises(gpufa.InvalidValue, match=sentence):
        CopyTask(**settings)
