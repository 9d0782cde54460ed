"""Which samples are held out, whether all are sorted at once or some at a time."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gpufa.data.samples import splits
from gpufa.data.samples.splits import held_out, members


def sorted_at_once(y, fraction, key):
    """By the definition: samples by class, then by their words; the first of each class stays, and of the others as
    many as are to be held out are, evenly spaced."""
    order = np.lexsort((np.random.Philox(key=key).random_raw(len(y)), y))
    candidates = order[np.diff(y[order], prepend=-1) == 0]
    count = min(round(fraction * len(y)), len(candidates))
    held = np.zeros(len(y), bool)
    held[candidates[(2 * np.arange(count) + 1) * len(candidates) // (2 * count)]] = True
    return held


@given(
    y=st.lists(st.integers(0, 5), min_size=9, max_size=200),
    fraction=st.floats(0.12, 0.95),
    key=st.integers(0, 9),
    at_once=st.integers(1, 250),
)
@settings(max_examples=300, deadline=None)
def test_some_at_a_time_are_those_of_all_at_once(y, fraction, key, at_once):
    y = np.array(y)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(splits, "AT_ONCE", at_once)
        for kind in np.int64, np.uint8:
            np.testing.assert_array_equal(held_out(y.astype(kind), fraction, key), sorted_at_once(y, fraction, key))
        real = held_out(y[:, None] * 0.5, fraction, key)
    np.testing.assert_array_equal(real, sorted_at_once(np.zeros(len(y), int), fraction, key))


def test_members_of_classes():
    labels = np.array([3, 1, 3, 3], np.uint8)
    assert members(labels).tolist() == [0, 1, 0, 3]
    assert members(labels, 6).tolist() == [0, 1, 0, 3, 0, 0]
