"""Random numbers of both backends against the reference's: the same bits everywhere."""

import itertools

import numpy as np
import pytest
from operationlab import draw, every_dtype, every_size, near, slab

from gpufa.basics.laws import LAWS
from gpufa.basics.random import Generator, Purpose, permutation


@every_dtype
@pytest.mark.parametrize("law", LAWS)
@pytest.mark.parametrize("shape", [(5, 7), (1, 1), (64,), (3, 1001)])
def test_random_numbers_are_the_same_bits_everywhere(backend, dtype, law, shape):
    seeds = (0, 2**64 - 1)
    out = backend.zeros((2, *shape), dtype)
    for step in (None, 3):
        counter = None if step is None else backend.to_device(np.array([step]))
        backend.random(law, out, seeds, Purpose.RULE, step=counter, stream=5, scale=0.3)
        for r, seed in enumerate(seeds):
            one = np.empty(shape, dtype)
            Generator().fill(law, one, seed, Purpose.RULE, stream=5, step=step or 0, scale=0.3)
            np.testing.assert_array_equal(backend.to_host(out)[r], one)


@every_dtype
def test_numbers_may_be_added(either, dtype):
    start = draw(2, 5, 7, dtype=dtype)
    out = either.to_device(start.copy())
    either.random("normal", out, (4, 9), Purpose.INPUT_NOISE, stream=5, scale=0.3, add=True)
    for r, seed in enumerate((4, 9)):
        one = Generator().fill("normal", np.empty((5, 7), dtype), seed, Purpose.INPUT_NOISE, stream=5, scale=0.3)
        near(either, out[r], start[r] + one, dtype)


@every_dtype
@every_size
def test_perturb(either, dtype, replicas, rows, columns):
    x, slope = draw(replicas, rows, columns, dtype=dtype), draw(replicas, rows, columns, dtype=dtype)
    slope[0, 0] = 0
    out = slab(either, np.zeros_like(x))
    either.perturb(slab(either, x), either.to_device(slope.copy()), 0.25, out=out)
    near(either, out, x + 0.25 * np.sign(slope), dtype)


@every_dtype
def test_dropout_masks_are_the_same_bits_everywhere(backend, dtype):
    for shape, drop in itertools.product([(5, 7), (1, 1), (64,), (9, 1001)], [0.5, 0.3, 0.999]):
        out = backend.zeros((2, *shape), dtype)
        backend.dropout(out, drop, (4, 9), backend.to_device(np.array([11])), stream=1)
        for r, seed in enumerate((4, 9)):
            expected = Generator().keep(np.empty(shape, dtype), drop, seed, stream=1, step=11)
            np.testing.assert_array_equal(backend.to_host(out)[r], expected)


def test_permutations(backend):
    out = backend.zeros((2, 1001), "int64")
    backend.permutations((7, 8), Purpose.SHUFFLE, 3, out=out)
    expected = [permutation(seed, Purpose.SHUFFLE, 3, 1001) for seed in (7, 8)]
    np.testing.assert_array_equal(backend.to_host(out), expected)
