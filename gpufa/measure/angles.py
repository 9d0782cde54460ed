"""Angles of arrays, in degrees, of all at once or of one part of the samples after the other."""

from types import ModuleType
from typing import Any

NUMBERS = 1 << 18  # that are multiplied at a time


class Cosines:
    """The cosines of samples, (R, m), of arrays (R, n, m) that are taken in parts."""

    def __init__(self, xp: ModuleType) -> None:
        self.xp = xp
        self.parts: list[tuple[Any, Any]] = []

    def take(self, a: Any, b: Any) -> None:
        """A part more."""
        self.parts.append(cosines(self.xp, a, b, axis=-2))

    def mean_and_deviation(self) -> tuple[Any, Any, Any]:
        """Of those that are defined, and how many these are, (R,) each."""
        xp, (cos, defined) = self.xp, (joined(self.xp, one) for one in zip(*self.parts, strict=True))
        count = defined.sum(axis=-1)
        mean = ratio(xp, (cos * defined).sum(axis=-1), count)
        return mean, xp.sqrt(ratio(xp, (defined * (cos - mean[:, None]) ** 2).sum(axis=-1), count)), count


class Squares:
    """The sums <a, b>, <a, a> and <b, b>, (R,), of arrays (R, n, m) that are taken in parts."""

    def __init__(self, xp: ModuleType) -> None:
        self.xp = xp
        self.sums: tuple[Any, ...] = ()

    def take(self, a: Any, b: Any) -> None:
        """A part more, some rows of it at a time; `a` may be a Product."""
        step = max(NUMBERS // b.shape[-1], 1)
        for first in range(0, b.shape[-2], step):
            rows = slice(first, first + step)
            found = products(a[:, rows], b[:, rows], axis=(-1, -2))
            self.sums = tuple(x + y for x, y in zip(self.sums, found, strict=True)) if self.sums else found

    def angle(self) -> Any:
        """That of a and b, each flattened; NaN where one is zero."""
        cos, defined = _cosines(self.xp, *self.sums)
        return degrees(self.xp, self.xp.where(defined, cos, self.xp.nan))


def angle(xp: ModuleType, a: Any, b: Any) -> Any:
    """The angle of two arrays (R, ., .), each flattened; NaN where one is zero."""
    whole = Squares(xp)
    whole.take(a, b)
    return whole.angle()


def cosines(xp: ModuleType, a: Any, b: Any, axis: Any) -> tuple[Any, Any]:
    """The cosine along `axis`, 0 where undefined, and where it is defined."""
    return _cosines(xp, *products(a, b, axis))


def products(a: Any, b: Any, axis: Any) -> tuple[Any, Any, Any]:
    """<a, b>, <a, a> and <b, b> along `axis`."""
    dot, aa, bb = ((u * v).sum(axis=axis, dtype="float64") for u, v in ((a, b), (a, a), (b, b)))
    return dot, aa, bb


def joined(xp: ModuleType, parts: Any) -> Any:
    """The samples of all parts, (R, m)."""
    first, *more = parts
    return xp.concatenate([first, *more], axis=-1) if more else first


def ratio(xp: ModuleType, a: Any, b: Any) -> Any:
    """a / b, NaN where b is zero."""
    return xp.where(b == 0, xp.nan, a / xp.where(b == 0, 1, b))


def degrees(xp: ModuleType, cos: Any) -> Any:
    return xp.degrees(xp.arccos(xp.clip(cos, -1, 1)))


def _cosines(xp: ModuleType, dot: Any, aa: Any, bb: Any) -> tuple[Any, Any]:
    norm = xp.sqrt(aa) * xp.sqrt(bb)
    return dot / xp.where(norm == 0, 1, norm), norm > 0
