"""Tables: columns that grow by doubling hold what lists of their cells would."""

import numpy as np
import pytest

from gpufa.measure.history import History, newest
from gpufa.measure.table import FIRST, Table

ROWS = 5 * FIRST


def row(i):
    return {"epoch": i + 1, "loss": np.array([i, np.nan]), "seconds": i / 4, "angle": np.full((2, 3), i, np.float32)}


def test_a_table_holds_what_lists_would():
    table, lists = Table((0, 1)), {name: [] for name in row(0)}
    for i in range(ROWS):
        table.append(row(i))
        for name, value in row(i).items():
            lists[name].append(value)
        assert len(table) == i + 1
        assert all(np.array_equal(value, row(i)[name], equal_nan=True) for name, value in table.last.items())
    for name, cells in lists.items():
        expected = np.asarray(cells)
        assert table[name].dtype == expected.dtype
        np.testing.assert_array_equal(table[name], expected)


def test_a_row_is_copied_into_its_place_and_columns_only_when_there_is_no_room():
    table, places = Table((0, 1)), set()
    for i in range(2**10 * FIRST):
        table.append({"epoch": i})
        places.add(table["epoch"].__array_interface__["data"][0])
    assert len(places) <= 11


def test_a_view_stays_as_it_is_and_can_not_be_written_to():
    table = Table((0, 1))
    table.append(row(0))
    seen, before = table["loss"], table["loss"].copy()
    for i in range(1, ROWS):
        table.append(row(i))
    np.testing.assert_array_equal(seen, before)
    with pytest.raises(ValueError, match="read-only"):
        seen[...] = 7


def test_columns_that_come_later_or_end_earlier_have_nan():
    table = Table((0, 1))
    table.append({"epoch": 1, "count": 5})
    table.append({"epoch": 2, "error": np.ones(2)})
    table.append({"epoch": 3, "error": np.ones(2), "count": 6})
    assert table["epoch"].dtype.kind == "i"
    np.testing.assert_array_equal(table["count"], [5, np.nan, 6])
    np.testing.assert_array_equal(table["error"], [[np.nan] * 2, [1, 1], [1, 1]])


def test_a_table_of_columns_goes_on():
    table = Table.of({"epoch": np.arange(1, 4), "loss": np.zeros((2, 2))}, (0, 1))
    np.testing.assert_array_equal(table["loss"], [[0, 0], [0, 0], [np.nan] * 2])
    table.append({"epoch": 4, "loss": np.ones(2)})
    assert table["epoch"].tolist() == [1, 2, 3, 4]
    assert len(Table.of({}, (0, 1))) == 0


@pytest.mark.parametrize("shape", [(4,), (4, 2)])
def test_the_newest_and_the_last_probe_are_what_a_walk_over_the_rows_finds(shape):
    rng = np.random.default_rng(0)
    column = np.where(rng.random((50, *shape)) < 0.9, np.nan, rng.random((50, *shape)))
    column[:, -1] = np.nan
    expected = np.full(shape, np.nan)
    for one in column:
        np.copyto(expected, one, where=np.isfinite(one))
    np.testing.assert_array_equal(newest(column), expected)
    assert np.isnan(newest(column[:0])).all()
    if len(shape) == 2:
        history = History((0, 1, 2, 3))
        for step, one in enumerate(column):
            history.probes.append({"step": step, "angle": one})
        for k, found in enumerate(history.last_probe("angle")):
            seen = [one for one in column[:, :, k] if np.isfinite(one).any()]
            assert found == np.nanmean(seen[-1])
