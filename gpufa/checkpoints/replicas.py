"""A checkpoint's arrays of some of its replicas, and of all from those of parts."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

OF_REPLICAS = "parameters", "feedback", "state", "training", "optimizer", "kept", "progress"  # groups of arrays


def has_replicas(name: str, array: NDArray) -> bool:
    """Whether a checkpoint's array has an axis of replicas in front."""
    return name.partition("/")[0] in OF_REPLICAS and array.ndim > 0


def of_replicas(arrays: Mapping[str, NDArray], part: slice) -> dict[str, NDArray]:
    """A checkpoint's arrays of some of its replicas."""
    return {name: array[part] if has_replicas(name, array) else array for name, array in arrays.items()}


def beside(parts: Sequence[Mapping[str, NDArray]]) -> dict[str, NDArray]:
    """The reverse: a checkpoint's arrays, of all replicas, from those of parts of them."""
    first = parts[0]
    return {
        name: np.concatenate([part[name] for part in parts]) if len(parts) > 1 and has_replicas(name, array) else array
        for name, array in first.items()
    }
