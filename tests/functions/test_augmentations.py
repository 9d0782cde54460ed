"""Changes of images: what words say, where a place is taken from, and how often."""

import numpy as np
import pytest
from imagelab import WORDS, changed_by_hand

from gpufa.basics.errors import InvalidValue
from gpufa.basics.random import Generator, Purpose
from gpufa.functions.augmentations import AUGMENTATIONS, ROWS, Chosen, augmentations, changed, fitting

rng = np.random.default_rng(0)
TOP = np.uint32(2**31)


def scratch(name, shape, dtype):
    return np.empty(shape, dtype)


def apply(x, text, words):
    out = np.empty_like(x)
    changed(x, words, augmentations(text), scratch, out)
    return out


@pytest.mark.parametrize("text", WORDS)
def test_words_print_back(text):
    chosen = augmentations(text)
    assert ", ".join(map(str, chosen)) == text
    assert augmentations(text.split(", ")) == augmentations(f" {text} ") == chosen


@pytest.mark.parametrize(
    "text", ["mirror", "crop", "crop 0", "crop -1", "crop 1.5", "crop 2 3", "flip 2", "", "flip,", "Flip", "crop4"]
)
def test_other_words_are_refused(text):
    with pytest.raises(InvalidValue, match=r"augment can't have .* it takes, .*flip, crop 4.*change --augment"):
        augmentations(text)


@pytest.mark.parametrize("given", [3, [], ["flip", 3], None, {"flip": 1}])
def test_what_is_no_text_is_refused(given):
    with pytest.raises(InvalidValue, match=r"expected words such as 'flip, crop 4'"):
        augmentations(given)


@pytest.mark.parametrize("n", [4, 5])
def test_crops_as_large_as_the_image_are_refused(n):
    with pytest.raises(
        InvalidValue, match=rf"'crop {n}' would leave nothing .* 9 by 4; give --augment a number below 4"
    ):
        fitting(augmentations(f"flip, crop {n}"), (1, 9, 4))
    fitting(augmentations("flip, crop 3"), (1, 9, 4))


def test_flipping_twice_changes_nothing():
    x = rng.normal(size=(6, 3, 4, 5))
    words = np.full((2, 4, 6), TOP)
    np.testing.assert_array_equal(apply(x, "flip", words[:1]), x[..., ::-1])
    np.testing.assert_array_equal(apply(x, "flip, flip", words), x)
    np.testing.assert_array_equal(apply(x, "flip", words[:1] - 1), x)


@pytest.mark.parametrize("kind", [np.uint8, np.float32, np.float64])
@pytest.mark.parametrize("text", WORDS)
def test_changes_are_those_of_slices(text, kind):
    x = (rng.integers(1, 250, (30, 2, 6, 5)) * (1 if kind == np.uint8 else -0.3)).astype(kind)
    words = np.empty((len(augmentations(text)), 4, 30), np.uint32)
    for stream, own in enumerate(words):
        Generator().quads(own, np.arange(30), 5, Purpose.AUGMENT, stream=stream, step=3)
    expected = np.stack([changed_by_hand(image, text, 5, i, 3) for i, image in enumerate(x)])
    np.testing.assert_array_equal(found := apply(x, text, words), expected)
    assert not np.signbit(found[expected == 0].astype(float)).any()


@pytest.mark.parametrize("n", [1, 4])
def test_crops_reach_every_place_as_often(n):
    """By chi squared, of 200 draws a place: below its 99.9 % point, with this seed."""
    from scipy.stats import chi2

    count = 200 * (2 * n + 1) ** 2
    words = Generator().quads(np.empty((4, count), np.uint32), np.arange(count), 1, Purpose.AUGMENT)
    i, j = AUGMENTATIONS["crop"].moved(words, np.zeros((), np.int64), np.zeros((), np.int64), (9, 9), n)
    assert (i.min(), i.max(), j.min(), j.max()) == (-n, n, -n, n)
    seen = np.bincount((i + n) * (2 * n + 1) + j + n, minlength=(2 * n + 1) ** 2)
    assert ((seen - 200) ** 2 / 200).sum() < chi2.ppf(0.999, len(seen) - 1)


def test_half_of_the_images_are_flipped():
    words = Generator().quads(np.empty((4, 10000), np.uint32), np.arange(10000), 1, Purpose.AUGMENT)
    _, j = AUGMENTATIONS["flip"].moved(words, np.zeros(()), np.zeros((), np.int64), (3, 3), 0)
    assert abs((j == 2).mean() - 0.5) < 0.015


def test_each_row_is_of_a_word_of_its_own():
    assert list(AUGMENTATIONS) == [row.word for row in ROWS] == ["flip", "crop"]
    assert str(Chosen(AUGMENTATIONS["crop"], 7)) == "crop 7"
