"""Which columns of a table are the target and which are features: by name, by number, or by where they stand."""

import itertools
import re
import shlex
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np

from ...basics.errors import InvalidValue, warn
from ..samples.about import About, Names, Wanted, column, shortened
from ..streams.parts import pieces

KNOWN = "label", "labels", "class", "target", "y"  # the names of a target, in any case
UNNAMED = re.compile(r"unnamed: \d+|__index_level_\d+__", re.IGNORECASE)  # as pandas writes its index, or reads it
REPEATED = re.compile(r"\.\d+$")  # what pandas, and `unique`, put behind a name that was there before
LOOK = 4096  # of them that are looked at before all are
RUNNING = 5  # rows from which on a running number is told from a feature


class Roles(NamedTuple):
    """The columns that are the target, none where there is no target, and those that are features; whether the target
    is the last one for want of a name; and the column of the samples' weights."""

    target: tuple[int, ...]
    features: tuple[int, ...]
    by_place: bool = False
    weights: int | None = None


def choose(names: Names | None, width: int, wanted: Wanted, with_target: bool = True) -> Roles:
    """The roles of the columns of a table to train on. Raises InvalidValue for names that are none of them, and where
    it is not for certain which is the target."""
    given = found(wanted.features, names, width, "--features")
    dropped = found(wanted.drop, names, width, "--drop")
    weighed = found([wanted.sample_weights] if wanted.sample_weights else None, names, width, "--sample-weights")
    by_flag = {"--features": given, "--drop": dropped, "--sample-weights": weighed}
    by_place, target = False, tuple[int, ...]()
    if with_target and wanted.target is not None:
        target = found(wanted.target, names, width, "--target")
    elif with_target:
        free = [i for i in range(width) if i not in {*given, *dropped, *weighed}]
        target = tuple(i for i in free if names and is_known(names[i]))
        if len(target) > 1 and wanted.strict and names:
            raise InvalidValue(
                f"columns {' and '.join(column(names[i]) for i in target)} could both be the target, and the other"
                " would tell it; name one with --target, and leave the other out with --drop if it says the same"
            )
        if len(target) > 1 and names:
            target = (min(target, key=lambda i: KNOWN.index(REPEATED.sub("", names[i].lower()))),)
        by_place = not target
        target = target or tuple(free[-1:])
        if not target:
            raise InvalidValue("no column is left for the target; name it with --target")
    for flag, columns in by_flag.items():
        if twice := set(target) & set(columns):
            which = column(name_of(names, min(twice)))
            raise InvalidValue(f"column {which} is the target, and is named by {flag} too; leave it out of one of them")
    for (flag, columns), (other, others) in itertools.combinations(by_flag.items(), 2):
        if twice := set(columns) & set(others):
            which = column(name_of(names, min(twice)))
            raise InvalidValue(f"column {which} is named by {flag} and by {other}; leave it out of one of them")
    left = [i for i in range(width) if i not in {*target, *dropped, *weighed}]
    if wanted.features is None and names and wanted.strict:
        for i in left:
            if UNNAMED.fullmatch(names[i]):
                raise InvalidValue(
                    f"column {i} (counted from 0) has no name, as the row numbers that pandas writes; leave it out with"
                    f" --drop {i}, or name what is to be used with --features"
                )
    return Roles(target, given or tuple(left), by_place, *weighed)


def refuse_running(parts: Sequence[Any], columns: Sequence[int], names: Names | None) -> None:
    """Raises InvalidValue where a feature, whose columns stand at `columns`, numbers the rows of all parts of x, or of
    the first, in whatever order. Parts may be Rows, of which a piece is read, and all where that does not tell."""
    for count in range(1, len(parts) + 1):
        some = parts[:count]
        rows = sum(map(len, some))
        if rows < RUNNING:
            continue
        for j in _may_run(some, rows):
            values = np.sort(np.concatenate([x[:, j] for x in some]))
            if values[0] in (0, 1) and (values == np.arange(rows) + values[0]).all():
                name = name_of(names, columns[j])
                raise InvalidValue(
                    f"column {column(name)} numbers the rows from {int(values[0])} to {int(values[-1])}: it tells their"
                    f" order and is no feature; leave it out with --drop {shlex.quote(str(name))}, or name what is used"
                    " with --features"
                )


def _may_run(parts: Sequence[Any], rows: int) -> list[int]:
    """The columns of whole numbers from 0 or 1 to as many as the parts have rows, the first of them all different."""
    first = next(pieces(parts[0]))[:LOOK]
    low, high = first.min(axis=0), first.max(axis=0)
    may = (low >= 0) & (high <= rows) & (high - low >= len(first) - 1.0) & (first == np.floor(first)).all(axis=0)
    if not any(len(np.unique(first[:, j])) == len(first) for j in np.flatnonzero(may)):
        return []
    for piece in (piece for x in parts for piece in pieces(x)):
        low, high = np.minimum(low, piece.min(axis=0)), np.maximum(high, piece.max(axis=0))
    low = low.astype(float)
    return np.flatnonzero(may & ((low == 0) | (low == 1)) & (high == low + (rows - 1))).tolist()


