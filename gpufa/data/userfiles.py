"""The user's own files, of whichever kind: to train on, and to predict from."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..basics.arguments import shown
from ..basics.errors import FileProblem, InvalidValue
from .about import About, Wanted
from .arrayfiles import read_arrays
from .columns import choose, match
from .csvfiles import read_csv
from .dialect import ENDINGS, is_table
from .parts import of_arrays, of_table
from .samples import Data, inputs
from .target import judged

SUFFIXES = ".npz", ".h5", ".hdf5", *ENDINGS
OWN_TEST_PART = "has a test part of its own; leave out test_fraction={}"


def read_file(path: Path, test_fraction: float | None, wanted: Wanted) -> Data:
    """What a file holds to train on. Raises FileProblem and InvalidValue, which name it."""
    try:
        if is_table(path):
            table = read_csv(path, lambda names, width: choose(names, width, wanted), wanted.task)
            return of_table(table, wanted, test_fraction)
        return _of_arrays(path, test_fraction, wanted)
    except InvalidValue as error:
        raise InvalidValue(f"{path}: {error}") from None


def _of_arrays(path: Path, test_fraction: float | None, wanted: Wanted) -> Data:
    y = _array(wanted) or "y"
    fields = [f"{name[0].replace('y', y)}{name[1:]}" for name in Data._fields]
    weights = (f"{wanted.sample_weights}_train", wanted.sample_weights) if wanted.sample_weights else ()
    arrays = read_arrays(path, (*fields, "x", y, *weights))
    parted = any(name in arrays for name in fields)
    needed = fields if parted else ["x", y]
    if wanted.target and not _array(wanted):
        needed = [name for name in needed if name[0] == "x"]
    if missing := [name for name in needed if name not in arrays]:
        raise FileProblem(f"{path} has no array {' or '.join(missing)}; give {', '.join(fields)}, or x and {y}")
    if parted and test_fraction is not None:
        raise InvalidValue(f"it {OWN_TEST_PART.format(shown(test_fraction))}")
    weighed = next((name for name in weights[0 if parted else 1 :] if name in arrays), None)
    if weights and weighed is None:
        raise InvalidValue(f"it has no array {weights[1]!r} of sample weights; change --sample-weights")
    xs = [arrays[name] for name in needed if name in ("x", "x_train", "x_test")]
    ys = [arrays[name] for name in needed if name not in ("x", "x_train", "x_test")]
    return of_arrays(xs, ys, wanted, test_fraction, _array(wanted), weights=arrays[weighed] if weighed else None)


def _array(wanted: Wanted) -> str | None:
    """The array that --target names in place of y; None for columns of x, which have numbers."""
    if wanted.target is None or all(name.lstrip("-").isdigit() for name in wanted.target):
        return None
    if len(wanted.target) > 1 or wanted.target[0] in ("x", "x_train", "x_test"):
        raise InvalidValue(
            f"target = {', '.join(wanted.target)} is no array of targets; name one with --target, or give the numbers"
            " of columns of x"
        )
    return wanted.target[0]


def read_inputs(path: Path, features: int, about: About | None, wanted: Wanted) -> tuple[NDArray, NDArray | None]:
    """What a file holds for a net to predict from, and to be judged by if there is that (see datasets.load_inputs)."""
    try:
        if is_table(path):
            task = about.task if about else None
            table = read_csv(path, lambda names, width: match(names, width, about, features, wanted), task)
            return inputs(table.x), None if table.y is None else judged(table.y, about, len(table.x))
        named = about.target[0] if about and about.target else "y"
        array = named if isinstance(named, str) else "y"
        arrays = read_arrays(path, ("x_test", "y_test", "x", "y", array, f"{array}_test"))
        end = "_test" if "x_test" in arrays else ""
        if f"x{end}" not in arrays:
            raise FileProblem(f"{path} has no array x or x_test; write the samples into it as x")
        x = inputs(arrays[f"x{end}"])
        y = arrays.get(f"{array}{end}", arrays.get(f"y{end}"))
        if x.shape[1] != features and about and about.features:
            roles = match(None, x.shape[1], about, features, wanted)
            y = x[:, list(roles.target)] if roles.target else y
            x = np.ascontiguousarray(x[:, list(roles.features)])
        if x.shape[1] != features:
            raise InvalidValue(f"it has {x.shape[1]} features; expected {features}, as in the training data")
        return x, None if y is None else judged(y, about, len(x))
    except InvalidValue as error:
        raise InvalidValue(f"{path}: {error}") from None
