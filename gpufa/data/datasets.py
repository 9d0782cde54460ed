"""Data to train on: a set known by name, or the user's own file."""

import os
import sys
from typing import Any

from numpy.typing import NDArray

from ..basics.arguments import home_path, one_of, shown, whole
from ..basics.errors import InvalidValue, room_needed
from .divided import ALL, OWN_TEST_PART, of_arrays
from .handed import validate
from .linked import NO_EDGES, Linked, read_linked
from .samples.about import ASKED_FOR, AT_PLACES, CLASSIFICATION, REGRESSION, About, Wanted, names_in
from .samples.data import Data, has_labels, inputs
from .samples.target import judged
from .sets.namedsets import fetch, is_graph, is_known, part_of
from .streams.room import ALWAYS, IN_MEMORY, Way
from .tables.missing import MISSING
from .text.texts import check_no_text, is_text, read_text, read_windows
from .userfiles import has_edges, is_file, read_file, read_inputs


@room_needed()
def load_data(
    source: Any,
    test_fraction: float | None = None,
    *,
    target: Any = None,
    task: str | None = None,
    features: Any = None,
    drop: Any = None,
    sample_weights: str | None = None,
    missing: str | None = None,
    tokens: Any = None,
    length: int | None = None,
    encoding: str | None = None,
) -> Data:
    """The named set, scaled to [0, 1], or the user's file, table or arrays as they are.

    A file is .npz or HDF5 (.h5, .hdf5), or a folder of .npy files, with x_train, y_train, x_test and y_test, or with x
    and y, or what else these may be called (docs/data.md); or .csv or .tsv, gzipped or not, or .parquet, of which a
    column is the target. An .npz or HDF5 file with edges is a graph with its nodes (docs/graphs.md). A program may also
    hand in (x, y), (x_train, y_train, x_test, y_test), a dict of such arrays,
    or a table of pandas, Polars or PyArrow. From x and y, and from a table, `test_fraction` (default 0.2) is split off
    for the test, with labels the same share of every class. All of it is read into memory, however much that is.

    target    the columns, by name or number, that are to be learned; of arrays also the name of that in place of y
    task      "classification" or "regression", or "places" where each place of a sample, a token or a time step, has a
              target: whole numbers (samples, places), -1 for none, or floats (samples, outputs, places), NaN for none
    features  the columns that are used, all but the target where not given; of arrays also the name of that in place
              of x
    drop      columns that are left out
    sample_weights   the column, or of arrays the array, that says how much each training sample counts
    missing   "drop" leaves out samples with missing values; with "mean" or "median" they stay NaN, for a run with that
              setting to fill in

    Of "text:FILE", a file of text:

    tokens    "char", "word", "path/to/file.py:NAME", or an object with encode(text) and decode(numbers)
    length    of the windows that it is cut into, in tokens (128 where not given)
    encoding  what it is written in (utf-8 where not given)

    Raises FileProblem for files, InvalidValue for names and values of no use, and where it is not for certain what is
    to be learned.
    """
    if task is not None:
        one_of(task, ASKED_FOR, "task")
    if missing is not None:
        one_of(missing, MISSING, "missing")
    columns = names_in(features, "features"), names_in(drop, "drop")
    of_columns = names_in(target, "target"), task, *columns, sample_weights, missing
    wanted = Wanted(*of_columns, tokens=tokens, length=length, encoding=encoding)
    return read(source, test_fraction, wanted)


def read(source: Any, test_fraction: float | None, wanted: Wanted, way: Way = IN_MEMORY) -> Data:
    """The same, for settings that are looked at already; a file may stream, by that way."""
    if is_text(source):
        return read_text(source, test_fraction, wanted, way)
    if not isinstance(source, str | os.PathLike):
        return validate(source, wanted, test_fraction)
    check_no_text(wanted, str(source))
    path = home_path(source, "data")
    if is_own(source):
        return read_file(path, test_fraction, wanted, way)
    if is_graph(str(source)):
        return read_file(fetch(str(source)), test_fraction, wanted, way)
    if way.mode == ALWAYS and is_known(str(source)):
        raise InvalidValue(
            f"{source} is a set that is read into memory; leave --stream always out, or name the folder of its files"
        )
    return _named(source, test_fraction, wanted)


