"""A fixed feedback matrix that is never stored: its numbers are made of the seed wherever they are used."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from ...basics.laws import LAWS

Array = Any


class Stretch(NamedTuple):
    """Rows of one feedback matrix: scale * law, drawn as the Philox stream of that number."""

    rows: int
    columns: int
    law: str
    scale: float
    stream: int


class KeyedMatrix:
    """(R, rows, columns), the same numbers as the stored matrix of the same seeds.

    rows_key: for each row its Philox stream, the index at which it starts there, and the factor on its numbers.
    """

    def __init__(
        self, backend: Any, law: str, seeds: Sequence[int], columns: int, rows_key: tuple[Array, Array, Array]
    ) -> None:
        self.backend, self.law, self.seeds, self.rows_key = backend, law, tuple(seeds), rows_key
        self.shape = len(self.seeds), len(rows_key[0]), columns
        self.ndim, self.dtype = 3, rows_key[2].dtype

    @classmethod
    def stacked(cls, backend: Any, stretches: Sequence[Stretch], seeds: Sequence[int], dtype: str) -> "KeyedMatrix":
        """Matrices of one width and law, one below the other."""
        columns, law = stretches[0].columns, stretches[0].law
        streams = [np.full(s.rows, s.stream, np.uint32) for s in stretches]
        starts = [np.arange(s.rows, dtype=np.uint64) * columns for s in stretches]
        factors = [np.full(s.rows, LAWS[law].unit * s.scale, dtype) for s in stretches]
        key = tuple(backend.to_device(np.concatenate(part)) for part in (streams, starts, factors))
        return cls(backend, law, seeds, columns, key)

    def __getitem__(self, part: tuple[slice, slice]) -> "KeyedMatrix":
        """Some rows, of all replicas."""
        replicas, rows = part
        assert replicas == slice(None)
        streams, starts, factors = (array[rows] for array in self.rows_key)
        return KeyedMatrix(self.backend, self.law, self.seeds, self.shape[-1], (streams, starts, factors))

    def draw(self) -> Array:
        """The matrix itself, as a new array."""
        out = self.backend.zeros(self.shape, self.dtype)
        self.backend.keyed_rows(self, out)
        return out
