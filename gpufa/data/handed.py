"""Data that a program hands in: arrays, tables, and dicts of them."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..basics.arguments import shown
from ..basics.errors import InvalidValue
from .arrays.arraynames import alike, fields, shape_in_words, to_train
from .divided import ALL, OWN_TEST_PART, of_arrays, of_tables, of_trained
from .graphs import nodes
from .samples.about import REGRESSION, About, Wanted
from .samples.data import Data, targets
from .tables.columns import choose, match
from .tables.frames import Column, Frame, column_of, frame_of
from .text.texts import check_no_text

FORMS = "(x, y), (x_train, y_train, x_test, y_test), a dict of such arrays, or a table with its target"


def validate(data: Any, wanted: Wanted = ALL, fraction: float | None = None, weights: Any = None) -> Data:
    """The parts of (x, y) or (x_train, y_train, x_test, y_test), of a mapping that names them, or of a table; beside
    them the `weights` of the samples, of the training part where there are two.

    Of `Data` that gpufa has read, names and weights stay. Raises InvalidValue for what can't be trained on.
    """
    check_no_text(wanted, "what is handed in")
    if weights is not None and wanted.sample_weights is not None:
        raise InvalidValue(
            f"sample_weights are handed in, and the settings name {wanted.sample_weights!r} for them too; leave one of"
            " them out"
        )
    if weights is not None and _of_a_graph(data):
        raise InvalidValue("sample_weights are for samples, and the data are a graph's nodes; leave them out")
    if isinstance(data, Data) and data.graph is not None:
        nodes.refuse(wanted, fraction)
        return data
    if isinstance(data, Mapping) and nodes.holds(data):
        return nodes.of_arrays(data, wanted, fraction)
    if frame := frame_of(data):
        return of_tables([frame.table(partial(choose, wanted=wanted))], wanted, fraction, weights=weights)
    found = None
    if isinstance(data, Mapping):
        every = {str(name): _in_words(array) for name, array in data.items()}
        found = fields(every, wanted, lambda one, other: alike(data[one], data[other]))
        xs, ys, own = ([data[name] for name in names] for names in to_train(found, wanted, every))
        if len(xs) == 1:
            nodes.refuse_unlinked(every)
        weights = own[0] if own else weights
    elif isinstance(data, Sequence) and len(data) in (2, 4):
        xs, ys = list(data[::2]), list(data[1::2])
        if wanted.target is not None:
            raise InvalidValue(
                f"target = {', '.join(wanted.target)} is for files and tables, and the data are arrays; hand the target"
                " in as y, and leave --target out"
            )
    else:
        raise InvalidValue(f"data must be {FORMS}; got {_described(data)}")
    if len(xs) > 1 and fraction is not None:
        raise InvalidValue(f"the data handed in {OWN_TEST_PART.format(shown(fraction))}")
    if frame := frame_of(xs[0]):
        by_column = wanted._replace(features=None) if found and found.x_array else wanted
        return _of_frames(frame, xs, ys, by_column, fraction, weights)
    known = data.about if isinstance(data, Data) else None
    if isinstance(data, Data) and weights is None:
        weights = data.weights
    elif known:
        known = replace(known, weights=None)
    if wanted.sample_weights is not None and weights is None:
        raise InvalidValue(
            f"sample_weights = {wanted.sample_weights!r} is for files and tables, and the data are arrays; hand the"
            " weights to gpufa.train as sample_weights"
        )
    ys = [column.values if (column := column_of(y, "y")) else y for y in ys]
    made = of_arrays(xs, ys, wanted, fraction, found, known, weights)
    return made.placed(data.places) if isinstance(data, Data) else made


def _of_a_graph(data: Any) -> bool:
    """Whether they are nodes with their edges."""
    return data.graph is not None if isinstance(data, Data) else isinstance(data, Mapping) and nodes.holds(data)


def _of_frames(
    first: Frame, xs: Sequence[Any], ys: Sequence[Any], wanted: Wanted, fraction: float | None, weights: Any
) -> Data:
    """x as a table, or two with the same columns in any order; y in columns of its own, or of x where `ys` is empty."""
    made = [column_of(y, "y") or Column(targets(y, "y", gaps=True)) for y in ys] or [Column()] * len(xs)
    by_column = wanted if weights is None else wanted._replace(sample_weights=None)
    tables = [first.table(partial(choose, wanted=by_column, with_target=not ys), made[0].values)]
    for x, y in zip(xs[1:], made[1:], strict=True):
        if not (frame := frame_of(x)):
            raise InvalidValue(f"x_train is a table, but x_test {_described(x)}; give both as tables")
        roles, names = tables[0].roles, first.names
        about = About(
            REGRESSION, tuple(names[i] for i in roles.target), None, tuple(names[i] for i in roles.features), names
        )
        tables.append(frame.table(partial(match, about=about, features=len(roles.features), wanted=wanted), y.values))
    return of_tables(tables, wanted, fraction, made[0].names, weights)


def samples_of(data: Any, about: About | None, features: int) -> tuple[NDArray, NDArray | None] | None:
    """x and y, None where it lacks its target, of a table for a net with so many inputs that was trained on what
    `about` says; None where `data` is no table."""
    if not (frame := frame_of(data)):
        return None
    table = frame.table(partial(match, about=about, features=features, wanted=ALL))
    return of_trained(table, about)


def _in_words(array: Any) -> str:
    """Its shape and type."""
    with suppress(Exception):  # which other libraries raise at will, and rows of other lengths
        return shape_in_words(np.shape(array), array.dtype if isinstance(array, np.ndarray) else type(array).__name__)
    return f"that is a {type(array).__name__}"


def _described(data: Any) -> str:
    several = isinstance(data, Sequence) and not isinstance(data, str | bytes)
    return f"{len(data)} of them" if several else f"a {type(data).__name__}"
