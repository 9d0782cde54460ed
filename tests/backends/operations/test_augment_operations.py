"""Batches of images that are changed as they are loaded, on both backends, against slices of padded images."""

import itertools

import numpy as np
import pytest
from imagelab import WORDS, changed_by_hand
from operationlab import draw, every_dtype

from gpufa.backends.operations.operands import Augmenting, Samples, Ticks
from gpufa.functions.augmentations import augmentations

rng = np.random.default_rng(0)
SEEDS = 7, 2**40 + 3
SHAPES = [(3, 6, 5), (1, 4, 7), (2, 8, 8)]


def loading(backend, text, places, rows, dtype, scaling=None, size=9, step=4):
    """What loads the batches of two replicas, from that step on, and their order."""
    order = np.stack([rng.permutation(len(rows)) for _ in SEEDS])
    by = Augmenting(augmentations(text), places, SEEDS)
    given = scaling and tuple(map(backend.to_device, scaling))
    y = backend.to_device(np.arange(len(rows)) % 3)
    samples = Samples(backend.to_device(rows), y, backend.to_device(order), size, given, augmenting=by)
    table = np.zeros((len(rows) // size, 3), dtype)
    ticks = Ticks(*map(backend.to_device, (np.array([step - 1, -1]), table)), backend.zeros((3,), dtype))
    return samples, ticks, order


@every_dtype
@pytest.mark.parametrize("source", ["uint8", "float32", "float64"])
@pytest.mark.parametrize("text", WORDS)
def test_a_batch_is_changed_before_it_is_scaled(backend, dtype, source, text):
    for places, scaled in itertools.product(SHAPES, (False, True)):
        n = int(np.prod(places))
        rows = (rng.integers(1, 255, (20, n)) / (1 if source == "uint8" else 7)).astype(source)
        scaling = (draw(n, dtype=dtype), draw(n, dtype=dtype)) if scaled else None
        samples, ticks, order = loading(backend, text, places, rows, dtype, scaling)
        for step, m in ((4, 9), (5, 7)):
            x = backend.zeros((2, m + 2, n), dtype)[:, :m]
            backend.load(ticks, samples, x, backend.zeros((2, 3, m), dtype))
            for r, seed in enumerate(SEEDS):
                for k, sample in enumerate(order[r, 9 * (step - 4) :][:m]):
                    image = changed_by_hand(rows[sample].reshape(places), text, seed, int(sample), step)
                    expected = image.reshape(-1).astype(dtype)
                    if scaling:
                        expected = (expected - scaling[0]) * scaling[1]
                    np.testing.assert_array_equal(backend.to_host(x)[r, k], expected)
                    assert not np.signbit(backend.to_host(x)[r, k][expected == 0]).any()


def test_both_backends_make_the_same_bits_whoever_else_is_in_the_batch(either):
    """A batch of one has what the sample has in a large one at the same step."""
    rows = rng.integers(0, 255, (20, 30)).astype("uint8")
    samples, ticks, order = loading(either, "flip, crop 2", (2, 3, 5), rows, "float32", size=20)
    whole = either.zeros((2, 20, 30), "float32")
    either.load(ticks, samples, whole, either.zeros((2, 3, 20), "float32"))
    at = order[:, 3:4]
    alone = samples._replace(order=either.to_device(at), size=1)
    ticks = Ticks(either.to_device(np.array([3, -1])), *ticks[1:])
    one = either.zeros((2, 1, 30), "float32")
    either.load(ticks, alone, one, either.zeros((2, 3, 1), "float32"))
    np.testing.assert_array_equal(either.to_host(one)[:, 0], either.to_host(whole)[:, 3])


@every_dtype
def test_whitening_is_a_product_in_full(backend, dtype):
    x, matrix = draw(2, 5, 12, dtype=dtype), draw(12, 12, dtype=dtype)
    out = backend.zeros((2, 7, 12), dtype)[:, 1:6]
    backend.whiten(backend.to_device(x), backend.to_device(matrix), out=out)
    np.testing.assert_allclose(backend.to_host(out), x @ matrix, rtol=1e-12 if dtype == "float64" else 1e-4, atol=1e-5)


@pytest.mark.gpu
def test_whitening_is_no_less_exact_where_other_products_are():
    from gpufa.backends import get_backend

    x, matrix = draw(2, 40, 64, dtype="float32"), draw(64, 64, dtype="float32")
    low = get_backend("cupy", 0, "tf32")
    full = get_backend("cupy")
    made = [b.to_host(b.zeros((2, 40, 64), "float32")) for b in (low, full)]
    for i, b in enumerate((low, full)):
        out = b.zeros((2, 40, 64), "float32")
        b.whiten(b.to_device(x), b.to_device(matrix), out=out)
        made[i] = b.to_host(out)
    np.testing.assert_array_equal(*made)
