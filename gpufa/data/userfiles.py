"""The user's own files, of whichever kind: to train on, and to predict from."""

import math
import os
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from ..basics.arguments import shown
from ..basics.errors import GpufaError, InvalidValue
from .arrays import folders, jpegs
from .arrays.arrayfiles import array_names, read_arrays
from .arrays.arraynames import alike, fields, to_predict, to_train
from .divided import OWN_TEST_PART, of_arrays, of_tables, of_trained
from .graphs import nodes
from .samples.about import About, Wanted
from .samples.data import Data, check_samples, inputs
from .samples.target import judged
from .streams.parts import looked_at, of_columns, settled
from .streams.room import SEEKABLE, Way
from .streams.rows import Rows
from .streams.sources import opened, size_of
from .tables.columns import Roles, choose, match
from .tables.csvfiles import read_csv
from .tables.dialect import ENDINGS, is_table
from .tables.headers import refuse_names_as_sample
from .tables.parquet import ENDING, read_parquet
from .tables.table import Table
from .timefirst import turned_as_trained

SUFFIXES = ".npz", ".h5", ".hdf5", folders.NPY, *ENDINGS, ENDING
GAPS = "missing values are filled in by what all samples have, or left out; see to them before, and leave --missing out"
LINES = f"a file of lines is read as a whole; {SEEKABLE}"
LINKED = "the nodes of a graph are read all at once, as each hangs on others"
PACKED = f"images that are JPEG files are unpacked as a whole; {SEEKABLE}"


def is_file(name: str) -> bool:
    """Whether data of that name are the user's own file, by its ending."""
    return name.lower().endswith(SUFFIXES)


def has_edges(path: Path) -> bool:
    """Whether a file holds a graph with its nodes; False where it can't be read."""
    with suppress(GpufaError):
        return path.name.lower().endswith(nodes.ENDINGS) and nodes.holds(array_names(path))
    return False


def read_file(path: Path, test_fraction: float | None, wanted: Wanted, way: Way) -> Data:
    """What a file holds to train on. Raises FileProblem, InvalidValue and OutOfMemory, which name it."""
    way = way.unless(GAPS if wanted.missing else "")
    try:
        if table := _table(path, partial(choose, wanted=wanted), wanted.task, wanted.missing, way):
            refuse_names_as_sample(table)
            return settled(of_tables([table], wanted, test_fraction))
        return settled(_of_arrays(path, test_fraction, wanted, way))
    except InvalidValue as error:
        raise InvalidValue(f"{path}: {error}") from None


def _table(path: Path, choose: Callable[..., Roles], task: str | None, missing: str | None, way: Way) -> Table | None:
    """What a file of columns holds; None where it holds arrays."""
    if path.name.lower().endswith(ENDING):
        return read_parquet(path, choose, way)
    if not is_table(path):
        return None
    with way.unless(LINES).into_memory(path, size_of(path)):
        return read_csv(path, choose, task, missing)


def _of_arrays(path: Path, test_fraction: float | None, wanted: Wanted, way: Way) -> Data:
    if path.suffix.lower() == folders.NPY and not os.path.isdir(path):
        raise InvalidValue("it holds one array; name the folder that it and its y.npy are in")
    every = array_names(path)
    if jpegs.holds(every):
        with way.unless(PACKED).into_memory(path, size_of(path)):
            return _of_jpegs(path, test_fraction, wanted)
    if nodes.holds(every):
        with way.unless(LINKED).into_memory(path, size_of(path)):
            names = nodes.named(every)
            arrays = dict(zip(names, read_arrays(path, (), names), strict=True))
            return nodes.of_arrays(arrays, wanted, test_fraction)
    found = fields(every, wanted, _same(path))
    xs, ys, weights = to_train(found, wanted, every)
    if len(xs) > 1 and test_fraction is not None:
        raise InvalidValue(f"it {OWN_TEST_PART.format(shown(test_fraction))}")
    if len(xs) == 1:
        nodes.refuse_unlinked(every)
    called = ("x_train", "x_test") if len(xs) > 1 else ("x",)
    of_x, others = _read(path, dict(zip(called, xs, strict=True)), [*ys, *weights], way)
    of_y, own = others[: len(ys)], others[len(ys) :]
    return of_arrays(of_x, of_y, wanted, test_fraction, found, weights=own[0] if own else None)


