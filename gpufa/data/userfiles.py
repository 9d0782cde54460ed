"""The user's own files, of whichever kind: to train on, and to predict from."""

import math
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..basics.arguments import shown
from ..basics.errors import InvalidValue
from . import jpegs
from .about import About, Wanted
from .arrayfiles import array_names, read_arrays
from .arraynames import alike, fields, to_predict, to_train
from .columns import Roles, choose, match
from .csvfiles import read_csv
from .dialect import ENDINGS, is_table
from .divided import OWN_TEST_PART, of_arrays, of_tables, of_trained
from .parquet import ENDING, read_parquet
from .samples import Data, check_samples, inputs
from .table import Table
from .target import judged

SUFFIXES = ".npz", ".h5", ".hdf5", *ENDINGS, ENDING


def read_file(path: Path, test_fraction: float | None, wanted: Wanted) -> Data:
    """What a file holds to train on. Raises FileProblem and InvalidValue, which name it."""
    try:
        if table := _table(path, partial(choose, wanted=wanted), wanted.task, wanted.missing):
            return of_tables([table], wanted, test_fraction)
        return _of_arrays(path, test_fraction, wanted)
    except InvalidValue as error:
        raise InvalidValue(f"{path}: {error}") from None


def _table(path: Path, choose: Callable[..., Roles], task: str | None, missing: str | None) -> Table | None:
    """What a file of columns holds; None where it holds arrays."""
    if path.name.lower().endswith(ENDING):
        return read_parquet(path, choose)
    return read_csv(path, choose, task, missing) if is_table(path) else None


def _of_arrays(path: Path, test_fraction: float | None, wanted: Wanted) -> Data:
    every = array_names(path)
    if jpegs.holds(every):
        return _of_jpegs(path, test_fraction, wanted)
    found = fields(every, wanted, _same(path))
    xs, ys, weights = to_train(found, wanted, every)
    if len(xs) > 1 and test_fraction is not None:
        raise InvalidValue(f"it {OWN_TEST_PART.format(shown(test_fraction))}")
    arrays = iter(read_arrays(path, xs, [*ys, *weights]))
    of_x, of_y, own = ([next(arrays) for _ in names] for names in (xs, ys, weights))
    return of_arrays(of_x, of_y, wanted, test_fraction, found, weights=own[0] if own else None)


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
    return lambda one, other: alike(*read_arrays(path, (), (one, other)))


def read_inputs(
    path: Path, shape: tuple[int, ...], about: About | None, wanted: Wanted
) -> tuple[NDArray, NDArray | None]:
    """What a file holds for a net to predict from, and to be judged by if there is that (see datasets.load_inputs)."""
    features = math.prod(shape)
    try:
        task, missing = (about.task, about.missing) if about else (None, None)
        matching = partial(match, about=about, features=features, wanted=wanted)
        if table := _table(path, matching, task, missing):
            return of_trained(table, about)
        every = array_names(path)
        if jpegs.holds(every):
            part = jpegs.read_part(path, "test")
            check_samples(part.x.shape, shape, "test_jpeg")
            return inputs(part.x), judged(part.named, about, len(part.x))
        name, name_of_y = to_predict(fields(every, wanted, _same(path), about), every)
        of_x, *of_y = read_arrays(path, [name], [name_of_y] if name_of_y else [])
        check_samples(np.shape(of_x), shape, name)
        x, y = inputs(of_x, gaps=bool(missing)), of_y[0] if of_y else None
        if x.shape[1] != features and about and about.features:
            roles = match(None, x.shape[1], about, features, wanted)
            y = x[:, list(roles.target)] if roles.target else y
            x = np.ascontiguousarray(x[:, list(roles.features)])
        if x.shape[1] != features:
            raise InvalidValue(f"it has {x.shape[1]} features; expected {features}, as in the training data")
        return x, None if y is None else judged(y, about, len(x))
    except InvalidValue as error:
        raise InvalidValue(f"{path}: {error}") from None