def match(names: Names | None, width: int, about: About | None, features: int, wanted: Wanted) -> Roles:
    """The roles of the columns of a table that is given to a net with so many inputs, trained on what `about` says.

    Raises InvalidValue where a feature is missing, or a column is left over that no flag names.
    """
    if about is None or about.features is None:
        return _by_width(names, width, features, wanted)
    known = about.columns
    if names is None or not isinstance(known, tuple):
        return _by_place(width, about, wanted)
    given = found(wanted.features, names, width, "--features")
    dropped = found(wanted.drop, names, width, "--drop")
    places = {name: _place_of_trained(str(name), names, known) for name in (*about.features, *about.target)}
    if missing := [str(name) for name in about.features if places[name] is None]:
        raise InvalidValue(
            f"there is no column {shortened(missing)}, which the net was trained on; the columns are {shortened(names)}"
        )
    taken = tuple(i for name in about.features if (i := places[name]) is not None)
    target = tuple(i for name in about.target if (i := places[name]) is not None)
    trained = {i for name in known if (i := _place_of_trained(name, names, known)) is not None}
    ignored = {*taken, *target, *trained, *dropped}
    if wanted.features is None and (extra := [names[i] for i in range(width) if i not in ignored]):
        raise InvalidValue(f"column {column(extra[0])} is none that the net was trained on; leave it out with --drop")
    if wanted.features is not None and (short := set(taken) - set(given)):
        raise InvalidValue(
            f"column {column(names[min(short)])}, which the net was trained on, is not among --features; name it too"
        )
    return Roles(target if len(target) == len(about.target) else (), taken)


def _by_place(width: int, about: About, wanted: Wanted) -> Roles:
    """The columns of a table, of which it or the table that was trained on has no names."""
    assert about.features is not None
    assert about.columns is not None
    names = about.columns if isinstance(about.columns, tuple) else tuple(range(about.columns))
    whole, target = len(names), [names.index(name) for name in about.target if name in names]
    places = [names.index(name) for name in about.features]
    left = [i for i in range(width) if i not in found(wanted.drop, None, width, "--drop")]
    without = [i for i in range(whole) if i not in target]
    if about.weights in names and len(left) == len(without) == whole - 1:
        raise InvalidValue(
            f"the table has {len(left)} of {whole} columns, without names, and it is not for certain whether the target"
            " or the sample weights are left out; give all of them, or the features alone"
        )
    if len(left) == whole and target:
        return Roles(tuple(left[i] for i in target), tuple(left[i] for i in places))
    if len(left) in (whole, len(without)):
        return Roles((), tuple(left[without.index(i)] for i in places))
    if len(left) == len(places):
        return Roles((), tuple(left))
    raise InvalidValue(
        f"the table has {len(left)} columns, but that which the net was trained on {whole} with its target; give the"
        " same columns, or leave others out with --drop"
    )


def _by_width(names: Names | None, width: int, features: int, wanted: Wanted) -> Roles:
    """The columns where nothing is known of those that were trained on; a single one beside --features is the
    target."""
    left = [i for i in range(width) if i not in found(wanted.drop, names, width, "--drop")]
    if wanted.features is not None:
        given = found(wanted.features, names, width, "--features")
        beside = tuple(i for i in left if i not in given)
        if len(given) == features and len(beside) == 1:
            return _told_target(beside, given, names)
        if len(given) == features:
            return Roles((), given)
        left = list(given)
    if len(left) == features:
        return Roles((), tuple(left))
    if len(left) != features + 1:
        raise InvalidValue(f"it has {len(left)} columns; expected {features} features, and a target column or none")
    known = [i for i in left if names and is_known(names[i])]
    if names and len(known) != 1:
        raise InvalidValue(
            f"it has the columns {shortened([names[i] for i in left])}, and the net was trained on {features} without"
            " names, so that it is not for certain which of them is the target, or none; name those with --features, or"
            " leave a column out with --drop"
        )
    target = known[0] if known else left[-1]
    return Roles((target,), tuple(i for i in left if i != target))


def _told_target(target: tuple[int, ...], features: tuple[int, ...], names: Names | None) -> Roles:
    """Roles of which the target is a guess, which is told where nothing calls it that."""
    if not (names and is_known(names[target[0]])):
        warn(f"column {column(name_of(names, target[0]))} is taken for the target, where one is asked for")
    return Roles(target, features)


def found(wanted: Iterable[str] | None, names: Names | None, width: int, flag: str) -> tuple[int, ...]:
    """Where the columns stand that a flag names, or gives the numbers of, counted from 0 or from the end."""
    places = []
    for name in wanted or ():
        at = _place(name, names) if names else None
        if at is None and re.fullmatch(r"-?\d{1,9}", name) and -width <= int(name) < width:
            at = int(name) % width
        if at is None:
            has = f"the columns are {shortened(names)}" if names else f"the columns are 0 to {width - 1}, without names"
            raise InvalidValue(f"there is no column {name!r}; {has}: change {flag}")
        places.append(at)
    return tuple(dict.fromkeys(places))


def _place(name: str, names: Names) -> int | None:
    """Where the column of that name is, in capitals or not where that leaves no doubt."""
    if name in names:
        return names.index(name)
    alike = [i for i, other in enumerate(names) if other.lower() == name.lower()]
    return alike[0] if len(alike) == 1 else None


def _place_of_trained(name: str, names: Names, known: Names) -> int | None:
    """The same of a column that was trained on, which no other of those can be."""
    alone = sum(other.lower() == name.lower() for other in known) == 1
    return _place(name, names) if alone or name in names else None


def name_of(names: Names | None, i: int) -> str | int:
    """A column's name, or its number where it has none."""
    return names[i] if names else i


def is_known(name: str) -> bool:
    return REPEATED.sub("", name.lower()) in KNOWN


def unique(names: Iterable[str]) -> Names:
    """The names as pandas makes them: with a number behind those that were there before, "Unnamed: 0" for none."""
    given = [name or f"Unnamed: {i}" for i, name in enumerate(names)]
    taken, seen, made = set(given), dict[str, int](), list[str]()
    for name in given:
        free, count = name, seen.get(name, 0)
        while count and (free := f"{name}.{count}") in taken:
            count += 1
        taken.add(free)
        seen[name] = count + 1
        made.append(free)
    return tuple(made)
