"""Which elements of an array are not 0, and which random numbers are theirs."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

NUMBERS = 8  # of sixteen bits in a quad of words


class Filled(NamedTuple):
    """The elements that are not 0: where they stand, `flat`, and their `values`; the quads of words that their masks
    are made of, each once, and where `among` the numbers of sixteen bits in these each element's is; and work space."""

    flat: NDArray
    values: NDArray
    quads: NDArray
    among: NDArray
    words: NDArray
    drawn: NDArray
    kept: NDArray

    @classmethod
    def of(cls, x: NDArray) -> "Filled":
        """Those of x, C-contiguous."""
        flat = np.flatnonzero(x)
        quads, at = np.unique(flat // NUMBERS, return_inverse=True)
        among, words = at * NUMBERS + flat % NUMBERS, np.empty((len(quads), 4), np.uint32)
        work = np.empty(len(flat), np.uint16), np.empty(len(flat), x.dtype)
        return cls(flat, x.reshape(-1)[flat], quads, among, words, *work)
