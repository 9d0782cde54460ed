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
from .weights import checked

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
    known, weights = (data.about, data.weights) if isinstance(data, Data) else (None, None)
    if wanted.sample_weights is not None and weights is None:
        raise InvalidValue(
            f"sample_weights = {wanted.sample_weights!r} is for files, and the data are arrays; hand the weights to"
            " gpufa.train as sample_weights"
        )
    return of_arrays([x_train, x_test], [y_train, y_test], wanted, known=known, weights=weights)


def of_arrays(
    xs: Sequence[Any],
    ys: Sequence[Any],
    wanted: Wanted,
    fraction: float | None = None,
    array: str | None = None,
    known: About | None = None,
    weights: Any = None,
) -> Data:
    """Of x and y, or of those of the training and the test part; an empty `ys` where columns of x are the target.

    `array` is the name by which --target called y; `known` what is known of the data already; `weights` those of the
    samples, of the training part where there are two.
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
    roles = choose(names, width, wanted._replace(sample_weights=None), with_target=not ys)  # type: ignore[arg-type]
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
    if weights is not None:
        about = replace(about, weights=about.weights or wanted.sample_weights)
    return _finished(made, list(ys), about, what, wanted, fraction, weights)


def weighed(data: Data, weights: Any) -> Data:
    """The same data with weights of the training samples, (samples,), that a program hands in beside them."""
    about = data.about and replace(data.about, weights="sample_weights")
    return data.told(about).weighed(checked(weights, len(data.x_train), "sample_weights"))


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
        None if roles.weights is None else name_of(names, roles.weights),
    )
    return _finished([x], [table.y], about, _called(roles, names), wanted, fraction, table.weights)


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
    if weights is not None:
        weights = checked(weights, len(xs[0]), f"sample weights {about.weights}")
    if made.test is not None:
        return Data(xs[0], made.train, xs[1], made.test).told(about).weighed(weights)
    kept, held = split(made.train, TEST_FRACTION if fraction is None else fraction, TEST_KEY)
    weights = None if weights is None else weights[kept]
    return Data(xs[0][kept], made.train[kept], xs[0][held], made.train[held]).told(about).weighed(weights)


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
