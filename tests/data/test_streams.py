"""Samples that stay in their file: read as an array of all of them would be."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from streamlab import X, equal

from gpufa.basics.errors import FileProblem, InvalidValue
from gpufa.data.datasets import load_data
from gpufa.data.streams.parts import Made
from gpufa.data.streams.rows import Rows, ahead


class Held:
    """A source in memory."""

    def __init__(self, values, grain=1):
        self.values, self.shape, self.dtype, self.grain, self.reads = values, values.shape, values.dtype, grain, []

    def read(self, start, stop):
        assert 0 <= start < stop <= len(self.values)
        self.reads.append((start, stop))
        return self.values[start:stop]


@pytest.mark.parametrize("grain", [1, 5])
@given(data=st.data())
@settings(max_examples=60, deadline=None)
def test_rows_are_read_as_those_of_an_array(data, grain):
    rows, array = Rows(Held(X, grain)), X
    for _ in range(data.draw(st.integers(0, 3))):
        if data.draw(st.booleans()):
            mask = np.array(data.draw(st.lists(st.booleans(), min_size=len(array), max_size=len(array))), bool)
            rows, array = rows[mask], array[mask]
        else:
            columns = data.draw(st.lists(st.integers(0, array.shape[1] - 1), min_size=1, unique=True))
            rows, array = rows[:, columns], array[:, columns]
    assert (rows.shape, rows.dtype, len(rows), rows.ndim) == (array.shape, array.dtype, len(array), 2)
    start, stop = (data.draw(st.integers(0, len(array))) for _ in range(2))
    equal(rows[start:stop], array[start:stop])
    step = data.draw(st.integers(1, 9))
    equal(rows[::step], array[::step])
    chosen = sorted(data.draw(st.sets(st.integers(0, len(array) - 1)))) if len(array) else []
    equal(rows[np.array(chosen, int)], array[np.array(chosen, int)])
    if len(array):
        equal(np.asarray(rows), array)
        equal(rows[:, 0], array[:, 0])
        equal(np.concatenate([*rows.pieces()]), array)


def test_counts_of_chosen_rows_go_on_from_one_stretch_to_the_next(monkeypatch):
    monkeypatch.setattr("gpufa.data.streams.rows.COUNTED", 8)
    monkeypatch.setattr("gpufa.data.streams.rows.PIECE", 64)
    mask = np.random.default_rng(0).random(len(X)) < 0.3
    mask[16:32] = False  # two whole stretches
    rows = Rows(Held(X))[mask]
    for start in range(len(rows)):
        equal(rows[start:], X[mask][start:])
        assert rows.number(start) == np.flatnonzero(mask)[start]


@pytest.mark.parametrize(
    ("given_as", "made"),
    [
        (np.uint8, np.uint8),
        (np.int16, np.float32),
        (np.int32, np.float64),
        (np.float64, np.float64),
        (">f4", np.float32),
    ],
)
def test_numbers_are_made_what_arrays_in_memory_are_made(given_as, made):
    array = np.arange(12).reshape(3, 2, 2).astype(given_as)
    rows = Rows(Held(array))
    assert rows.dtype == made
    equal(rows[:], load_data((array, [0, 1, 0, 1][:3], array, [0, 1, 0])).x_train)


def test_what_is_no_number_is_told_by_its_row_in_the_file():
    wrong = X.copy()
    wrong[41, 2] = np.nan
    mask = np.arange(len(X)) % 2 == 1
    with pytest.raises(InvalidValue, match=r"x_train has a NaN or infinite value, first in row 41, column 2"):
        Rows(Held(wrong), "x_train")[mask][10:]
    Rows(Held(wrong))[~mask][:]


def test_jobs_are_done_ahead_in_their_order():
    assert list(ahead((lambda i=i: i * i) for i in range(5))) == [0, 1, 4, 9, 16]
    assert list(ahead([])) == []

    def fails():
        raise FileProblem("gone")

    found = ahead([lambda: 1, fails])
    assert next(found) == 1
    with pytest.raises(FileProblem, match=r"gone"):
        next(found)


def test_made_parts():
    made = Made(X, lambda part: part * 2)
    assert (len(made), made.dtype) == (57, np.float32)
    equal(made[3:5], X[3:5] * 2)
