"""The data that a run is trained on: named in its settings or handed in by a program; known again by a checksum."""

import os
import zlib
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..basics.arguments import home_path
from ..basics.errors import FileProblem, GpufaError, InvalidValue, warn
from ..basics.ownfiles import is_own
from ..data.datasets import load_inputs, load_linked, read
from ..data.divided import ALL
from ..data.handed import validate
from ..data.linked import Linked
from ..data.samples.about import CLASSIFICATION, About, Wanted, of_metadata
from ..data.samples.data import Data
from ..data.sets.namedsets import is_known, of_pixels
from ..data.streams.parts import pieces, some
from ..data.streams.room import ALWAYS, AUTO, NEVER, Way
from ..data.text.texts import TEXT, is_text, path_of_text
from ..data.timefirst import turned_as_trained
from ..data.userfiles import is_file
from ..measure.health import of_another_unit
from ..net.learner import Learner
from ..training.settings.config import Config
from ..training.settings.toml import stored
from . import networks

IN_MEMORY = "arrays"  # the name of data that a program handed in
IN_ANOTHER_ORDER = (
    "the run had them in memory, and would go on in another order if they streamed: resume it where more is free"
)
AS_FITS = Way(AUTO)


def data_of(config: Config, data: Any, weights: Any = None) -> tuple[Data, str]:
    """The arrays and their name: of `data`, which may be arrays itself, or of config.data where that is None. Beside
    arrays `weights` are those of the samples, of the training part where there are two."""
    return _data_of(config, data, config.wanted, weights, config.way)


def _data_of(config: Config, data: Any, wanted: Wanted, weights: Any, way: Way) -> tuple[Data, str]:
    if data is None or isinstance(data, str | Path):
        if (name := str(data or config.data)) == IN_MEMORY:
            raise InvalidValue(
                f"data {IN_MEMORY!r} are arrays that a program handed in; train on them there, or write them into a"
                " file and name it with --data"
            )
        if weights is not None:
            raise InvalidValue(
                f"sample_weights are an array, which goes with arrays, and the data are {name!r}; name its column or"
                " array in the settings, sample_weights = 'name'"
            )
        return read(name, config.test_fraction, wanted, way), name
    if way.mode == ALWAYS:
        raise InvalidValue(
            "stream = 'always' is for files, and the data are handed in by a program; leave it out, or give their path"
        )
    return validate(data, wanted, config.test_fraction, weights), IN_MEMORY


def data_again(
    config: Config,
    data: Any,
    metadata: Mapping[str, Any],
    path: str | Path,
    remedy: str,
    weights: Any = None,
    way: Way | None = None,
    tokens: str | None = None,
) -> Data:
    """The very arrays that a run was trained on, from what its checkpoint says; those of a file are read in that way,
    or else as the run read them, in whose order it goes on. `tokens` is the tokenizer of one's own of text.

    Raises InvalidValue where they have changed since; FileProblem where they are gone.
    """
    if is_own(config.tokens) and tokens is None:
        raise InvalidValue(
            f"{str(path)!r} was trained on text by {config.tokens!r}, and no code runs because a checkpoint names it;"
            " name it yourself, --tokenizer path/to/file.py:NAME"
        )
    config = config if tokens is None else replace(config, tokens=tokens)
    if is_text(config.data) and data is not None and not is_text(str(data)):
        data = f"{TEXT}{data}"
    if data is None and _is_own(config.data) and not _place(config.data).exists():
        raise FileProblem(
            f"{str(path)!r} was trained on {config.data}, which is not there; say with --data where it is now"
        )
    about, wanted = of_metadata(metadata), config.wanted
    if about and "about" not in metadata:  # what it was taken for then
        wanted = wanted._replace(task=about.task, strict=False)
    as_before = Way(ALWAYS) if config.stream == ALWAYS else Way(NEVER, IN_ANOTHER_ORDER)
    arrays, _ = _data_of(config, data, wanted, weights, way or as_before)
    if ("weights" in metadata["data"]) != (arrays.weights is not None):
        there, here = ("with", "none") if arrays.weights is None else ("without", "some")
        raise InvalidValue(
            f"{str(path)!r} was trained {there} weights of samples, and there are {here} now; resume it as it was"
            " trained, with or without sample_weights"
        )
    for candidate in (arrays, *_as_read_before(arrays)):
        if fingerprint(candidate, config.data) == metadata["data"]:
            return candidate
    raise InvalidValue(f"the data of {str(path)!r} have changed since; {remedy}")


def _as_read_before(data: Data) -> Iterator[Data]:
    """What gpufa made of the same file before CSV files were read in float64, and labels were counted anew; there were
    none that streamed."""
    if data.stream:
        return
    narrow = Data(*(a.astype(np.float32) if a.dtype == np.float64 else a for a in data)).told(data.about)
    narrow.weighed(data.weights)
    yield narrow
    if data.about and (names := data.about.classes) is not None and all(name.isdigit() for name in names):
        numbers = np.array([int(name) for name in names])
        for one in data, narrow:
            yield one._replace(y_train=numbers[one.y_train], y_test=numbers[one.y_test]).told(About(CLASSIFICATION))


