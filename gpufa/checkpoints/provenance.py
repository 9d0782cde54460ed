"""The data that a run is trained on: named in its settings or handed in by a program; known again by a checksum."""

import zlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..basics.errors import InvalidValue
from ..data.about import CLASSIFICATION, About, Wanted, of_metadata
from ..data.datasets import read
from ..data.parts import validate
from ..data.samples import Data
from ..training.config import Config
from ..training.toml import from_mapping
from . import networks

IN_MEMORY = "arrays"  # the name of data that a program handed in


def data_of(config: Config, data: str | Path | Sequence[Any] | None) -> tuple[Data, str]:
    """The arrays and their name: of `data`, which may be arrays itself, or of config.data where that is None."""
    return _data_of(config, data, config.wanted)


def _data_of(config: Config, data: str | Path | Sequence[Any] | None, wanted: Wanted) -> tuple[Data, str]:
    if data is None or isinstance(data, str | Path):
        if (name := str(data or config.data)) == IN_MEMORY:
            raise InvalidValue(
                f"data {IN_MEMORY!r} are arrays that a program handed in; train on them there, or write them into a"
                " file and name it with --data"
            )
        return read(name, config.test_fraction, wanted), name
    return validate(data, wanted), IN_MEMORY


def data_again(
    config: Config, data: str | Path | Sequence[Any] | None, metadata: Mapping[str, Any], path: str | Path, remedy: str
) -> Data:
    """The very arrays that a run was trained on, from what its checkpoint says.

    Raises InvalidValue where they have changed since.
    """
    about, wanted = of_metadata(metadata), config.wanted
    if about and "about" not in metadata:  # what it was taken for then
        wanted = wanted._replace(task=about.task, strict=False)
    arrays, _ = _data_of(config, data, wanted)
    for candidate in (arrays, *_as_read_before(arrays)):
        if fingerprint(candidate, config.data) == metadata["data"]:
            return candidate
    raise InvalidValue(f"the data of {str(path)!r} have changed since; {remedy}")


def _as_read_before(data: Data) -> Iterator[Data]:
    """What gpufa made of the same file before CSV files were read in float64, and labels were counted anew."""
    narrow = Data(*(a.astype(np.float32) if a.dtype == np.float64 else a for a in data)).told(data.about)
    yield narrow
    if data.about and (names := data.about.classes) is not None and all(name.isdigit() for name in names):
        numbers = np.array([int(name) for name in names])
        for one in data, narrow:
            yield one._replace(y_train=numbers[one.y_train], y_test=numbers[one.y_test]).told(About(CLASSIFICATION))


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
    remedy = "bring back those that it was trained on, or evaluate it on others with gpufa evaluate --data"
    arrays = data_again(from_mapping(metadata["config"]), None, metadata, path, remedy)
    return arrays.x_test, arrays.y_test
