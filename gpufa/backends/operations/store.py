"""Where the arrays of a backend are: how they are made, handed out as work space, and brought to the host and back."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

Array = Any


class Store:
    """The memory of one backend."""

    def __init__(self) -> None:
        self._scratch: dict[tuple, Array] = {}

    def zeros(self, shape: Sequence[int], dtype: Any) -> Array:
        raise NotImplementedError

    def slab_dtype(self, dtype: str) -> str:
        """What the slabs of a training pass are made of, for parameters of `dtype`; "uint16" holds bfloat16."""
        return dtype

    def scratch(self, name: str, shape: Sequence[int], dtype: Any) -> Array:
        """Work space under a name, handed out again to whoever asks for the same name, shape and dtype."""
        key = (name, *shape, np.dtype(dtype).char)
        if key not in self._scratch:
            self._scratch[key] = self.zeros(shape, dtype)
        return self._scratch[key]

    def room(self, name: str, numbers: int, dtype: Any) -> Array:
        """Work space under a name, (numbers,), of what grows with whoever asks for the most: it holds anything."""
        key = (name, np.dtype(dtype).char)
        if key not in self._scratch or len(self._scratch[key]) < numbers:
            self._scratch[key] = self.zeros((numbers,), dtype)
        return self._scratch[key][:numbers]

    def to_device(self, array: Any, dtype: Any = None) -> Array:
        raise NotImplementedError

    def shared(self, values: Any) -> Any:
        """An array of this backend on the memory of another library's, where DLPack hands out what is on a device such
        as this; all else as it is."""
        return values

    def to_host(self, array: Array) -> np.ndarray:
        raise NotImplementedError

    def staging(self, out: Array) -> np.ndarray:
        """An array on the host to be filled and then handed to `deliver`: as `out`, which on the CPU it is itself."""
        raise NotImplementedError

    def deliver(self, staged: np.ndarray, out: Array) -> None:
        """out = what `staging` gave, beside the work that goes on: done when it returns. Any thread may call it."""
        raise NotImplementedError

    def write(self, out: Array, draw: Callable[[np.ndarray], Any]) -> None:
        """out = what `draw` writes into an array of the host."""
        host = np.empty(out.shape, out.dtype)
        draw(host)
        out[...] = self.to_device(host)
