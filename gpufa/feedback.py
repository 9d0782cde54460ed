"""The rule's fixed feedback matrices: stored, or kept as the key that they are made of wherever they are used."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

from .arena import Arena, Array, Layers
from .backends import Backend
from .backends.keyed import KeyedMatrix, Stretch
from .random import Purpose
from .rules.base import Feedback

FEEDBACK = "stored", "procedural"


class FeedbackMatrices:
    """B[k], (R, n_k, n), without gaps; where all have one width, `B.stacked` is all of them by rows.

    With "procedural" they are no part of a checkpoint, and on a device that can make them as it uses them, B[k] is a
    KeyedMatrix; elsewhere they are drawn once and kept.
    """

    def __init__(
        self,
        backend: Backend,
        specifications: Mapping[str, Feedback],
        seeds: Sequence[int],
        dtype: str,
        kind: str = "stored",
    ) -> None:
        self.kind, self.backend, self.replicas = kind, backend, len(seeds)
        self.stretches = {
            name: Stretch(f.rows, f.columns, f.law, f.scale, stream)
            for stream, (name, f) in enumerate(specifications.items(), start=1)
        }
        stretches = list(self.stretches.values())
        self.alike = len({(s.columns, s.law) for s in stretches}) == 1
        if kind == "procedural" and backend.keyed:
            self.stored: Mapping[str, Array] = {}
            self.B = Layers([None, *(KeyedMatrix.stacked(backend, [s], seeds, dtype) for s in stretches)])
            self.B.stacked = KeyedMatrix.stacked(backend, stretches, seeds, dtype) if self.alike else None
            return
        arena = Arena(backend, {name: (s.rows, s.columns) for name, s in self.stretches.items()}, len(seeds), dtype)
        self.stored, self.B = arena, self._layers(arena)
        for name, s in self.stretches.items():
            backend.random(s.law, arena[name], seeds, Purpose.FEEDBACK, stream=s.stream, scale=s.scale)

    @property
    def checkpointed(self) -> Mapping[str, Array]:
        """What a checkpoint has to hold of them."""
        return self.stored if self.kind == "stored" else {}

    def drawn(self) -> Layers:
        """B as arrays."""
        return Layers([None, *(b.draw() if isinstance(b, KeyedMatrix) else b for b in self.B[1:])])

    def lowered(self, dtype: str) -> Layers:
        """B with copies in another precision in place of what is stored."""
        if not isinstance(self.stored, Arena):
            return self.B
        copies = Arena(self.backend, {n: (s.rows, s.columns) for n, s in self.stretches.items()}, self.replicas, dtype)
        self.backend.lower(self.stored.flat, out=copies.flat)
        return self._layers(copies)

    def _layers(self, arena: Arena) -> Layers:
        """B[k] in an arena, and all of them by rows where they are alike."""
        B = Layers([None, *arena.values()])
        if self.alike:
            names, stretches = list(arena), list(self.stretches.values())
            B.stacked = arena.block(names[0], names[-1], (sum(s.rows for s in stretches), stretches[0].columns))
        return B

    def public(self, single: bool) -> Mapping[str, Any]:
        """The matrices as users see them: live views, or copies of those that are not stored."""
        views = zip(self.stretches, self.drawn()[1:], strict=True)
        return MappingProxyType({name: view[0] if single else view for name, view in views})
