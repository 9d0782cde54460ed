"""DATASETS: the sets known by name, embedded or downloaded, a row each; in what form their files are, in forms.py."""

import os
from pathlib import Path
from typing import NamedTuple

import numpy as np

from ...basics.errors import FileProblem, InvalidValue
from ...basics.files import cache_folder
from ..arrays.jpegs import Part
from ..graphs.graphsets import GRAPHS, file_of, said
from ..tasks import TASKS, Task, told
from ..tasks.copying import SEQUENCES, CopyTask
from ..tasks.teachers import TEACHERS, Teacher
from .forms import CIFAR, EMBEDDED, IDX, Form


class NamedSet(NamedTuple):
    """A set known by name; `scale` divides its bytes, `checksums` are those of its form's downloads on `mirrors`."""

    description: str
    licence: str
    source: str
    train_samples: int
    test_samples: int
    features: int
    classes: int
    scale: float
    form: Form = EMBEDDED
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
        IDX,
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
        IDX,
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
    "cifar10": NamedSet(
        "3x32x32 images of animals and vehicles, downloaded (170 MB), or from JPEG files",
        "none stated by its authors; cite them",
        "A. Krizhevsky, Learning Multiple Layers of Features from Tiny Images, 2009",
        *(50000, 10000, 3072, 10, 255),
        CIFAR,
        ("https://www.cs.toronto.edu/~kriz/",),
        ("md5:c32a1d4ab5d03f1284b67883e8d87530",),
    ),
}

MADE: dict[str, Teacher | CopyTask | Task] = {**TEACHERS, **SEQUENCES, **TASKS}  # by the program
OF_TEXT = ".txt", ".md", ".text"
DESCRIPTIONS = {name: row.description for name, row in DATASETS.items()}
DESCRIPTIONS |= {name: row.description for name, row in MADE.items()}
DESCRIPTIONS |= {name: row.description for name, row in GRAPHS.items()}


def listed() -> dict[str, str]:
    """What is to be known of each named set before it is used: what it is, how large, and its licence."""
    sizes = {name: (row.train_samples, row.test_samples, row.features) for name, row in DATASETS.items()}
    sizes |= {name: (row.train_samples, row.test_samples, row.inputs) for name, row in MADE.items()}
    facts = {name: "{} + {} samples of {} features".format(*size) for name, size in sizes.items()}
    facts |= {name: said(row) for name, row in GRAPHS.items()}
    licences = {name: f"; licence: {row.licence}" for name, row in DATASETS.items()}
    return {name: f"{text}; {facts[name]}{licences.get(name, '')}" for name, text in DESCRIPTIONS.items()}


def fetch(name: str) -> Path:
    """The folder with the named set's files: $GPUFA_DATA/<name>, else the cache, to which missing files are downloaded;
    of a graph its file.

    An embedded set is in gpufa's own. Raises InvalidValue for an unknown name or a set without files, FileProblem if
    $GPUFA_DATA/<name> lacks a file or a download fails.
    """
    name = _known(name)
    if name in MADE:
        raise InvalidValue(f"{name} is made by the program and has no files; use it as --data {name}")
    if name in GRAPHS:
        return file_of(name)
    form = DATASETS[name].form
    if not form.downloads:
        return Path(__file__).parent
    root = os.environ.get("GPUFA_DATA")
    if root and (own := Path(root, name).expanduser()).is_dir():
        if missing := form.lacks(own):
            raise FileProblem(f"{own} lacks {missing}; add the file, or rename the folder to have it downloaded")
        return own
    cache = cache_folder() / name
    for file, checksum in zip(form.downloads, DATASETS[name].checksums, strict=True):
        if not form.has(cache, file):
            _download(name, file, checksum, cache)
    return cache


def of_pixels(name: str) -> bool:
    """Whether the set of that name has pixels, from 0 to 1."""
    return name.replace("-", "_") in DATASETS


def is_graph(name: str) -> bool:
    """Whether the set of that name is a graph."""
    return name.replace("-", "_") in GRAPHS


def is_known(name: str) -> bool:
    """Whether a set has that name."""
    return _key(name)[0] in DESCRIPTIONS


def _known(name: str) -> str:
    """The key of DESCRIPTIONS."""
    if (key := _key(name)[0]) in DESCRIPTIONS:
        return key
    if name.lower().endswith(OF_TEXT):
        raise InvalidValue(f"data {name!r} is no set's name; where it is a file of text, give text:{name}")
    raise InvalidValue(
        f"data {name!r} is unknown; choose from {', '.join(DESCRIPTIONS)}, or a path that ends in .csv, .tsv, .parquet,"
        " .npz, .npy or .h5, or the path of a folder of .npy files, or text:FILE"
    )


def _key(name: str) -> tuple[str, str]:
    """What a set is called, and the settings behind it, if any."""
    key, _, settings = name.partition(":")
    return key.replace("-", "_"), settings


def part_of(name: str | os.PathLike[str], part: str) -> Part:
    """x, scaled to [0, 1], and y of the named set's "train" or "test" part; or a teacher's."""
    settings = _key(os.fspath(name))[1]
    name = _known(os.fspath(name))
    made = told(name, MADE.get(name), settings) if settings else MADE.get(name)
    if made:
        return Part(*made.part(part))
    row = DATASETS[name]
    found = row.form.read(fetch(name), part)
    return found._replace(x=np.divide(found.x, row.scale, dtype=np.float32))


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
