"""Arrays as somebody might hand them in: shapes, types, values and layouts of all kinds."""

from typing import Any

import numpy as np

from .material import Material

SHAPES = (12, 4), (12,), (12, 1), (12, 3), (3, 4), (1, 4), (0, 4), (12, 0), (0,), (), (12, 2, 2), (1,) * 30
TYPES = (
    "f4",
    "f8",
    "f2",
    "u1",
    "i8",
    "i1",
    "u8",
    "?",
    "g",
    "c8",
    "O",
    "S3",
    "U3",
    "M8[s]",
    "m8[D]",
    ">f4",
    "V4",
    "i4,f4",
)
FILLS = 0.5, 0, -1, 300, 2**40, 1e30, 1e300, np.nan, np.inf, -np.inf


def array(m: Material, shape: tuple[int, ...] = (12, 4), whole: bool = False) -> Any:
    """An array of that shape, of numbers or whole ones; or one that is odd in some way."""
    if m.rarely(8):
        return m.odd()
    shape = m.one_of(SHAPES) if m.rarely(4) else shape
    dtype = m.one_of(TYPES) if m.rarely(3) else ("i8" if whole else "f4")
    values = np.arange(np.prod(shape)).reshape(shape) % 3
    with np.errstate(all="ignore"):
        try:
            made = np.asarray(values.astype(dtype))
            if m.rarely(3) and made.size and made.ndim:
                made.flat[m.below(made.size)] = m.one_of(FILLS)
        except (TypeError, ValueError, OverflowError):
            made = np.zeros(shape, dtype)
    return laid_out(m, made)


def laid_out(m: Material, made: Any) -> Any:
    kind = m.below(16)
    if kind == 8:
        return made.tolist()
    if kind == 9:
        return np.asfortranarray(made)
    if kind == 10 and made.ndim:
        return made[::-1]
    if kind == 11:
        made.setflags(write=False)
    if kind == 12:
        return np.ma.masked_array(made)
    if kind == 13 and made.ndim:
        return np.broadcast_to(made[:1], made.shape)
    if kind == 14:
        return list(made) if made.ndim else made
    if kind == 15 and made.ndim:
        return [*made.tolist(), [1]]
    return made


def four(m: Material) -> Any:
    """Data to train and test with: four arrays, or not quite."""
    data = [array(m), array(m, (12,), True), array(m), array(m, (12,), True)]
    return data if not m.rarely(9) else m.one_of((data[:3], tuple(data), {"x": data[0]}, iter(data), data[0], None))
