"""Samples with time in front of channels, as many files have them, for nets that go through time, which take it
behind."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from .about import CLASSIFICATION, REGRESSION, About
from .data import Data, has_labels


def is_time_first(places: Sequence[int] | None, shape: Sequence[int]) -> bool:
    """Whether samples of these places, and no others, are such for inputs of the shape (channels, time)."""
    return places is not None and len(shape) == 2 and tuple(places) == tuple(shape)[::-1] != tuple(shape)


def turned_rows(x: Any, shape: Sequence[int]) -> Any:
    """(samples, time * channels) as (samples, channels * time)."""
    channels, time = shape
    return np.ascontiguousarray(np.asarray(x).reshape(len(x), time, channels).swapaxes(1, 2)).reshape(len(x), -1)


def turned(data: Data, shape: Sequence[int]) -> Data:
    """Such samples with channels first; what is known of them says so."""
    about = data.about or About(CLASSIFICATION if has_labels(data.y_train) else REGRESSION)
    made = data._replace(x_train=turned_rows(data.x_train, shape), x_test=turned_rows(data.x_test, shape))
    return made.told(replace(about, turned=True)).placed(tuple(shape))
