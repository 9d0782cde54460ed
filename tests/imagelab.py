"""What tests of images are made of: changes of them by slices and padding, one after the other, and small sets."""

import numpy as np

from gpufa.basics.random import Generator, Purpose
from gpufa.data.samples.data import Data

WORDS = ["flip", "crop 2", "flip, crop 2", "crop 1, flip", "crop 2, crop 1", "flip, flip, crop 3"]


def words_of(seed, sample, stream, step):
    """The four words of an image at a step."""
    words = np.empty(4 * sample + 4, np.uint32)
    return [int(word) for word in Generator().words(words, seed, Purpose.AUGMENT, stream=stream, step=step)[-4:]]


def changed_by_hand(image, text, seed, sample, step):
    """One image, (channels, height, width), after each of the changes in turn."""
    for stream, part in enumerate(text.split(", ")):
        word, _, number = part.partition(" ")
        words = words_of(seed, sample, stream, step)
        if word == "flip":
            image = image[:, :, ::-1] if words[0] >= 2**31 else image
        else:
            n = int(number)
            zeros = np.pad(image, ((0, 0), (n, n), (n, n)))
            top, left = (word * (2 * n + 1) // 2**32 for word in words[:2])
            image = zeros[:, top : top + image.shape[1], left : left + image.shape[2]]
    return image


def images(shape=(2, 4, 5), n=60, kind=np.uint8, classes=3, seed=0):
    """A training part of n images, brighter by class, and a test part of a third as many."""
    rng = np.random.default_rng(seed)
    y = np.arange(n + n // 3) % classes
    x = rng.integers(1, 200, (len(y), *shape)) + 15 * y.reshape(-1, *[1] * len(shape))
    x = x.astype(kind) if kind == np.uint8 else (x / 64 + 0.1).astype(kind)
    flat = x.reshape(len(x), -1)
    return Data(flat[:n], y[:n], flat[n:], y[n:]).placed(shape)
