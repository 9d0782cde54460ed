"""Images as their JPEG files hold them, one behind the other in an .npz; Pillow decodes them (pip install
'gpufa[images]').

PART is "train" or "test": PART_jpeg has the bytes of all files, PART_offsets where each begins, and behind the last
where that ends, PART_y the labels; `classes`, where it is there, what they are called.
"""

import io
from collections.abc import Container, Sized
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ...basics.errors import FileProblem
from ..samples.about import Names
from .arrayfiles import array_names, read_arrays

PARTS = "train", "test"
KIND = "JPEG"


class Part(NamedTuple):
    """x and y of the training or the test part of a set; the names of its classes, where labels have some; and what its
    images were packed by, where that loses something of them."""

    x: NDArray
    y: NDArray
    classes: Names | None = None
    lossy: str | None = None

    @property
    def named(self) -> NDArray:
        """y, labels as the names of their classes."""
        return self.y if self.classes is None else np.array(self.classes)[self.y]


def holds(names: Container[str]) -> bool:
    """Whether arrays of those names are images as JPEG files."""
    return all(f"{part}_jpeg" in names for part in PARTS)


def read_part(path: Path, part: str) -> Part:
    """x, bytes (samples, channels, height, width), and y of a part. Raises FileProblem where the file has no such
    images, they differ in size, or Pillow is missing."""
    names = [f"{part}_jpeg", f"{part}_offsets", f"{part}_y"]
    every = array_names(path)
    if missing := [name for name in names if name not in every]:
        raise FileProblem(f"{path} has no array {missing[0]}; expected {', '.join(names)} of its images")
    files, offsets, y = read_arrays(path, names)
    if files.dtype != np.uint8 or files.ndim != 1:
        raise FileProblem(f"{path}: {names[0]} is {files.dtype} of the shape {files.shape}; expected bytes in a row")
    if y.ndim != 1 or not y.size or y.dtype.kind not in "iu":
        raise FileProblem(f"{path}: {names[2]} is {y.dtype} of the shape {y.shape}; expected a label for each image")
    if not _fit(offsets, len(files), len(y)):
        raise FileProblem(
            f"{path}: {names[1]} don't fit; expected {len(y) + 1} growing whole numbers, from 0 to {len(files)}"
        )
    images = _decoded(files.tobytes(), offsets.tolist(), f"{path}: {part} image")
    classes = _classes(path) if "classes" in every else None
    if classes:
        check_labels(y, classes, f"{path}: {names[2]}")
    return Part(images, y, classes, KIND)


def check_labels(y: NDArray, classes: Sized, what: str) -> None:
    """Raises FileProblem for a label that is none of the classes'; `what` has it."""
    if y.min() < 0 or y.max() >= len(classes):
        wrong = int(np.argmax((y < 0) | (y >= len(classes))))
        raise FileProblem(
            f"{what} has the label {y[wrong]} at image {wrong} (counted from 0); expected 0 to {len(classes) - 1}"
        )


def _classes(path: Path) -> Names:
    (found,) = read_arrays(path, ["classes"])
    if found.ndim != 1 or found.dtype.kind != "U" or len(set(found.tolist())) < max(len(found), 1):
        raise FileProblem(f"{path}: classes are {found.dtype} of the shape {found.shape}; expected names in a row")
    return tuple(found.tolist())


def _fit(offsets: NDArray, size: int, images: int) -> bool:
    """Whether each image has its bytes."""
    if offsets.dtype.kind not in "iu" or offsets.shape != (images + 1,):
        return False
    return bool(offsets[0] == 0 and offsets[-1] == size and (offsets[1:] > offsets[:-1]).all())


def _decoded(files: bytes, offsets: list[int], what: str) -> NDArray[np.uint8]:
    """(images, channels, height, width)."""
    found: Any = None
    for i, (start, end) in enumerate(pairwise(offsets)):
        image = _image(files[start:end], f"{what} {i} (counted from 0)")
        if found is None:
            found = np.empty((len(offsets) - 1, *image.shape), np.uint8)
        if image.shape != found.shape[1:]:
            raise FileProblem(f"{what} {i} (counted from 0) is {_size(image)}, but the first {_size(found[0])}")
        found[i] = image
    return found


def _image(file: bytes, what: str) -> NDArray[np.uint8]:
    """(channels, height, width)."""
    try:
        from PIL import Image
    except ImportError:
        raise FileProblem(f"{what} is read by Pillow, which is not installed; pip install 'gpufa[images]'") from None
    try:
        with Image.open(io.BytesIO(file), formats=(KIND,)) as image:
            pixels = np.asarray(image if image.mode in ("L", "RGB") else image.convert("RGB"))
    except Exception as error:  # Pillow raises whatever a damaged file leads it to
        raise FileProblem(f"{what} can't be read as JPEG ({error}); get the file again") from None
    return pixels[None] if pixels.ndim == 2 else pixels.transpose(2, 0, 1)


def _size(image: NDArray) -> str:
    return "x".join(map(str, image.shape))
