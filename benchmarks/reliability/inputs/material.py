"""Choices out of bytes: the same bytes make the same input, and none at all make a valid one."""

import datetime
import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

T = TypeVar("T")
NUMBERS = -1, 0, 1, 2, 3, 7, 255, 2**31, 2**63 - 1, 2**64, 10**12, 10**30, 10**400, 2**16000
FRACTIONS = -0.5, 0.0, 0.5, 1.0, 1.5, 1e-320, 1e-9, 1e38, 1e308, math.inf, -math.inf, math.nan
WORDS = "", " ", "x", "digits", "dfa", "relu", "none", "\0", "\ud800", "é\n", "a" * 5000, "../x", "1e9", "{x}", "%s"
OTHERS: Sequence[Callable[[], Any]] = (
    lambda: None,
    lambda: True,
    lambda: False,
    lambda: b"x",
    object,
    list,
    dict,
    lambda: [3],
    lambda: [3, "x"],
    lambda: [[1, 2], [3]],
    lambda: ["tanh", None],
    lambda: {"name": "fa", "scale": 2},
    lambda: {1: [2]},
    lambda: {"a", "b"},
    lambda: (0,),
    lambda: range(3),
    lambda: iter([4, 5]),
    lambda: 1j,
    lambda: len,
    lambda: int,
    lambda: Path("x"),
    lambda: datetime.date(2020, 2, 2),
    lambda: np.int64(3),
    lambda: np.float32(0.5),
    lambda: np.array(5),
    lambda: np.array([1, 2]),
    lambda: np.array(["tanh"]),
    lambda: slice(3),
)
SNIPPETS = (
    *(b",", b"\n", b'"', b"[", b"=", b"\x1f\x8b", b"PK", b"nan", b"\xef"),
    *(b"9" * 40, b"(" * 300, b"[" * 3000, b"9" * 5000, b"0x" + b"f" * 9000),
)


class Material:
    """What an input is made of; where the bytes have run out, every choice is the first."""

    def __init__(self, raw: bytes) -> None:
        self.raw, self.at = raw, 0

    def take(self, count: int) -> bytes:
        """The next bytes, zeros where there are no more."""
        taken = self.raw[self.at : self.at + count]
        self.at += count
        return taken.ljust(count, b"\0")

    def below(self, end: int) -> int:
        """A whole number from 0 on."""
        return int.from_bytes(self.take(1 if end <= 256 else 4), "little") % end

    def rarely(self, odds: int = 4) -> bool:
        """True once in so many times."""
        return self.below(odds) == odds - 1

    def one_of(self, choices: Sequence[T]) -> T:
        return choices[self.below(len(choices))]

    def some_of(self, choices: Sequence[T], most: int = 3) -> list[T]:
        return [self.one_of(choices) for _ in range(self.below(most + 1))]

    def odd(self) -> Any:
        """What somebody might give by mistake."""
        kind = self.below(5)
        if kind == 4:
            return [self.odd() for _ in range(self.below(3))]
        if kind == 3:
            return self.one_of(OTHERS)()
        return self.one_of((NUMBERS, FRACTIONS, WORDS)[kind])

    def usually(self, good: Sequence[Any], odds: int = 4) -> Any:
        """One of the good values, or once in so many times an odd one."""
        return self.odd() if self.rarely(odds) else self.one_of(good)

    def damaged(self, raw: bytes) -> bytes:
        """The bytes with up to four faults: some changed, cut off, put in, doubled, or made a great number."""
        for _ in range(self.below(5)):
            at, length = self.below(len(raw) + 1), self.below(9)
            piece = raw[at : at + length]
            new = piece + self.take(length), b"", piece * 3, b"\xff" * length, b"\0" * length, self.one_of(SNIPPETS)
            cut = self.rarely(12)
            raw = raw[:at] + (b"" if cut else self.one_of(new) + raw[at + length :])
        return raw
