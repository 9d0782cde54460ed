"""The training and the test part, made of what was found: looked at, and told apart."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..basics.errors import InvalidValue
from .arrays.arraynames import Fields
from .samples.about import AT_PLACES, CLASSIFICATION, REGRESSION, About, Wanted, column
from .samples.data import Data, has_labels, host_array, targets, truths
from .samples.places import targets_at_places
from .samples.splits import held_out
from .samples.target import Target, decide, judged
from .samples.weights import checked
from .streams.parts import looked_at, of_columns
from .tables.columns import Roles, choose, name_of, refuse_running
from .tables.missing import DROP, kept_rows
from .tables.table import Table

TEST_KEY = 0  # the test part split off a file is the same in every run
TEST_FRACTION = 0.2
OWN_TEST_PART = "has a test part of its own; leave out test_fraction={}"
ALL = Wanted()
HANDED = "sample_weights"  # what the weights are called that a program hands in beside its data


def of_arrays(
    xs: Sequence[Any],
    ys: Sequence[Any],
    wanted: Wanted,
    fraction: float | None = None,
    found: Fields | None = None,
    known: About | None = None,
    weights: Any = None,
) -> Data:
    """Of x and y, or of those of the training and the test part; an empty `ys` where columns of x are the target.

    x of more than two dimensions is flattened to (samples, features). float64 stays as it is, so does uint8, which is
    made floats as it is used; other numbers become float32 where that holds them all, else float64. y is made what
    target.decide makes it. `found` says by which names flags called them; `known` what is known of the data already;
    `weights` are those of the samples, of the training part where there are two.
    """
    parted = len(xs) == 2
    called = [f"x{suffix}" for suffix in _suffixes(parted)]
    looked = [looked_at(x, name, bool(wanted.missing)) for x, name in zip(xs, called, strict=True)]
    made, shapes = [x for x, _ in looked], [shape for _, shape in looked]
    _check_widths(made)
    places = _places(shapes)
    width, about, what = made[0].shape[1], known or About(REGRESSION), "y"
    names = about.features if about.features and all(isinstance(one, str) for one in about.features) else None
    if found and found.y_array:
        about, what = replace(about, target=(found.y_array,)), found.y_array
    if found and found.x_array:
        about, wanted = replace(about, array=found.x_array), wanted._replace(features=None)
    roles = choose(names, width, wanted._replace(sample_weights=None), with_target=not ys)  # type: ignore[arg-type]
    if not ys:
        ys = [x[:, list(roles.target)] for x in made]
        what = _called(roles, None)
        about = replace(about, target=roles.target)
    if roles.features != tuple(range(width)):
        made = [of_columns(x, roles.features) for x in made]
        kept = tuple((about.features or range(width))[i] for i in roles.features)
        about, places = replace(about, features=kept, columns=about.columns or width), None
    if not known:
        _check_running(made, roles, None, wanted)
    else:
        wanted = wanted._replace(task=wanted.task or (REGRESSION if known.task == REGRESSION and parted else None))
    if weights is not None:
        about = replace(about, weights=about.weights or wanted.sample_weights or HANDED)
    return _finished(made, list(ys), about, what, wanted, fraction, weights).placed(places)


def _places(shapes: Sequence[tuple[int, ...]]) -> tuple[int, ...] | None:
    """The shape of a sample where it is no row. Raises InvalidValue where the parts have two."""
    found = {shape[1:] for shape in shapes if len(shape) > 2}
    if len(found) > 1:
        raise InvalidValue(f"x_train and x_test have samples of the shapes {' and '.join(map(str, found))}; give one")
    return next(iter(found), None)


def of_tables(
    tables: Sequence[Table],
    wanted: Wanted,
    fraction: float | None = None,
    target: tuple[str, ...] = (),
    weights: Any = None,
) -> Data:
    """Of what a file of cells, or a table of another library, holds; or of those of the training and the test part.

    `target` are the names of y where it is none of the columns, `weights` those of the samples, of the training part
    where there are two, where they are none.
    """
    first, parted = tables[0], len(tables) == 2
    roles, names = first.roles, first.names
    for table in tables:
        table.refuse_gaps(wanted.missing)
    ends = _suffixes(parted)
    xs = [looked_at(t.x, f"x{end}", bool(wanted.missing))[0] for t, end in zip(tables, ends, strict=True)]
    _check_widths(xs)
    _check_running(xs, roles, names, wanted)
    about = About(
        REGRESSION,
        tuple(name_of(names, i) for i in roles.target) or target,
        None,
        tuple(name_of(names, i) for i in roles.features),
        names or first.width,
    )
    what = _called(roles, names) if roles.target else "y"
    if weights is not None:
        about = replace(about, weights=wanted.sample_weights or HANDED)
    elif roles.weights is not None:
        about, weights = replace(about, weights=name_of(names, roles.weights)), first.weights
    return _finished(xs, [table.y for table in tables], about, what, wanted, fraction, weights)


def of_trained(table: Table, about: About | None) -> tuple[NDArray, NDArray | None]:
    """x and, where there is one, y of a table for a net that was trained on what `about` says."""
    missing = about.missing if about else None
    table.refuse_gaps(missing, trained=True)
    x, _ = looked_at(table.x, "x", bool(missing))
    return x, None if table.y is None else judged(table.y, about, len(x))


def _finished(
    xs: list[NDArray],
    ys: list[Any],
    about: About,
    what: str,
    wanted: Wanted,
    fraction: float | None,
    weights: Any = None,
) -> Data:
    """The parts with their targets as they are learned; from a single one the test part is split off."""
    parted = len(xs) == 2
    ys = [host_array(y, f"{what}{end}") for y, end in zip(ys, _suffixes(parted), strict=True)]
    if weights is not None:
        called = HANDED if about.weights == HANDED else f"sample weights {about.weights}"
        weights = checked(weights, len(xs[0]), called, wanted.missing == DROP)
    if wanted.missing == DROP:
        xs, ys, weights, about = _without_gaps(xs, ys, weights, about, what, wanted.task == CLASSIFICATION)
    elif wanted.missing:
        about = replace(about, missing=wanted.missing)
    if wanted.task == AT_PLACES or about.places:
        made, about = _at_places(ys, about, what)
    elif about.classes is not None and wanted.task != REGRESSION and _counted(ys, len(about.classes)):
        made = Target(about.task, about.classes, *(y.astype(np.int64, copy=False) for y in ys))
    else:
        made = decide(ys[0], ys[1] if parted else None, wanted.task, what, parted)
    for x, y, suffix in zip(xs, (made.train, made.test), _suffixes(parted), strict=False):
        if y is not None:
            _check_lengths(x, y, suffix, what)
    about = replace(about, task=made.task, classes=made.classes)
    if made.test is not None:
        return Data(xs[0], made.train, xs[1], made.test).told(about).weighed(weights)
    held = held_out(made.train, TEST_FRACTION if fraction is None else fraction, TEST_KEY)
    kept = ~held
    weights = None if weights is None else weights[kept]
    return Data(xs[0][kept], made.train[kept], xs[0][held], made.train[held]).told(about).weighed(weights)


def _without_gaps(
    xs: list[NDArray], ys: list[Any], weights: NDArray | None, about: About, what: str, named: bool
) -> tuple[list[NDArray], list[NDArray], NDArray | None, About]:
    """The samples that have no missing value, nor their weight, and how many had one."""
    ends = _suffixes(len(xs) == 2)
    arrays = [targets(y, f"{what}{end}", gaps=True) for y, end in zip(ys, ends, strict=True)]
    kept: list[NDArray[np.bool_]] = []
    for x, y, end in zip(xs, arrays, ends, strict=True):
        _check_lengths(x, y, end, what)
        rows = kept_rows(x, y, named)
        if weights is not None and not kept:
            rows &= ~np.isnan(weights)
        kept.append(rows)
        if not rows.any():
            raise InvalidValue(f"every row of x{end} has a missing value; fill them in with --missing mean or median")
    dropped = sum(int((~rows).sum()) for rows in kept)
    xs, arrays = ([one[rows] for one, rows in zip(all_of, kept, strict=True)] for all_of in (xs, arrays))
    arrays = [truths(y) if y.dtype.kind == "U" else y for y in arrays]
    return xs, arrays, None if weights is None else weights[kept[0]], replace(about, dropped=dropped)


def _at_places(ys: Sequence[NDArray], about: About, what: str) -> tuple[Target, About]:
    """Targets at each place, of the one or both parts, whole numbers being classes. Raises InvalidValue for others."""
    if about.places and ys[0].dtype.kind == "f":  # as they were made rows of before
        ys = [y.reshape(len(y), -1, about.places) for y in ys]
    ends = _suffixes(len(ys) == 2)
    made = [targets_at_places(y, f"{what}{end}") for y, end in zip(ys, ends, strict=True)]
    if len({(y.shape[1:], y.dtype.kind, places) for y, places in made}) > 1:
        shapes = " and ".join(str(y.shape) for y in ys)
        raise InvalidValue(f"{what}_train and {what}_test have the shapes {shapes}; give both the same places")
    task, (y, places) = CLASSIFICATION if has_labels(made[0][0]) else REGRESSION, made[0]
    return Target(task, None, y, made[1][0] if len(made) == 2 else None), replace(about, places=places)


def _counted(ys: Sequence[Any], classes: int) -> bool:
    """Whether the targets are labels below so many already."""
    return all(y.ndim == 1 and y.size and has_labels(y) and y.min() >= 0 and y.max() < classes for y in ys)


def _check_widths(xs: Sequence[NDArray]) -> None:
    if len(xs) == 2 and xs[1].shape[1] != xs[0].shape[1]:
        raise InvalidValue(
            f"x_test has {xs[1].shape[1]} features, but x_train {xs[0].shape[1]}; give both the same features"
        )


def _check_lengths(x: NDArray, y: NDArray, suffix: str, what: str) -> None:
    if len(x) != len(y):
        raise InvalidValue(f"x{suffix} has {len(x)} samples, but {what}{suffix} {len(y)}; give one target per sample")


def _check_running(xs: Sequence[NDArray], roles: Roles, names: Any, wanted: Wanted) -> None:
    if wanted.strict and wanted.features is None:
        refuse_running(xs, roles.features, names)


def _called(roles: Roles, names: Any) -> str:
    """The target in errors."""
    which = ", ".join(column(name_of(names, i)) for i in roles.target)
    return f"column {which}{', the last one,' if roles.by_place else ''}"


def _suffixes(parted: bool) -> tuple[str, ...]:
    return ("_train", "_test") if parted else ("",)