def is_own(name: str | os.PathLike[str]) -> bool:
    """Whether data of that name are the user's own: a file, by its ending, or a folder that is not called as a set is;
    ./mnist is the folder."""
    path = home_path(name, "data")
    return is_file(path.name) or (os.path.isdir(path) and not is_known(os.fspath(name)))


def of_a_graph(source: str) -> bool:
    """Whether data of that name are the nodes of a graph: a set, or a file with edges."""
    return is_graph(source) or has_edges(home_path(source, "data"))


def _named(name: str | os.PathLike[str], test_fraction: float | None, wanted: Wanted) -> Data:
    """The set of that name, of which is known what it is."""
    parts = part_of(name, "train"), part_of(name, "test")
    at_places = parts[0].y.ndim > (1 if parts[0].y.dtype.kind == "i" else 2)
    task = AT_PLACES if at_places else CLASSIFICATION
    task = task if at_places or has_labels(parts[0].y) else REGRESSION
    for setting, value in wanted._asdict().items():
        if setting != "strict" and value not in ((None, task) if setting == "task" else (None,)):
            raise InvalidValue(
                f"{name} is a set for {task} with a target of its own; leave --{setting.replace('_', '-')} out"
            )
    if test_fraction is not None:
        raise InvalidValue(f"{name} {OWN_TEST_PART.format(shown(test_fraction))}")
    (x, y, classes, lossy), test = parts
    if task == AT_PLACES:
        return of_arrays([x, test.x], [y, test.y], ALL._replace(task=task))
    counted = tuple(map(str, range(int(y.max()) + 1))) if task == CLASSIFICATION and y.size else None
    try:
        data = of_arrays([x, test.x], [y, test.y], ALL, known=About(task, (), classes or counted))
        return data.told(About(task, classes=classes, lossy=lossy))
    except InvalidValue as error:
        raise InvalidValue(f"{name}: {error}") from None


@room_needed()
def load_linked(
    source: str | os.PathLike[str], about: About | None, wanted: Wanted = ALL, way: Way = IN_MEMORY
) -> Linked:
    """The nodes of a graph, a set or a file, for a net to predict of, or to be judged on. Raises InvalidValue for what
    has no edges, FileProblem for what is not there."""
    name, path = str(source), home_path(source, "data")
    check_no_text(wanted, name)
    if is_graph(name):
        return read_linked(fetch(name), about, wanted, way)
    if is_known(name) or is_text(name) or os.path.isdir(path):
        raise InvalidValue(f"{name} {NO_EDGES}")
    return read_linked(path, about, wanted, way)


@room_needed()
def load_inputs(
    path_or_name: str | os.PathLike[str],
    features: int,
    about: About | None = None,
    wanted: Wanted = ALL,
    shape: tuple[int, ...] = (),
    way: Way = IN_MEMORY,
) -> tuple[Any, NDArray | None]:
    """x (samples, features) to predict from and, where there are some, its labels or targets y.

    Of a named set, and of a file with x_test, that is the test part; else a file has x, and maybe y. A .csv has the
    columns that `about` says the net was trained on, with or without the target; where that says nothing `features`
    columns, and maybe one more for the target. Where the net's inputs have the `shape` (channels, height, width), so
    must samples of an array that has places. Of a file that streams, by that `way`, x are Rows. Raises FileProblem or
    InvalidValue as `load_data` does.
    """
    if is_text(path_or_name):
        return read_windows(str(path_or_name), about, wanted, way)
    check_no_text(wanted, str(path_or_name))
    path, features = home_path(path_or_name, "data"), whole(features, "the number of features", most=sys.maxsize)
    if is_own(path_or_name):
        return read_inputs(path, shape or (features,), about, wanted, way)
    found = part_of(path_or_name, "test")
    x = inputs(found.x)
    if x.shape[1] != features:
        raise InvalidValue(f"{path} has {x.shape[1]} features; expected {features}, as in the training data")
    return x, judged(found.named, about, len(x))
