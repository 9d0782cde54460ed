"""The training and the test part, made of what was found: looked at, and told apart."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..basics.errors import InvalidValue
from .about import REGRESSION, About, Wanted, column
from .columns import Roles, choose, name_of, refuse_running
from .csvfiles import Table
from .samples import Data, has_labels, inputs, split
from .target import Target, decide

TEST_KEY = 0  # the test part split off a file is the same in every run
TEST_FRACTION = 0.2
ALL = Wanted()


def validate(data: Sequence[Any], wanted: Wanted = ALL) -> Data:
    """(x_train, y_train, x_test, y_test) as arrays that fit together, of the features and for the task wanted.

    x of more than two dimensions is flattened to (samples, features). float64 stays as it is, so does uint8, which is
    made floats as it is used; other numbers become float32. y is made what target.decide makes it. Of `Data` that gpufa
    has read, the names stay. Raises InvalidValue for what can't be trained on.
    """
    if not isinstance(data, Sequence) or len(data) != len(Data._fields):
        raise InvalidValue(f"data must be the four arrays {', '.join(Data._fields)}; got {_describe(data)}")
    if wanted.target is not None:
        raise InvalidValue(
            f"target = {', '.join(wanted.target)} is for files, and the data are arrays; hand the target in as y, and"
            " leave --target out"
        )
    x_train, y_train, x_test, y_test = data
    known = data.about if isinstance(data, Data) else None
    return of_arrays([x_train, x_test], [y_train, y_test], wanted, known=known)


def of_arrays(
    xs: Sequence[Any],
    ys: Sequence[Any],
    wanted: Wanted,
    fraction: float | None = None,
    array: str | None = None,
    known: About | None = None,
) -> Data:
    """Of x and y, or of those of the training and the test part; an empty `ys` where columns of x are the target.

    `array` is the name by which --target called y; `known` what is known of the data already.
    """
    parted = len(xs) == 2
    made = [inputs(x, f"x{suffix}") for x, suffix in zip(xs, _suffixes(parted), strict=True)]
    if parted and made[1].shape[1] != made[0].shape[1]:
        raise InvalidValue(
            f"x_test has {made[1].shape[1]} features, but x_train {made[0].shape[1]}; give both the same features"
        )
    width, about, what = made[0].shape[1], known or About(REGRESSION), array or "y"
    names = about.features if about.features and all(isinstance(one, str) for one in about.features) else None
    if array:
        about = replace(about, target=(array,))
    roles = choose(names, width, wanted, with_target=not ys)  # type: ignore[arg-type]
    if not ys:
        ys = [x[:, list(roles.target)] for x in made]
        what = _called(roles, None)
        about = replace(about, target=roles.target)
    if roles.features != tuple(range(width)):
        made = [np.ascontiguousarray(x[:, list(roles.features)]) for x in made]
        kept = tuple((about.features or range(width))[i] for i in roles.features)
        about = replace(about, features=kept, columns=about.columns or width)
    if not known:
        _check_running(made, roles, None, wanted)
    return _finished(made, list(ys), about, what, wanted, fraction)


def of_table(table: Table, wanted: Wanted, fraction: float | None) -> Data:
    """Of what a CSV file holds."""
    roles, names = table.roles, table.names
    x = inputs(table.x)
    _check_running([x], roles, names, wanted)
    about = About(
        REGRESSION,
        tuple(name_of(names, i) for i in roles.target),
        None,
        tuple(name_of(names, i) for i in roles.features),
        names or table.width,
    )
    return _finished([x], [table.y], about, _called(roles, names), wanted, fraction)


def _finished(
    xs: list[NDArray], ys: list[Any], about: About, what: str, wanted: Wanted, fraction: float | None
) -> Data:
    """The parts with their targets as they are learned; from a single one the test part is split off."""
    parted = len(xs) == 2
    if about.classes is not None and wanted.task != REGRESSION and _counted(ys, len(about.classes)):
        made = Target(about.task, about.classes, *(np.asarray(y, np.int64) for y in ys))
    else:
        task = wanted.task or (about.task if about.columns is not None and parted else None)
        made = decide(ys[0], ys[1] if parted else None, task, what, parted)
    for x, y, suffix in zip(xs, (made.train, made.test), _suffixes(parted), strict=False):
        if y is not None and len(x) != len(y):
            raise InvalidValue(
                f"x{suffix} has {len(x)} samples, but {what}{suffix} {len(y)}; give one target per sample"
            )
    about = replace(about, task=made.task, classes=made.classes)
    if made.test is not None:
        return Data(xs[0], made.train, xs[1], made.test).told(about)
    kept, held = split(made.train, TEST_FRACTION if fraction is None else fraction, TEST_KEY)
    return Data(xs[0][kept], made.train[kept], xs[0][held], made.train[held]).told(about)


def _counted(ys: Sequence[Any], classes: int) -> bool:
    """Whether the targets are labels below so many already."""
    arrays = [np.asarray(y) for y in ys]
    return all(y.ndim == 1 and y.size and has_labels(y) and y.min() >= 0 and y.max() < classes for y in arrays)


def _check_running(xs: Sequence[NDArray], roles: Roles, names: Any, wanted: Wanted) -> None:
    if wanted.strict and wanted.features is None:
        refuse_running(xs, roles.features, names)


def _called(roles: Roles, names: Any) -> str:
    """The target in errors."""
    which = ", ".join(column(name_of(names, i)) for i in roles.target)
    return f"column {which}{', the last one,' if roles.by_place else ''}"


def _suffixes(parted: bool) -> tuple[str, ...]:
    return ("_train", "_test") if parted else ("",)


def _describe(data: Any) -> str:
    return f"{len(data)} of them" if isinstance(data, Sequence) else f"a {type(data).__name__}"
