"""Data to train on: sets known by name, embedded or downloaded, and the user's own files."""

import os
import sys
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..basics.arguments import home_path, one_of, shown, whole
from ..basics.errors import FileProblem, InvalidValue, room_needed
from .about import CLASSIFICATION, REGRESSION, TASKS, About, Wanted, names_in
from .datafiles import read_arrays, read_idx
from .parts import ALL, of_arrays, validate
from .samples import SCALINGS, Data, Scaling, fit_scaling, has_labels, inputs, split
from .target import judged
from .teachers import TEACHERS
from .userfiles import OWN_TEST_PART, SUFFIXES, read_file, read_inputs

__all__ = [
    "DATASETS",
    "DESCRIPTIONS",
    "SCALINGS",
    "Data",
    "Scaling",
    "fetch",
    "fit_scaling",
    "load_data",
    "load_inputs",
    "split",
    "validate",
]

IDX_FILES = "train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"


class NamedSet(NamedTuple):
    """A set known by name; `scale` divides its bytes, `checksums` are those of IDX_FILES, gzipped, on `mirrors`."""

    description: str
    licence: str
    source: str
    train_samples: int
    test_samples: int
    features: int
    classes: int
    scale: float
    mirrors: tuple[str, ...] = ()
    checksums: tuple[str, ...] = ()


DATASETS = {
    "digits": NamedSet(
        "8x8 images of handwritten digits, embedded",
        "CC BY 4.0",
        "E. Alpaydin and C. Kaynak, UCI Machine Learning Repository, doi:10.24432/C50P49, CC BY 4.0",
        *(1438, 359, 64, 10, 16),
    ),
    "mnist": NamedSet(
        "28x28 images of handwritten digits, downloaded (12 MB)",
        "none stated by its authors; cite them",
        "Y. LeCun, C. Cortes and C. Burges, The MNIST database of handwritten digits",
        *(60000, 10000, 784, 10, 255),
        ("https://ossci-datasets.s3.amazonaws.com/mnist/", "https://storage.googleapis.com/cvdf-datasets/mnist/"),
        (
            "sha256:440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
            "sha256:3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",
            "sha256:8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
            "sha256:f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6",
        ),
    ),
    "fashion_mnist": NamedSet(
        "28x28 images of clothes, downloaded (31 MB)",
        "MIT",
        "H. Xiao, K. Rasul and R. Vollgraf, Zalando Research, MIT licence",
        *(60000, 10000, 784, 10, 255),
        (
            "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/",
            "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
        ),
        (
            "md5:8d4fb7e6c68d591d4c3dfef9ec88bf0d",
            "md5:25c81989df183df01b3e8a0aad5dffbe",
            "md5:bef4ecab320f06d8554ea6380940ec79",
            "md5:bb300cfdad3c16e7a12a480ee83cd310",
        ),
    ),
}

DESCRIPTIONS = {name: row.description for table in (DATASETS, TEACHERS) for name, row in table.items()}


def listed() -> dict[str, str]:
    """What is to be known of each named set before it is used: what it is, how large, and its licence."""
    sizes = {name: (row.train_samples, row.test_samples, row.features) for name, row in DATASETS.items()}
    sizes |= {name: (row.train_samples, row.test_samples, row.inputs) for name, row in TEACHERS.items()}
    said = {name: "{} + {} samples of {} features".format(*size) for name, size in sizes.items()}
    licences = {name: f"; licence: {row.licence}" for name, row in DATASETS.items()}
    return {name: f"{text}; {said[name]}{licences.get(name, '')}" for name, text in DESCRIPTIONS.items()}


@room_needed()
def load_data(
    name_or_path: str | os.PathLike[str],
    test_fraction: float | None = None,
    *,
    target: Any = None,
    task: str | None = None,
    features: Any = None,
    drop: Any = None,
) -> Data:
    """The named set, scaled to [0, 1], or the user's file as it is; arrays as `validate` gives them.

    A file is .npz or HDF5 (.h5, .hdf5) with x_train, y_train, x_test and y_test, or with x and y; or .csv or .tsv,
    gzipped or not, of which a column is the target. From x and y, and from a table, `test_fraction` (default 0.2) is
    split off for the test, with
    labels the same share of every class.

    target    the columns, by name or number, that are to be learned; of arrays also the name of that in place of y
    task      "classification" or "regression"
    features  the columns that are used; all but the target where not given
    drop      columns that are left out

    Raises FileProblem for files, InvalidValue for names and values of no use, and where it is not for certain what is
    to be learned.
    """
    if task is not None:
        one_of(task, TASKS, "task")
    columns = names_in(features, "features"), names_in(drop, "drop")
    return read(name_or_path, test_fraction, Wanted(names_in(target, "target"), task, *columns))


def read(name_or_path: str | os.PathLike[str], test_fraction: float | None, wanted: Wanted) -> Data:
    """The same, for settings that are looked at already."""
    path = home_path(name_or_path, "data")
    if path.name.lower().endswith(SUFFIXES):
        return read_file(path, test_fraction, wanted)
    return _named(name_or_path, test_fraction, wanted)


