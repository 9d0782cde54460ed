"""Samples with time in front of channels, as many files have them, for nets that go through time, which take it
behind."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .samples.about import CLASSIFICATION, REGRESSION, About
from .samples.data import Data, has_labels
from .streams.rows import Rows, Source


def is_time_first(places: Sequence[int] | None, shape: Sequence[int]) -> bool:
    """Whether samples of these places, and no others, are such for inputs of the shape (channels, time)."""
    return places is not None and len(shape) == 2 and tuple(places) == tuple(shape)[::-1] != tuple(shape)


class TimeBehind:
    """A Source of (samples, time, channels), read as (samples, channels, time)."""

    def __init__(self, source: Source) -> None:
        samples, time, channels = source.shape
        self.source = source
        self.shape: tuple[int, ...] = (samples, channels, time)
        self.dtype, self.grain = source.dtype, source.grain

    def read(self, start: int, stop: int) -> NDArray:
        return self.source.read(start, stop).swapaxes(1, 2)


def turned_rows(x: Any, shape: Sequence[int]) -> Any:
    """(samples, time * channels) as (samples, channels * time); Rows stay in their file."""
    if isinstance(x, Rows):
        return x.of(TimeBehind(x.source))
    channels, time = shape
    return np.ascontiguousarray(np.asarray(x).reshape(len(x), time, channels).swapaxes(1, 2)).reshape(len(x), -1)


def turned_as_trained(x: Any, places: Sequence[int] | None, about: About | None, shape: Sequence[int]) -> Any:
    """x, of samples of these places, as a net of inputs of that shape takes it, whose own samples were what `about`
    says: turned where these were, and x has time first too."""
    return turned_rows(x, shape) if about and about.turned and is_time_first(places, shape) else x


def turned(data: Data, shape: Sequence[int]) -> Data:
    """Such samples with channels first; what is known of them says so."""
    about = data.about or About(CLASSIFICATION if has_labels(data.y_train) else REGRESSION)
    made = data._replace(x_train=turned_rows(data.x_train, shape), x_test=turned_rows(data.x_test, shape))
    return made.told(replace(about, turned=True)).placed(tuple(shape))
