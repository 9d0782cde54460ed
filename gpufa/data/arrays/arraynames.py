"""Which of several named arrays are x and y, of the training and of the test part: by name, in files and in dicts."""

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

import numpy as np

from ...basics.errors import InvalidValue, warn
from ..samples.about import About, Wanted, shortened

X = "x", "data", "images", "features", "inputs"
Y = "y", "target", "targets", "label", "labels", "class", "classes"
PARTS = "", "train", "test"
FORM = "(?:(?P<before>train|test)[_./-]?)?(?:{})(?:[_./-]?(?P<behind>train|test))?"

_HELD, _NAMES = "(?:valid(?:ation)?|val|dev)", "|".join(X + Y)
HELD_OUT = re.compile(f"{_HELD}[_./-]?(?:{_NAMES})|(?:{_NAMES})[_./-]?{_HELD}", re.IGNORECASE)

ROLES = {"--features": "x", "--target": "the target", "--sample-weights": "the weights"}

Found = dict[str, str]  # the array's name by its part


class Fields(NamedTuple):
    """The names of the arrays that are x, y and the samples' weights by their part, "" for what is not parted; the
    arrays that flags named in place of x and y."""

    x: Found
    y: Found
    weights: Found
    x_array: str | None
    y_array: str | None


Same = Callable[[str, str], bool]


def fields(names: Iterable[str], wanted: Wanted, same: Same, about: About | None = None) -> Fields:
    """Those among `names`. A flag names an array, or else numbers columns of x; `about` says which were trained on.

    Raises InvalidValue for two that could both be one of them, unless `same` says that they hold the same.
    """
    names = sorted(names)
    x_array, y_array = _array(wanted.features, "features"), _array(wanted.target, "target")
    trained = about.array_of_target if about else None
    if trained and y_array is None and _matching(names, (trained,), same, "--target"):
        y_array = trained
    if about and about.array and x_array is None and _matching(names, (about.array,), same, "--features"):
        x_array = about.array
    if x_array is not None and x_array == y_array:
        raise InvalidValue(f"the array {x_array!r} is named by --features and by --target; leave it out of one of them")
    for flag, array in (("--features", x_array), ("--target", y_array)):
        if array is not None and array == wanted.sample_weights:
            raise InvalidValue(
                f"the array {array!r} is named by {flag} and by --sample-weights; leave it out of one of them"
            )
    weighed = wanted.sample_weights or (about.array_of_weights if about else None)
    weights = _matching(names, (weighed,), same, "--sample-weights") if weighed else {}
    names = [name for name in names if name not in weights.values()]
    x = _matching([n for n in names if n != y_array], (x_array,) if x_array else X, same, "--features")
    y = _matching([n for n in names if n not in x.values()], (y_array,) if y_array else Y, same, "--target")
    return Fields(x, y, weights, x_array, y_array)


def _array(flag: tuple[str, ...] | None, what: str) -> str | None:
    """The array that a flag names; None for columns of x, which have numbers."""
    if flag is None or all(re.fullmatch(r"-?\d+", name) for name in flag):
        return None
    if len(flag) > 1:
        raise InvalidValue(
            f"{what} = {', '.join(flag)} is no array; name one with --{what}, or give the numbers of columns of x"
        )
    return flag[0]


def _matching(names: list[str], bases: tuple[str, ...], same: Same, flag: str) -> Found:
    """Those of such a name, as it is or with its part before or behind it, in any case."""
    form = re.compile(FORM.format("|".join(map(re.escape, bases))), re.IGNORECASE)
    found: Found = {}
    for name in names:
        if not (match := form.fullmatch(name)) or (match["before"] and match["behind"]):
            continue
        part = (match["before"] or match["behind"] or "").lower()
        if part in found and found[part] != name and not same(found[part], name):
            raise InvalidValue(f"arrays {found[part]!r} and {name!r} could both be {ROLES[flag]}; name one with {flag}")
        found.setdefault(part, name)
    return found


def to_train(found: Fields, wanted: Wanted, every: Mapping[str, str]) -> tuple[list[str], list[str], list[str]]:
    """The names of x and of y: of the training and the test part, or of all samples; no y where columns of x are it.
    And that of the weights, where they are wanted: of the training part, or else of all samples.

    `every` has all arrays there are, with their shapes in words. Raises InvalidValue where one is missing.
    """
    in_x = wanted.target is not None and found.y_array is None
    x, y = found.x_array or "x", found.y_array or "y"
    given = [(x, found.x)] if in_x else [(x, found.x), (y, found.y)]
    parted = any(part in one for _, one in given for part in PARTS[1:])
    parts = PARTS[1:] if parted else PARTS[:1]
    missing = [f"{what}{'_' * parted}{part}" for what, one in given for part in parts if part not in one]
    if missing:
        raise InvalidValue(
            f"there is no array {' or '.join(missing)} among {listed(every)}; give {x}_train, {y}_train, {x}_test,"
            f" {y}_test, or {x} and {y}, or name them with --features and --target"
        )
    if unused := [name for name in every if HELD_OUT.fullmatch(name)]:
        warn(
            f"{' and '.join(unused)} are not used: what a run is stopped by is held out of the training samples, as"
            " --validation says"
        )
    weights = [found.weights[part] for part in (parts[0], "") if part in found.weights][:1]
    if wanted.sample_weights and not weights:
        raise InvalidValue(
            f"there is no array {wanted.sample_weights!r} of sample weights among {listed(every)}; change"
            " --sample-weights"
        )
    return [found.x[part] for part in parts], [one[part] for _, one in given[1:] for part in parts], weights


def to_predict(found: Fields, every: Mapping[str, str]) -> tuple[str, str | None]:
    """The names of x, of the test part where there is one, and of its y, if it is there."""
    part = next((part for part in ("test", "") if part in found.x), None)
    if part is None:
        x = found.x_array or "x"
        raise InvalidValue(
            f"there is no array {x} or {x}_test among {listed(every)}; name it with --features, or write the samples"
            f" into it as {x}"
        )
    return found.x[part], found.y.get(part)


def listed(every: Mapping[str, str]) -> str:
    """All arrays with their shapes, in words."""
    return shortened([f"{name} {shape}" for name, shape in every.items()], each=60) or "no arrays"


def shape_in_words(shape: tuple[int, ...], dtype: Any) -> str:
    return f"{shape} {dtype}"


def alike(one: Any, other: Any) -> bool:
    """Whether two arrays hold the same samples, in whatever shape."""
    a, b = np.asarray(one), np.asarray(other)
    return len(a) == len(b) and a.size == b.size and bool((a.reshape(len(a), -1) == b.reshape(len(b), -1)).all())