def _read(path: Path, xs: dict[str, str], others: Sequence[str], way: Way) -> tuple[list[Any], list[NDArray]]:
    """The arrays of samples, by what errors call them, as arrays or as Rows, and others."""
    sources, cant = opened(path, list(xs.values())) if way.mode else ([], "")
    rows = [Rows(source, name) for name, source in zip(xs, sources, strict=False)]
    held = sum(one.nbytes for one in rows) if rows else size_of(path)
    way = way.unless(cant)
    if why := way.why(path, held):
        return [one.because(why) for one in rows], read_arrays(path, (), others)
    with way.into_memory(path):
        found = read_arrays(path, list(xs.values()), others)
    return found[: len(xs)], found[len(xs) :]


def _of_jpegs(path: Path, test_fraction: float | None, wanted: Wanted) -> Data:
    """Images as bytes; labels of classes that have names by these."""
    for setting in ("target", "features", "drop", "sample_weights", "missing"):
        if getattr(wanted, setting) is not None:
            raise InvalidValue(f"it holds images as JPEG files; leave --{setting.replace('_', '-')} out")
    if test_fraction is not None:
        raise InvalidValue(f"it {OWN_TEST_PART.format(shown(test_fraction))}")
    train, test = (jpegs.read_part(path, part) for part in jpegs.PARTS)
    data = of_arrays([train.x, test.x], [train.named, test.named], wanted)
    assert data.about
    return data.told(replace(data.about, lossy=train.lossy))


def _same(path: Path) -> Callable[[str, str], bool]:
    """Whether two arrays hold the same; not for certain where memory does not hold them."""

    def same(one: str, other: str) -> bool:
        with suppress(MemoryError):
            return alike(*read_arrays(path, (), (one, other)))
        return False

    return same


def read_inputs(
    path: Path, shape: tuple[int, ...], about: About | None, wanted: Wanted, way: Way
) -> tuple[Any, NDArray | None]:
    """What a file holds for a net to predict from, and to be judged by if there is that (see datasets.load_inputs)."""
    features = math.prod(shape)
    try:
        task, missing = (about.task, about.missing) if about else (None, None)
        way = way.unless(GAPS if missing else "")
        matching = partial(match, about=about, features=features, wanted=wanted)
        if table := _table(path, matching, task, missing, way):
            return of_trained(table, about)
        every = array_names(path)
        if jpegs.holds(every):
            with way.unless(PACKED).into_memory(path, size_of(path)):
                part = jpegs.read_part(path, "test")
            check_samples(part.x.shape, shape, "test_jpeg")
            return inputs(part.x), judged(part.named, about, len(part.x))
        name, name_of_y = to_predict(fields(every, wanted, _same(path), about), every)
        (of_x,), of_y = _read(path, {"x": name}, [name_of_y] if name_of_y else [], way)
        x, found_as = looked_at(of_x, "x", bool(missing))
        turned = turned_as_trained(x, found_as[1:], about, shape)
        check_samples(found_as if turned is x else (len(x), *shape), shape, name)
        x = turned
        y = of_y[0] if of_y else None
        if x.shape[1] != features and about and about.features:
            roles = match(None, x.shape[1], about, features, wanted)
            y = x[:, list(roles.target)] if roles.target else y
            x = of_columns(x, roles.features)
        if x.shape[1] != features:
            raise InvalidValue(f"it has {x.shape[1]} features; expected {features}, as in the training data")
        return x, None if y is None else judged(y, about, len(x))
    except InvalidValue as error:
        raise InvalidValue(f"{path}: {error}") from None