def _named(name: str | os.PathLike[str], test_fraction: float | None, wanted: Wanted) -> Data:
    """The set of that name, of which is known what it is."""
    arrays = {**_part(name, "train"), **_part(name, "test")}
    task = CLASSIFICATION if has_labels(arrays["y_train"]) else REGRESSION
    for setting, value in wanted._asdict().items():
        if setting != "strict" and value not in ((None, task) if setting == "task" else (None,)):
            raise InvalidValue(f"{name} is a set for {task} with a target of its own; leave --{setting} out")
    if test_fraction is not None:
        raise InvalidValue(f"{name} {OWN_TEST_PART.format(shown(test_fraction))}")
    x_train, y_train, x_test, y_test = (arrays[field] for field in Data._fields)
    counted = tuple(map(str, range(int(y_train.max()) + 1))) if task == CLASSIFICATION and y_train.size else None
    try:
        return of_arrays([x_train, x_test], [y_train, y_test], ALL, known=About(task, (), counted)).told(About(task))
    except InvalidValue as error:
        raise InvalidValue(f"{name}: {error}") from None


@room_needed()
def load_inputs(
    path_or_name: str | os.PathLike[str],
    features: int,
    about: About | None = None,
    wanted: Wanted = ALL,
) -> tuple[NDArray, NDArray | None]:
    """x (samples, features) to predict from and, where there are some, its labels or targets y.

    Of a named set, and of a file with x_test, that is the test part; else a file has x, and maybe y. A .csv has the
    columns that `about` says the net was trained on, with or without the target; where that says nothing `features`
    columns, and maybe one more for the target. Raises FileProblem or InvalidValue as `load_data` does.
    """
    path, features = home_path(path_or_name, "data"), whole(features, "the number of features", most=sys.maxsize)
    if path.name.lower().endswith(SUFFIXES):
        return read_inputs(path, features, about, wanted)
    x, y = _part(path_or_name, "test").values()
    if x.shape[1] != features:
        raise InvalidValue(f"{path} has {x.shape[1]} features; expected {features}, as in the training data")
    return inputs(x), judged(y, about, len(x))


def fetch(name: str) -> Path:
    """The folder with the named set's files: $GPUFA_DATA/<name>, else the cache, to which missing files are downloaded.

    An embedded set is in gpufa's own. Raises InvalidValue for an unknown name or a set without files, FileProblem if
    $GPUFA_DATA/<name> lacks a file or a download fails.
    """
    name = _known(name)
    if name in TEACHERS:
        raise InvalidValue(f"{name} is made by the program and has no files; use it as --data {name}")
    if not DATASETS[name].mirrors:
        return Path(__file__).parent
    root = os.environ.get("GPUFA_DATA")
    if root and (own := Path(root, name).expanduser()).is_dir():
        if missing := [file for file in IDX_FILES if not _idx_path(own, file).is_file()]:
            raise FileProblem(
                f"{own} lacks {missing[0]}[.gz]; add the file, or rename the folder to have it downloaded"
            )
        return own
    import pooch

    cache = Path(pooch.os_cache("gpufa"), name)
    for file, checksum in zip(IDX_FILES, DATASETS[name].checksums, strict=True):
        if not _idx_path(cache, file).is_file():
            _download(name, f"{file}.gz", checksum, cache)
    return cache


def _known(name: str) -> str:
    """The key of DESCRIPTIONS."""
    if (key := name.replace("-", "_")) in DESCRIPTIONS:
        return key
    raise InvalidValue(
        f"data {name!r} is unknown; choose from {', '.join(DESCRIPTIONS)}, or a path that ends in .npz, .h5 or .csv"
    )


def _part(name: str | os.PathLike[str], part: str) -> dict[str, NDArray]:
    """x_<part>, scaled to [0, 1], and the labels y_<part> of the named set's "train" or "test" part; or a teacher's."""
    name = _known(os.fspath(name))
    if name in TEACHERS:
        return dict(zip((f"x_{part}", f"y_{part}"), TEACHERS[name].part(part), strict=True))
    folder, (x_name, y_name) = fetch(name), (f"x_{part}", f"y_{part}")
    if DATASETS[name].mirrors:
        images, labels = IDX_FILES[:2] if part == "train" else IDX_FILES[2:]
        x, y = read_idx(_idx_path(folder, images), 3), read_idx(_idx_path(folder, labels), 1)
        if len(x) != len(y):
            raise FileProblem(f"{folder} has {len(x)} {part} images, but {len(y)} labels; get its files again")
    else:
        x, y = read_arrays(folder / f"{name}.npz", (x_name, y_name)).values()
    return {x_name: np.divide(x, DATASETS[name].scale, dtype=np.float32), y_name: y}


def _idx_path(folder: Path, file: str) -> Path:
    """The plain file if it is there, else the gzipped one."""
    return folder / file if (folder / file).is_file() else folder / f"{file}.gz"


def _download(name: str, file: str, checksum: str, folder: Path) -> None:
    """Get a file from the first mirror that has it as it should be."""
    import pooch

    failures = []
    for mirror in DATASETS[name].mirrors:
        try:
            pooch.retrieve(mirror + file, checksum, fname=file, path=folder)
            return
        except ValueError:
            failures.append(f"{mirror}: wrong checksum")
        except OSError as error:
            failures.append(f"{mirror}: {type(error).__name__}")
    raise FileProblem(
        f"{file} can't be downloaded to {folder} ({'; '.join(failures)}); try again, or put it into $GPUFA_DATA/{name}"
    )