def fingerprint(data: Data, name: str) -> dict[str, Any]:
    """What tells whether data are the same: shapes and a checksum of every byte, of the samples' weights and a graph's
    edges too. It is one for data in memory and the same that stay in their file."""
    parts = data._asdict() | ({} if data.weights is None else {"weights": data.weights})
    if data.graph is not None:
        parts |= {"y_validation": data.y_validation, "edges": data.graph.edges}
    return {"name": name, **{part: [list(a.shape), _checksum(a)] for part, a in parts.items()}}


def _checksum(values: Any) -> int:
    """Of the bytes of an array, labels being int64, or of what Rows read."""
    found, labels = 0, values.dtype.kind in "iu" and values.ndim == 1
    for piece in pieces(values):
        found = zlib.crc32(np.ascontiguousarray(piece, np.int64 if labels else None).data, found)
    return found


def samples_of(
    path: str | Path, net: Learner, data: str | Path | None = None, wanted: Wanted = ALL, way: Way = AS_FITS
) -> tuple[Any, NDArray | None, str]:
    """x, y and what they are in words, for a net that is judged: on the test part of the run's own data, if `data` is
    not given or is their file, moved or not; else on all that inputs_of finds there.

    Raises InvalidValue where the run does not name its data, or they have changed since; FileProblem where they are
    gone; and what inputs_of raises.
    """
    metadata = networks.facts(path)
    name = _name(metadata)
    if data is None:
        if name == IN_MEMORY:
            raise InvalidValue(f"{str(path)!r} does not name its data; say which with --data")
        return *_test_part(metadata, net, None, path, way, wanted.tokens), "its own test data"
    if _of_one_form(name, data):
        with suppress(GpufaError):  # they are others, then
            return *_test_part(
                metadata, net, data, path, way, wanted.tokens
            ), f"the test part of {data}, which it was trained on"
        if _place(data) == _place(name):
            warn(
                f"{data} has changed since {str(path)!r} was trained on it: all of its samples are taken, among which"
                " those of the training may be"
            )
    if net.graph is not None:
        found = _linked(net, data, wanted, way)
        return found.x, found.y, f"{found.which} of {data}"
    return *inputs_of(path, net, data, wanted, way), str(data)


def inputs_of(
    path: str | Path, net: Learner, data: str | Path, wanted: Wanted, way: Way = AS_FITS
) -> tuple[Any, NDArray | None]:
    """What load_inputs finds for a run's net in a set or file, with a warning where it is in another unit than what the
    net was trained on. Of a graph they are all nodes, and the net gets their edges."""
    if net.graph is not None:
        return _linked(net, data, wanted, way)[:2]
    x, y = load_inputs(data, net.sizes.inputs, net.about, wanted, net.sizes.shapes[0], way)
    if net.about and net.about.tokens:
        return x, y
    if said := of_another_unit(some(x), net.scaling, of_pixels(_name(networks.facts(path)))):
        warn(f"{data} has {said}; give them in one unit")
    return x, y


def _linked(net: Learner, data: str | Path, wanted: Wanted, way: Way) -> Linked:
    """The nodes of a graph, which the net goes along from here on."""
    found = load_linked(data, net.about, wanted, way)
    net.graph = found.graph
    return found


def _of_one_form(name: str, data: str | Path) -> bool:
    """Whether data of that name may be what is now at that path: files of one ending, or both folders."""
    if is_text(name):
        return is_text(str(data))
    if not is_file(name):
        return _is_own(name) and os.path.isdir(home_path(data, "data"))
    return name.lower().endswith(tuple(Path(data).suffixes[-1:]) or ("/",))


def _place(data: str | Path) -> Path:
    """Where data of that name are."""
    return path_of_text(str(data)) if is_text(str(data)) else home_path(data, "data")


def _is_own(name: str) -> bool:
    """Whether data of that name are a file or a folder."""
    return name != IN_MEMORY and not is_known(name)


def _name(metadata: Mapping[str, Any]) -> str:
    """What a run's data are called."""
    return str(metadata.get("config", {}).get("data", IN_MEMORY))


def _test_part(
    metadata: Mapping[str, Any],
    net: Learner,
    data: str | Path | None,
    path: str | Path,
    way: Way,
    tokens: str | None,
) -> tuple[Any, NDArray]:
    """x and y of the test part of the very data that a run's net was trained on, in the file `data` if they have
    moved."""
    remedy = "bring back those that it was trained on, or name others with --data"
    arrays = data_again(stored(metadata), data, metadata, path, remedy, way=way, tokens=tokens)
    return turned_as_trained(arrays.x_test, arrays.places, net.about, net.sizes.shapes[0]), arrays.y_test
