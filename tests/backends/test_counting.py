"""Arrays without numbers have the shapes of NumPy's, and are counted as long as they are held."""

import operator

import numpy as np
import pytest

import gpufa
from gpufa.backends.counting.arrays import Count, Counted

SHAPE = 2, 6, 4


@pytest.fixture
def both():
    count = Count()
    return Counted.of(count, SHAPE, np.float32), np.zeros(SHAPE, np.float32), count


def alike(a, b):
    assert isinstance(a, Counted)
    assert (a.shape, a.ndim, a.dtype, a.size, a.itemsize) == (b.shape, b.ndim, b.dtype, b.size, b.itemsize)
    assert a.nbytes == b.nbytes


VIEWS = [
    lambda a: a[0],
    lambda a: a[:, 1:3],
    lambda a: a[..., 2],
    lambda a: a[:, None, ::2],
    lambda a: a[0, 0, 0:1],
    lambda a: a[..., np.int64(1)],
    lambda a: a.swapaxes(-1, -2),
    lambda a: a.T,
    lambda a: a.reshape(2, 24),
    lambda a: a.reshape(2, 2, 3, -1),
    lambda a: a[:, :3].reshape(2, -1),
    lambda a: a[:1].reshape(6, 4),
]


@pytest.mark.parametrize("view", VIEWS)
def test_views_are_numpys_and_take_no_memory(view, both):
    a, b, count = both
    found, wanted = view(a), view(b)
    alike(found, wanted)
    assert found.strides == wanted.strides
    assert found.flags.c_contiguous == wanted.flags.c_contiguous
    assert found.flags.forc == wanted.flags.forc
    assert count.most == b.nbytes


MADE = [
    lambda a: a + 1,
    lambda a: 2 * a[:, :1],
    lambda a: a * a[0],
    lambda a: a > 0,
    lambda a: np.sqrt(a),
    lambda a: a + np.zeros(4),
    lambda a: a.copy(),
    lambda a: a.astype("float64"),
    lambda a: a.sum(axis=-1),
    lambda a: a.sum(axis=(-1, -2), dtype="float64"),
    lambda a: a.mean(axis=1, keepdims=True),
    lambda a: a.max(axis=0),
    lambda a: a.argmax(axis=-2),
    lambda a: (a == 0).all(axis=-1),
    lambda a: a.swapaxes(-1, -2).reshape(2, 24),
    lambda a: np.where(a > 0, a, 1),
]


@pytest.mark.parametrize("make", MADE)
def test_what_is_made_of_them_is_numpys_and_takes_memory(make, both):
    a, b, count = both
    alike(make(a), make(b))
    assert count.most > b.nbytes
    assert count.now == b.nbytes


def test_what_is_written_into_an_array_takes_none(both):
    a, b, count = both
    a[...] = 1
    a[0] += 2
    a += b
    a.fill(3)
    assert np.multiply(a, a, out=a) is a
    assert a.sum(axis=0, out=a[0]).shape == (6, 4)
    assert count.most == b.nbytes
    assert [one.shape for one in a] == [(6, 4)] * 2
    assert len(a) == 2


def test_memory_is_given_back_with_the_last_view(both):
    a, b, count = both
    view = a[0]
    del a
    both = None
    assert count.now in (0, b.nbytes)
    assert view.shape == (6, 4)


@pytest.mark.parametrize(
    "read",
    [
        bool,
        float,
        int,
        operator.index,
        np.asarray,
        lambda a: a[a > 0],
        lambda a: a[[0, 1]],
        lambda a: np.concatenate([a, a]),
        lambda a: np.add.reduce(a),
    ],
)
def test_reading_raises(read, both):
    with pytest.raises(gpufa.InvalidValue, match="has no numbers"):
        read(both[0])
