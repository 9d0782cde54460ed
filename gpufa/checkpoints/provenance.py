"""The data that a run is trained on: named in its settings or handed in by a program; known again by a checksum."""

import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..basics.errors import InvalidValue
from ..data.datasets import Data, load_data, validate
from ..training.config import Config
from ..training.toml import from_mapping
from . import networks

IN_MEMORY = "arrays"  # the name of data that a program handed in


def data_of(config: Config, data: str | Path | Sequence[Any] | None) -> tuple[Data, str]:
    """The arrays and their name: of `data`, which may be arrays itself, or of config.data where that is None."""
    if data is None or isinstance(data, str | Path):
        name = str(data or config.data)
        return load_data(name, config.test_fraction), name
    return validate(data), IN_MEMORY


def fingerprint(data: Data, name: str) -> dict[str, Any]:
    """What tells whether data are the same: shapes and a checksum of every byte."""
    return {
        "name": name,
        **{part: [list(a.shape), zlib.crc32(np.ascontiguousarray(a).data)] for part, a in data._asdict().items()},
    }


def test_part(path: str | Path) -> tuple[NDArray, NDArray]:
    """x and y of the test part of the data that a run was trained on.

    Raises InvalidValue where the run does not name them, or they have changed since.
    """
    metadata = networks.facts(path)
    if metadata.get("config", {}).get("data", IN_MEMORY) == IN_MEMORY:
        raise InvalidValue(f"{str(path)!r} does not name its data; say which with --data")
    arrays, name = data_of(from_mapping(metadata["config"]), None)
    if fingerprint(arrays, name) != metadata["data"]:
        raise InvalidValue(
            f"the data of {str(path)!r} have changed since; bring back those that it was trained on, or evaluate it on"
            " others with gpufa evaluate --data"
        )
    return arrays.x_test, arrays.y_test
