"""A file of text as windows of tokens, each with the tokens that come next as its targets: text:FILE."""

import os
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...basics.arguments import home_path, readable, whole
from ...basics.errors import FileProblem, InvalidValue
from ..samples.about import CLASSIFICATION, About, Wanted
from ..samples.data import Data
from ..samples.splits import stretch
from ..streams.room import Way
from .tokens import encoded, known_by, tokenizer, vocabulary_of

TEXT, FOLDER = "text:", "text"
CHAR, LENGTH, TEST_FRACTION, UTF8 = "char", 128, 0.1, "utf-8"
OTHERS = "target", "task", "features", "drop", "sample_weights", "missing"  # settings of data that are no text
OWN = "tokens", "length", "encoding"  # settings of text alone
WHOLE = "a text is read as a whole; give a shorter one"
BYTE = 256


def is_text(source: Any) -> bool:
    """Whether data of that name are a file of text."""
    return isinstance(source, str) and source.startswith(TEXT)


def path_of_text(source: str) -> Path:
    """Where that file is: as it is named, or else in $GPUFA_DATA/text."""
    path, root = home_path(source.removeprefix(TEXT), "data"), os.environ.get("GPUFA_DATA")
    kept = Path(root, FOLDER, path).expanduser() if root else path
    return kept if kept.is_file() and not path.exists() else path


def check_no_text(wanted: Wanted, source: str) -> None:
    """Raise InvalidValue where settings of text are given for other data."""
    for name in OWN:
        if getattr(wanted, name) is not None:
            raise InvalidValue(
                f"{name} = {getattr(wanted, name)!r} is for text, which {source} is not taken for; name a file of text"
                f" as --data text:FILE, or leave it out"
            )


def _check_text_alone(wanted: Wanted) -> None:
    """Raise InvalidValue where settings of other data are given for text."""
    for name in OTHERS:
        if getattr(wanted, name) is not None:
            raise InvalidValue(
                f"{name} = {getattr(wanted, name)!r} is for data with a target, and text has its own, the next token;"
                f" leave --{name.replace('_', '-')} out"
            )


def read_text(source: str, fraction: float | None, wanted: Wanted, way: Way) -> Data:
    """The windows of the text, its first stretch for training and the rest, a share `fraction`, for the test: x whole
    numbers of tokens, (windows, length), and y those one token further on, so that no token is a target twice.

    Raises FileProblem for a file that can't be read as text, InvalidValue for settings of other data and for a text
    that is too short.
    """
    _check_text_alone(wanted)
    text, tokens = _read(path_of_text(source), wanted.encoding or UTF8, way), wanted.tokens or CHAR
    own, length = (
        tokenizer(tokens),
        whole(LENGTH if wanted.length is None else wanted.length, "the length of windows", least=2),
    )
    known = None if own else vocabulary_of(text, tokens)
    by = own or known
    assert by
    numbers = encoded(by, text)
    most = int(numbers.max(initial=0)) + 1
    if most < 2:
        raise InvalidValue(f"{source} has {most} token, {text[:1]!r}, only: nothing can be learned; give another text")
    split = len(numbers) - stretch(len(numbers), TEST_FRACTION if fraction is None else fraction, "tokens")
    x, y = windows(numbers[:split], length, most, f"the training part of {source}")
    x_test, y_test = windows(numbers[split:], length, most, f"the test part of {source}")
    name = tokens if isinstance(tokens, str) else type(tokens).__name__
    about = About(CLASSIFICATION, places=length, tokens=name, vocabulary=known.names if known else most)
    return Data(x, y, x_test, y_test).told(about)


def read_windows(source: str, about: About | None, wanted: Wanted, way: Way) -> tuple[NDArray, NDArray]:
    """x and y of all of a text, for a net that was trained on the text that `about` tells of."""
    _check_text_alone(wanted)
    if about is None or about.tokens is None:
        raise InvalidValue(f"{source} is text, and the net was not trained on any; give data such as it was trained on")
    by, most = known_by(about, wanted.tokens), vocabulary_size(about)
    numbers = encoded(by, _read(path_of_text(source), wanted.encoding or UTF8, way), most)
    return windows(numbers, about.places or 1, most, source)


def vocabulary_size(about: About) -> int:
    """How many tokens there are."""
    return about.vocabulary if isinstance(about.vocabulary, int) else len(about.vocabulary or ())


def windows(numbers: NDArray, length: int, most: int, name: str) -> tuple[NDArray, NDArray]:
    """x, (windows, length), of tokens below `most`, one window behind the other, and y the next token of each; what is
    left at the end is left out. Raises InvalidValue where there is no window."""
    count = (len(numbers) - 1) // length
    if count < 1:
        raise InvalidValue(
            f"{name} has {len(numbers)} tokens, and a window of {length} needs {length + 1}; give a smaller --length,"
            " or more text"
        )
    x, y = (numbers[start : start + count * length].reshape(count, length) for start in (0, 1))
    return np.ascontiguousarray(x, np.uint8 if most <= BYTE else np.float32), np.ascontiguousarray(y, np.int64)


def _read(path: Path, encoding: str, way: Way) -> str:
    with readable(path, "text"):
        if not path.is_file():
            raise FileProblem(
                f"there is no file {str(path)!r} of text, nor in $GPUFA_DATA/{FOLDER}; give its path behind text:"
            )
        with way.unless(WHOLE).into_memory(path, os.path.getsize(path)):
            raw = path.read_bytes()
    try:
        text = raw.decode(encoding)
    except LookupError:
        raise InvalidValue(
            f"encoding = {encoding!r} is none that Python knows; give such as utf-8 or latin-1"
        ) from None
    except UnicodeDecodeError as error:
        raise FileProblem(
            f"{path} is no text in {encoding}: byte {error.start} is 0x{raw[error.start]:02x} ({error.reason}); say"
            " with --encoding what it is in, such as latin-1"
        ) from None
    text = text.removeprefix("\ufeff")
    if not text:
        raise FileProblem(f"{path} is empty; give a file with text")
    return text.replace("\r\n", "\n")
