"""What is the target: classes or amounts, by what its values are and what --task says."""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ...basics.errors import InvalidValue
from .about import CLASSIFICATION, REGRESSION, About, Names, shortened
from .data import floats, has_labels, targets

CLASSES, AMOUNTS = CLASSIFICATION, REGRESSION
REFUSED = "refused"
# what the values are: what they are taken for without --task, with --task classification, with --task regression
DECISIONS = {
    "strings": (CLASSES, CLASSES, REFUSED),
    "bools": (CLASSES, CLASSES, AMOUNTS),
    "whole numbers": (CLASSES, CLASSES, AMOUNTS),
    "whole floats": (CLASSES, CLASSES, AMOUNTS),
    "reals": (AMOUNTS, CLASSES, AMOUNTS),
    "several columns of whole numbers": (REFUSED, REFUSED, AMOUNTS),
    "several columns of floats": (AMOUNTS, REFUSED, AMOUNTS),
}
ASKED = None, CLASSIFICATION, REGRESSION
MANY, ROWS_EACH = 10, 5  # more classes than that with fewer rows each are amounts, it seems
FEW_ROWS, OWN = 4, 1.5  # and so are, from so many rows on, classes with fewer rows each
AT_ONCE = 1 << 20  # labels that are looked up at a time
EXACT = 2**53  # whole numbers below it are exact in float64


class Target(NamedTuple):
    """y of the training and of the test part, int64 labels (samples,) or floats (samples, outputs); the classes' names,
    None where they are 0, 1, ..."""

    task: str
    classes: Names | None
    train: NDArray
    test: NDArray | None


def decide(train: Any, test: Any, task: str | None, name: str = "y", parted: bool = False) -> Target:
    """The targets for what they are; there is a `test` if `parted`, and errors call them `name`, with _train and _test
    then.

    The classes are those of the training part, in sorted order. Raises InvalidValue for what can't be learned, or is
    not for certain the one or the other.
    """
    whose = [f"{name}_train", f"{name}_test"] if parted else [name, name]
    parts = [targets(y, one) for y, one in zip((train, test) if parted else (train,), whose, strict=False)]
    kinds = [kind(y) for y in parts]
    of_all = kinds[0]
    if len(set(kinds)) > 1:
        of_all = _common(kinds, task)
    taken = DECISIONS[of_all][ASKED.index(task)]
    if taken == REFUSED:
        _refuse(parts[0], of_all, task, whose[0])
    if taken == AMOUNTS:
        made = [_amounts(y, one) for y, one in zip(parts, whose, strict=False)]
        if (made[0] == made[0][0]).all():
            raise InvalidValue(
                f"{whose[0]} has one value, {made[0][0, 0]:g}, only: nothing can be learned; name another --target"
            )
        if len(made) == 2 and made[0].shape[1] != made[1].shape[1]:
            outputs = made[1].shape[1], made[0].shape[1]
            raise InvalidValue(
                f"{whose[1]} has {outputs[0]} outputs, but {whose[0]} {outputs[1]}; give both the same outputs"
            )
        return Target(REGRESSION, None, made[0], made[1] if len(made) == 2 else None)
    classes = _classes(parts[0], of_all, task, whose[0])
    counted = classes == tuple(map(str, range(len(classes))))
    made = [labels(y, classes, one, whose[0]) for y, one in zip(parts, whose, strict=False)]
    return Target(CLASSIFICATION, None if counted else classes, made[0], made[1] if len(made) == 2 else None)


def kind(y: NDArray) -> str:
    """Which row of DECISIONS they belong to."""
    if y.dtype.kind == "U":
        return "strings"
    if y.ndim > 1:
        return f"several columns of {'floats' if y.dtype.kind == 'f' else 'whole numbers'}"
    if y.dtype.kind == "b":
        return "bools"
    if y.dtype.kind in "iu":
        return "whole numbers"
    return "whole floats" if bool((y == np.round(y)).all()) else "reals"


def labels(y: NDArray, classes: Names, name: str = "y", source: str = "y_train") -> NDArray[np.int64]:
    """The classes' numbers. Raises InvalidValue for a class that is none of them."""
    known = {text: label for label, text in enumerate(classes)}
    for truth, number in (("False", "0"), ("True", "1")):  # however a program writes them
        if truth not in known and number in known:
            known[truth] = known[number]
        elif number not in known and truth in known:
            known[number] = known[truth]
    values = np.unique(y)
    found = [known.get(text, known.get(_without_zeros(text))) for text in texts_of(values)]
    if None in found:
        text = texts_of(values)[found.index(None)]
        raise InvalidValue(
            f"{name} has the class {text}, but those of {source} are {shortened(classes)}; give training samples of"
            " every class"
        )
    flat, made = y.reshape(-1), np.empty(y.size, np.int64)
    for start in range(0, y.size, AT_ONCE):  # as places take as much memory as labels
        part = slice(start, start + AT_ONCE)
        made[part] = np.array(found, np.int64)[np.searchsorted(values, flat[part])]
    return made


