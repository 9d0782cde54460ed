"""The rule's fixed feedback matrices: stored, or kept as the key that they are made of wherever they are used."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np

from ...backends import Backend
from ...backends.operations.keyed import KeyedMatrix, Stretch
from ...basics.arrays import as_matrix
from ...basics.random import Generator, Purpose
from .arena import Arena, Array, Layers

FEEDBACK = "stored", "procedural"
MASKS = 1 << 16  # the first stream of those that say which elements of a sparse matrix are kept


@dataclass(frozen=True)
class Feedback:
    """A fixed feedback matrix (rows, columns) of scale * law, drawn once from the seed and never trained.

    Of its elements a share `density` is not zero. Matrices of one `stream` and width are the same, as far as their rows
    go; where it is None each matrix has its own. One that stands in for a kernel has the shape of `kernel`, each row
    being a filter.
    """

    rows: int
    columns: int
    law: str
    scale: float
    density: float = 1.0
    stream: int | None = None
    kernel: tuple[int, ...] = ()

    @property
    def shape(self) -> tuple[int, ...]:
        return self.kernel or (self.rows, self.columns)


class FeedbackMatrices:
    """B[k], (R, n_k, n), without gaps; where all have one width, `B.stacked` is all of them by rows. Matrices by other
    names than B1, B2, ... are found by `feedback[name]` alone.

    With "procedural" they are no part of a checkpoint, and where together they are as many bytes as the backend keeps
    no more of, B[k] is a KeyedMatrix; else, and where some are sparse, they are drawn once and kept. So are kernels.
    """

    def __init__(
        self,
        backend: Backend,
        specifications: Mapping[str, Feedback],
        seeds: Sequence[int],
        dtype: str,
        kind: str = "stored",
    ) -> None:
        self.kind, self.backend, self.seeds = kind, backend, seeds
        self.shapes = {name: f.shape for name, f in specifications.items()}
        self.stretches = {
            name: Stretch(f.rows, f.columns, f.law, f.scale / f.density**0.5, f.stream or stream)
            for stream, (name, f) in enumerate(specifications.items(), start=1)
        }
        self.by_layer = [name for name in self.stretches if name[0] == "B" and name[1:].isdigit()]
        stretches = [self.stretches[name] for name in self.by_layer]
        self.alike = len({(s.columns, s.law) for s in stretches}) == 1
        whole = [name for name in self.by_layer if not specifications[name].kernel]
        size = sum(self.stretches[name].rows * self.stretches[name].columns for name in whole)
        sparse = any(f.density < 1 for f in specifications.values())
        large = size * len(seeds) * np.dtype(dtype).itemsize >= backend.keyed_from
        self.keyed = frozenset(whole if kind == "procedural" and large and not sparse else ())
        self.stored, self.B = self._arena(dtype)
        for name, one in self.stored.items():
            matrix = as_matrix(one)
            s, density = self.stretches[name], specifications[name].density
            backend.random(s.law, matrix, seeds, Purpose.FEEDBACK, stream=s.stream, scale=s.scale)
            if density < 1:
                self._thin_out(matrix, density, s.stream)
        self.matrices: Mapping[str, Any] = self.stored
        if self.keyed:
            one = self.alike and self.keyed == {*self.by_layer}
            stacked = KeyedMatrix.stacked(backend, stretches, seeds, dtype) if one else None
            self.matrices = {**self._keyed(stacked, dtype), **self.stored}
            self.B = self._layers(self.matrices)
            self.B.stacked = stacked

    def __getitem__(self, name: str) -> Any:
        """The matrix of that name, (R, rows, columns)."""
        return self.matrices[name]

    @property
    def checkpointed(self) -> Mapping[str, Array]:
        """What a checkpoint has to hold of them."""
        return self.matrices if self.kind == "stored" else {}

    @property
    def nbytes(self) -> int:
        """Of what is stored."""
        return int(self.stored.flat.nbytes)

    def drawn(self) -> "Drawn":
        """B as arrays, each of which is made when it is asked for."""
        return Drawn(self.B)

    def lowered(self, dtype: str) -> Layers:
        """B with copies in another precision in place of what is stored."""
        if self.keyed:
            return self.B
        copies, layers = self._arena(dtype)
        self.backend.lower(self.stored.flat, out=copies.flat)
        return layers

    def public(self, single: bool) -> Mapping[str, Any]:
        """The matrices as users see them: live views, or copies of those that are not stored."""
        views = {n: m.draw() if isinstance(m, KeyedMatrix) else m for n, m in self.matrices.items()}
        return MappingProxyType({name: view[0] if single else view for name, view in views.items()})

    def _arena(self, dtype: str) -> tuple[Arena, Layers]:
        """Memory for what is stored, B1, B2, ... one behind the other, and their views by layer."""
        stored = {n: s for n, s in self.stretches.items() if n not in self.keyed}
        shapes = {name: self.shapes[name] for name in stored}
        arena = Arena(self.backend, shapes, len(self.seeds), dtype)
        layers, stretches = self._layers(arena), [self.stretches[name] for name in self.by_layer]
        names = list(shapes)
        first = names.index(self.by_layer[0]) if self.alike and not self.keyed else 0
        if self.alike and not self.keyed and names[first : first + len(stretches)] == self.by_layer:
            shape = sum(s.rows for s in stretches), stretches[0].columns
            layers.stacked = arena.block(self.by_layer[0], self.by_layer[-1], shape)
        return arena, layers

    def _keyed(self, stacked: KeyedMatrix | None, dtype: str) -> dict[str, KeyedMatrix]:
        """Those that are made as they are used, as rows of all where they have one width."""
        found, end = {}, 0
        for name in self.by_layer:
            start, end = end, end + self.stretches[name].rows
            if name in self.keyed and stacked:
                found[name] = stacked[:, start:end]
            elif name in self.keyed:
                found[name] = KeyedMatrix.stacked(self.backend, [self.stretches[name]], self.seeds, dtype)
        return found

    def _layers(self, matrices: Mapping[str, Any]) -> Layers:
        last = max((int(name[1:]) for name in self.by_layer), default=0)
        return Layers([None, *(matrices.get(f"B{k}") for k in range(1, last + 1))])

    def _thin_out(self, matrix: Array, density: float, stream: int) -> None:
        """Keep each element with probability `density`: by words of a Philox stream of the matrix's own."""
        words = np.empty(matrix.shape[1:], np.uint32)
        for r, seed in enumerate(self.seeds):
            Generator().words(words, seed, Purpose.FEEDBACK, stream=stream + MASKS)
            matrix[r] *= self.backend.to_device(words < density * 2.0**32, matrix.dtype)


class Drawn(Layers):
    """Feedback by block, of which no more is in memory as arrays than somebody holds."""

    def __getitem__(self, k: Any) -> Any:
        one = super().__getitem__(k)
        return one.draw() if isinstance(one, KeyedMatrix) else one
