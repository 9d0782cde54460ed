"""The order in which samples come by that stay in their file, and the windows that hold them meanwhile."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gpufa.backends import get_backend
from gpufa.basics.errors import FileProblem
from gpufa.basics.random import Purpose, permutation
from gpufa.net.state.clock import Clock
from gpufa.parallel.ranks import ALONE
from gpufa.training.sets.windows import Plan, Streamed, Windows

N, FEATURES = 53, 3
X = np.arange(N, dtype=np.float32)[:, None] + np.array([0, 0.25, 0.5], np.float32)


def data(y=None, weights=None, x=X):
    return Streamed(
        len(x), x.shape[1], x.dtype, lambda a, b: x[a:b], np.arange(len(x)) % 7 if y is None else y, weights
    )


def windows(backend="numpy", block=4, window=16, size=5, seeds=(0, 1), given=None, **more):
    return Windows(get_backend(backend), given or data(), Plan(N, block, window, size), seeds, 0.0, **more)


def walk(batches, epochs=1, begin=(0, 0), taken=None):
    """All batches, (R, m, n_0) and what they are taught as, as a step is given them; on the host where `taken` does not
    say otherwise."""
    backend, clock = batches.backend, Clock(batches.backend, batches.longest, 1, "float32")
    classes = 7 if batches.y.dtype.kind in "iu" else batches.y.shape[1]
    for epoch in range(begin[0], epochs):
        first = begin[1] if epoch == begin[0] else 0
        with backend.working():
            batches.start_epoch(epoch, first)
            clock.set(0, first - batches.window.start, [[0.0]] * len(batches.window))
            for batch in range(first, batches.per_epoch):
                if batch == batches.window.stop:
                    batches.turn()
                    clock.set(0, 0, [[0.0]] * len(batches.window))
                m, r = batches.samples(batch), len(batches.seeds)
                x, y = backend.zeros((r, m, FEATURES), "float32"), backend.zeros((r, classes, m), "float32")
                w = None if batches.all.weights is None else backend.zeros((r, m), "float32")
                batches.load(clock, ALONE.share(m), x, y, w)
                yield tuple(map(taken or backend.to_host, (x, y, *([] if w is None else [w]))))


@given(n=st.integers(1, 60), block=st.integers(1, 70), window=st.integers(1, 80), size=st.integers(1, 60))
@settings(max_examples=300, deadline=None)
def test_an_epoch_has_every_sample_once_in_whole_batches(n, block, window, size):
    size = min(size, n)
    plan = Plan(n, block, window, size)
    for epoch in (0, 3):
        found = [[i for a, b in plan.stretches(epoch, w) for i in range(a, b)] for w in range(plan.windows)]
        assert sorted(i for one in found for i in one) == list(range(n))
        assert [len(one) for one in found] == [plan.samples(w) for w in range(plan.windows)]
        assert all(len(one) == plan.span for one in found[:-1])
        assert all(a < b for w in range(plan.windows) for a, b in plan.stretches(epoch, w))
    assert plan.span % size == 0
    assert plan.span <= max(window, size)
    assert [b for w in range(plan.windows) for b in plan.batches(w)] == list(range(-(-n // size)))


def test_blocks_come_by_whole_in_an_order_that_all_seeds_share():
    plan = Plan(N, 4, 16, 5)
    seen = [i for w in range(plan.windows) for a, b in plan.stretches(2, w) for i in range(a, b)]
    blocks = permutation(0, Purpose.BLOCKS, 2, 14)
    assert seen == [i for block in blocks for i in range(block * 4, min(block * 4 + 4, N))]
    assert seen != [i for w in range(plan.windows) for a, b in plan.stretches(3, w) for i in range(a, b)]


def test_batches_hold_the_epochs_samples(backend):
    made = windows(backend)
    assert (made.n, made.per_epoch, made.longest) == (N, 11, 3)
    for epoch in (0, 1):
        batches = list(walk(made, epoch + 1, (epoch, 0)))
        x, y = (
            np.concatenate(parts, axis=axis) for parts, axis in zip(zip(*batches, strict=True), (1, 2), strict=True)
        )
        for r in (0, 1):
            np.testing.assert_array_equal(np.sort(x[r], axis=0), X)
            np.testing.assert_array_equal(y[r].argmax(axis=0), x[r, :, 0] % 7)
        assert (x[0] != x[1]).any()  # each seed its own order
        assert made.window == range(9, 11)
        for w in range(made.plan.windows):  # of the same window
            own = x[:, w * 15 : w * 15 + 15, 0]
            assert set(own[0]) == set(own[1]) == {i for a, b in made.plan.stretches(epoch, w) for i in range(a, b)}


def test_no_two_windows_and_epochs_have_one_order():
    made, seen = windows(), set()
    for epoch in range(2):
        made.start_epoch(epoch)
        for _ in range(3):  # whole ones
            seen |= {tuple(own - own.min()) for own in made.order}
            made.turn()
    assert len(seen) == 2 * 3 * 2


def test_a_seed_has_its_order_whatever_is_beside_it(backend):
    both, one = walk(windows(backend), 2), walk(windows(backend, seeds=(1,)), 2)
    for (x, y), (x_one, y_one) in zip(both, one, strict=True):
        np.testing.assert_array_equal(x[1:], x_one)
        np.testing.assert_array_equal(y[1:], y_one)


@pytest.mark.parametrize("batch", [0, 1, 3, 5, 10])
def test_an_epoch_goes_on_where_it_was_left(backend, batch):
    whole = list(walk(windows(backend), 3))
    rest = list(walk(windows(backend), 3, (1, batch)))
    for a, b in zip(whole[11 + batch :], rest, strict=True):
        for one, other in zip(a, b, strict=True):
            np.testing.assert_array_equal(one, other)


def test_targets_weights_and_labels_of_each_replica(backend):
    weights = np.stack([np.arange(N) + 1.0, np.arange(N) * 2.0])
    real = np.stack([np.arange(N), -np.arange(N)], axis=1).astype(np.float32)
    given = data(real, lambda a, b: weights[:, a:b])
    for x, y, w in walk(windows(backend, given=given), 2):
        np.testing.assert_array_equal(y[:, 0], x[..., 0])
        np.testing.assert_array_equal(y[:, 1], -x[..., 0])
        np.testing.assert_array_equal(w, np.stack([x[0, :, 0] + 1, x[1, :, 0] * 2]))
    noisy = np.stack([np.arange(N) % 7, np.arange(N) % 5]).astype(np.uint8)
    for x, y in walk(windows(backend, given=data(noisy)), 1):
        np.testing.assert_array_equal(y.argmax(axis=1), np.stack([x[0, :, 0] % 7, x[1, :, 0] % 5]))


def test_bytes_are_scaled_as_they_are_gathered(backend):
    host = get_backend(backend)
    scaling = host.to_device(np.full(3, 1, np.float32)), host.to_device(np.full(3, 0.5, np.float32))
    made = windows(backend, given=data(x=X.astype(np.uint8)), scaling=scaling)
    assert made.x.dtype == np.uint8
    x = np.concatenate([x for x, _ in walk(made)], axis=1)
    np.testing.assert_array_equal(np.sort(x[0], axis=0), (X.astype(np.uint8) - np.float32(1)) * np.float32(0.5))


def test_what_is_taught_is_there_as_a_whole():
    made = windows()
    np.testing.assert_array_equal(made.taught, np.arange(N) % 7)


def test_what_the_reader_meets_is_told_where_the_window_is_needed():
    """Not before: what was read by then is trained on."""
    reads = []

    def read(start, stop):
        reads.append((start, stop))
        if len(reads) > 12:
            raise FileProblem("it is gone")
        return X[start:stop]

    found = []
    with pytest.raises(FileProblem, match=r"it is gone"):
        found.extend(walk(windows(given=data()._replace(x=read)), 3))
    assert len(found) >= 6


@pytest.mark.gpu
def test_a_gpu_has_the_order_of_the_cpu():
    for ours, theirs in zip(walk(windows("cupy"), 2), walk(windows(), 2), strict=True):
        for one, other in zip(ours, theirs, strict=True):
            np.testing.assert_array_equal(one, other)


@pytest.mark.gpu
def test_a_window_is_not_written_over_while_steps_read_it(standin_or):
    """Many windows, of which each is read as late as the device may."""
    made = windows("cupy", block=2, window=5, size=5)
    for epoch in range(standin_or(30, 4)):
        found = [x for x, _ in walk(made, epoch + 1, (epoch, 0), taken=lambda part: part)]
        x = np.concatenate([made.backend.to_host(x) for x in found], axis=1)
        np.testing.assert_array_equal(np.sort(x[0], axis=0), X)
