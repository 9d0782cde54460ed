"""Philox4x32-10: the published known answers, and what the counter promises."""

import numpy as np
import pytest

from gpufa.basics.errors import InvalidValue
from gpufa.basics.filled import Filled
from gpufa.basics.laws import LAWS
from gpufa.basics.random import BLOCK, Generator, Purpose, check_seed, permutation, philox

KNOWN = [  # counter, key, result: kat_vectors of Random123
    ([0, 0, 0, 0], 0, [0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8]),
    ([0xFFFFFFFF] * 4, 2**64 - 1, [0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD]),
    (
        [0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344],
        0x299F31D0A4093822,
        [0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1],
    ),
]


@pytest.mark.parametrize(("counter", "key", "expected"), KNOWN)
def test_known_answers(counter, key, expected):
    counters = np.zeros((6, 1), np.uint64)
    counters[:4, 0] = counter
    philox(counters, key)
    assert counters[:4, 0].tolist() == expected


def draw(n, law=None, dtype=np.uint32, seed=5, **where):
    if law is None:
        return Generator().words(np.empty(n, dtype), seed, Purpose.RULE, **where)
    return Generator().fill(law, np.empty(n, dtype), seed, Purpose.RULE, **where)


def test_a_number_depends_on_its_index_alone():
    long = draw(3 * 4 * BLOCK + 7)
    for n in (1, 2, 5, 4 * BLOCK, 4 * BLOCK + 1, len(long)):
        np.testing.assert_array_equal(draw(n), long[:n])
    assert len(np.unique(long)) > 0.999 * len(long)


def test_quads_are_the_words_of_their_indices():
    at = np.array([3, 0, 3, BLOCK + 5, *range(BLOCK + 2)])
    words = draw(4 * (2 * BLOCK), stream=2, step=9).reshape(-1, 4)
    found = Generator().quads(np.empty((4, len(at)), np.uint32), at, 5, Purpose.RULE, stream=2, step=9)
    np.testing.assert_array_equal(found.T, words[at])


def test_seed_purpose_stream_and_step_each_give_other_numbers():
    generator, draws = Generator(), []
    for seed, purpose, stream, step in [
        (5, 8, 0, 0),
        (6, 8, 0, 0),
        (5, 7, 0, 0),
        (5, 8, 1, 0),
        (5, 8, 0, 1),
        (5 + 2**32, 8, 0, 0),
    ]:
        out = np.empty(64, np.uint32)
        draws.append(tuple(generator.words(out, seed, Purpose(purpose), stream=stream, step=step)))
    assert len(set(draws)) == len(draws)


@pytest.mark.parametrize("law", LAWS)
def test_laws_are_the_words_maps_and_equal_in_both_precisions(law):
    words, single, double = draw(4001), draw(4001, law, np.float32), draw(4001, law, np.float64)
    integers = words.astype(np.int64)
    normal = (sum((integers >> s) & 255 for s in (0, 8, 16, 24)) - 510) / np.sqrt(4 * 65535 / 12)
    expected = {
        "uniform": (words.view(np.int32) >> 8) * 2.0**-23,
        "sign": np.where(integers >> 31, -1.0, 1.0),
        "ternary": (3 * integers >> 32) - 1.0,
        "normal": normal,
        "complex": normal / np.sqrt(2),
    }[law]
    np.testing.assert_allclose(double, expected, rtol=1e-15, atol=0)
    np.testing.assert_allclose(single, expected, rtol=2**-23, atol=0)


def test_moments():
    for law, variance in (("uniform", 1 / 3), ("sign", 1.0), ("ternary", 2 / 3), ("normal", 1.0), ("complex", 0.5)):
        values = draw(400_000, law, np.float64)
        assert abs(values.mean()) < 5 * np.sqrt(variance / 400_000)
        assert abs(values.var() - variance) < 0.01 * variance


def test_dropout_masks_keep_the_mean():
    out = np.empty((3, 100_001), np.float32)
    for drop in (0.1, 0.5):
        mask = Generator().keep(out, drop, seed=1, step=4)
        kept = mask > 0
        assert abs(kept.mean() - (1 - drop)) < 0.003
        np.testing.assert_allclose(mask[kept], 1 / (1 - drop), rtol=1e-4)
    again = Generator().keep(np.empty(7, np.float32), 0.5, seed=1, step=4)
    np.testing.assert_array_equal(again, mask.ravel()[:7])


def test_filling_needs_a_contiguous_array():
    with pytest.raises(InvalidValue, match="C-contiguous"):
        Generator().fill("uniform", np.empty((4, 6))[:, :3], 0, Purpose.INIT)


@pytest.mark.parametrize("seed", [-1, 2**64, 1.5, True, "1"])
def test_bad_seeds(seed):
    with pytest.raises(InvalidValue, match="give a whole number from 0 to"):
        check_seed(seed)


def test_permutations():
    order = permutation(3, Purpose.SHUFFLE, 0, 1000)
    assert sorted(order) == list(range(1000))
    assert (order != permutation(3, Purpose.SHUFFLE, 1, 1000)).mean() > 0.9
    np.testing.assert_array_equal(order, permutation(3, Purpose.SHUFFLE, 0, 1000))


@pytest.mark.parametrize("shape", [(3, 8), (50, 33), (1, 1), (700, 90)])
def test_masks_of_some_elements_are_those_of_all(shape):
    """As many words as there are elements that are not 0, and not one more, make the same numbers."""
    draw = np.random.default_rng(0)
    x = (draw.random(shape) * (draw.random(shape) < 0.1)).astype(np.float32)
    mask, out = np.empty_like(x), np.zeros_like(x)
    for drop in (0.5, 0.1):
        Generator().keep(mask, drop, seed=7, stream=3, step=11)
        Generator().keep_some(out, Filled.of(x), drop, seed=7, stream=3, step=11)
        np.testing.assert_array_equal(out, x * mask)