def _without_zeros(text: str) -> str:
    """A code as the number that it was read as before: 02134 as 2134."""
    return str(int(text)) if text.isdecimal() else text


def judged(y: Any, about: About | None, samples: int) -> NDArray:
    """y as a net that was trained on what `about` says is judged by it: labels, or floats (samples, outputs)."""
    values = targets(y, "y")
    if len(values) != samples:
        raise InvalidValue(f"x has {samples} samples, but y {len(values)}; give one target per sample")
    if about and about.classes is not None:
        return labels(values, about.classes, "y", "the training data")
    counted = kind(values) in ("bools", "whole numbers", "whole floats")
    if about.task == REGRESSION if about else not counted:
        return _amounts(values, "y")
    if values.dtype.kind == "U" and all(
        text.isdecimal() and text == _without_zeros(text) for text in np.unique(values)
    ):
        return values.astype(np.int64)
    if not counted:
        raise InvalidValue(f"y is no column of labels, such as {values.flat[0]}; the net tells classes, 0, 1, ...")
    return values.astype(np.int64)


def by_name(y: NDArray, about: About | None) -> NDArray:
    """Labels as the names of their classes, which nobody takes for other classes' numbers; y as it is where they have
    no names, or it has no labels. A label of -1, of a node without one, is an empty name."""
    if about is None or about.classes is None or not has_labels(y):
        return y
    return np.array([*about.classes, ""])[y]


def _amounts(y: NDArray, name: str) -> NDArray:
    """Floats (samples, outputs)."""
    if y.dtype.kind == "U":
        raise InvalidValue(f"{name} is text, such as {str(y[0])!r}, and amounts are numbers; leave that column out")
    return floats(y.astype(np.float32) if y.dtype == bool else y, name)


def _common(kinds: list[str], task: str | None) -> str:
    """The kind of both parts together."""
    both = set(kinds)
    if "reals" in both and both & {"bools", "whole numbers", "strings"} and task is None:
        told = ["real targets" if one == "reals" else "labels" for one in kinds]
        raise InvalidValue(
            f"y_train has {told[0]}, but y_test {told[1]}; give both as integers (labels) or both as floats"
        )
    several = [one for one in DECISIONS if one in both and one.startswith("several")]
    return next((one for one in (*several[::-1], "strings", "reals") if one in both), "whole numbers")


def _refuse(y: NDArray, of_all: str, task: str | None, name: str) -> None:
    """Raises InvalidValue for what can't be taken as asked."""
    if of_all == "strings":
        raise InvalidValue(
            f"{name} is text, such as {str(y[0])!r}, which can't be regressed on; leave --task regression out, or name"
            " another --target"
        )
    if task is None:
        raise InvalidValue(
            f"{name} is {y.dtype} of the shape {y.shape}; give integer labels (samples,) or floats (samples, outputs),"
            " or add --task regression"
        )
    raise InvalidValue(
        f"{name} has {y.shape[-1]} columns, which can't be one class each; name one --target, or leave --task"
        " classification out"
    )


def _classes(y: NDArray, of_all: str, task: str | None, name: str) -> Names:
    """The names of the classes in sorted order."""
    values = np.unique(y)
    if values.dtype.kind == "f" and np.abs(values).max() >= EXACT:
        raise InvalidValue(
            f"{name} has whole numbers beyond 2^53, such as {np.abs(values).max():.17g}, which floats don't tell apart;"
            " give them as integers, in a file with --task classification, or as texts"
        )
    classes, rows = len(values), len(y)
    if classes == 1:
        raise InvalidValue(
            f"{name} has one class, {shortened(texts_of(values))}, only: nothing can be learned; name another --target"
        )
    if task is None and of_all != "bools" and seems_amounts(classes, rows):
        raise InvalidValue(
            f"{name} has {classes} different values in {rows} rows; if these are amounts, add --task regression, if"
            " each is a class, --task classification, or name another --target"
        )
    return tuple(texts_of(values))


def seems_amounts(classes: int, rows: int) -> bool:
    """Whether there are nearly as many classes as rows."""
    return (classes > MANY and rows < ROWS_EACH * classes) or (rows >= FEW_ROWS and rows < OWN * classes)


def texts_of(values: NDArray) -> list[str]:
    """Values as they are named: whole numbers without a point, whatever their type."""
    if values.dtype.kind == "f":
        return [str(int(v)) if v == np.round(v) and abs(v) < EXACT else str(v) for v in values]
    return [str(v) for v in values]
