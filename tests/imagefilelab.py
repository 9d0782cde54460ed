"""What tests of image files write: CIFAR-10's archive, and JPEG files in an .npz, a few images each."""

import io
import tarfile
from pathlib import Path

import numpy as np
from PIL import Image

from gpufa.data.sets import cifar

NAMES = "cat", "ant", "bee"


def records(seed: int, count: int = 4) -> np.ndarray:
    """(count, 3073) bytes, labels 0, 1, 2 among them."""
    found = np.random.default_rng(seed).integers(0, 256, (count, cifar.RECORD), np.uint8)
    found[:, 0] = np.arange(count) % len(NAMES)
    return found


def contents() -> dict[str, bytes]:
    """The files of an archive, by name."""
    found = {name: records(i).tobytes() for i, name in enumerate((*cifar.BATCHES["train"], *cifar.BATCHES["test"]))}
    return {cifar.META: "\n".join((*NAMES, "", "")).encode(), **found, "readme.html": b"<html>"}


def write_archive(path: Path, files: dict[str, bytes]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(path, "w:gz") as archive:
        for name, content in files.items():
            member = tarfile.TarInfo(f"{cifar.FOLDER}/{name}")
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return path


def jpeg(pixels: np.ndarray) -> bytes:
    """Of (height, width, 3) or (height, width) bytes."""
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "JPEG", quality=95)
    return file.getvalue()


def plain(colour: int, size: int = 8) -> np.ndarray:
    """An image of one colour, (size, size, 3), which JPEG keeps but for rounding."""
    return np.full((size, size, 3), (colour, 255 - colour, 30), np.uint8)


def jpeg_arrays(files: int = 6) -> dict[str, np.ndarray]:
    """What an .npz holds: image i has the red i * 20, and the label i mod 3."""
    found = {"classes": np.array(NAMES)}
    for part in ("train", "test"):
        written = [jpeg(plain(i * 20)) for i in range(files)]
        found[f"{part}_jpeg"] = np.frombuffer(b"".join(written), np.uint8)
        found[f"{part}_offsets"] = np.cumsum([0, *map(len, written)]).astype(np.int32)
        found[f"{part}_y"] = (np.arange(files) % len(NAMES)).astype(np.uint8)
    return found
