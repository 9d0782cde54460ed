"""Grids of blocks for the kernels' loops, all of which run over any size with any grid."""

from collections.abc import Callable
from typing import Any

from ..kernels import TYPES

Array = Any
Grid = tuple[tuple[int, int, int], tuple[int, int, int]]
THREADS = 256  # of a block that walks along a row
SLAB_THREADS = 128
MOST = 65535  # blocks along y and z
SHARE, PIECES = 4096, 64  # numbers of a long row that are worth a block, and blocks that share a row
FEW, FEW_PIECES = 1024, 4  # the same of a shorter one
BLOCKS = 4096  # of a grid that walks along one long axis


def slab_grid(rows: int, columns: int, replicas: int) -> Grid:
    """For (replicas, rows, columns), `columns` counted in accesses: threads along the columns first."""
    x = min(_power_of_two(columns), 64)
    y = min(_power_of_two(rows), SLAB_THREADS // x)
    return _grid(columns, x, rows, y, replicas)


def rows_grid(blocks: int, columns: int, replicas: int, rows: int) -> Grid:
    """For blocks that each keep `rows` rows, and share the columns."""
    x = min(_power_of_two(columns), 16)
    return _grid(columns, x, blocks, 1, replicas)[0], (x, min(8, rows), 1)


def warp_grid(rows: int, replicas: int) -> Grid:
    """A warp for each row."""
    y = min(_power_of_two(rows), 8)
    return _grid(1, 32, rows, y, replicas)


def shared_grid(rows: int, columns: int, replicas: int) -> Grid:
    """For blocks of THREADS that share each row, as many as its length is worth."""
    pieces = max(1, min(columns // FEW, FEW_PIECES), min(columns // SHARE, PIECES))
    return (pieces, min(max(1, rows), MOST), min(max(1, replicas), MOST)), (THREADS, 1, 1)


def tile_grid(rows: int, columns: int, replicas: int) -> Grid:
    """For blocks that each turn over a tile of 32 by 32."""
    return _grid(columns, 32, -(-rows // 4), 8, replicas)


def output_grid(samples: int, replicas: int) -> Grid:
    """For blocks of 32 samples, eight threads each, replicas along y."""
    return _grid(samples, 32, replicas, 1, 1)[0], (32, 8, 1)


def sample_grid(samples: int, each: int, replicas: int, lanes: int = 8) -> Grid:
    """For blocks of 32 x `lanes` threads with so many samples each."""
    return _grid(samples, each, 1, 1, replicas)[0], (32, lanes, 1)


def columns_grid(columns: int, replicas: int) -> Grid:
    """For one long axis."""
    x = min(_power_of_two(columns), THREADS)
    (blocks, _, z), block = _grid(columns, x, 1, 1, replicas)
    return (min(blocks, BLOCKS), 1, z), block


def _grid(columns: int, x: int, rows: int, y: int, replicas: int) -> Grid:
    blocks = max(1, -(-columns // x)), min(max(1, -(-rows // y)), MOST), min(max(1, replicas), MOST)
    return (min(blocks[0], 2**31 - 1), *blocks[1:]), (x, y, 1)


def _power_of_two(n: int) -> int:
    return 1 << max(n - 1, 0).bit_length()


def types(x: Array) -> dict[str, str]:
    """The kernels' types for a slab: what it is kept in, and what is done with it."""
    name = x.dtype.name
    return {"dtype": "float32", "slab": "bfloat16"} if name == "uint16" else {"dtype": name, "slab": name}


def element(x: Array) -> str:
    """What a kernel calls the type of an array's numbers."""
    return TYPES[types(x)["slab"]]


def stride(x: Array | None) -> int:
    """Elements from one replica to the next."""
    return 0 if x is None else x.strides[0] // x.itemsize


def steps(x: Array) -> list[int]:
    """Elements from one to the next along each axis; 0 along those that are 1 long."""
    return [step // x.itemsize if n > 1 else 0 for n, step in zip(x.shape, x.strides, strict=True)]


def in_rows(x: Array) -> bool:
    """Whether each replica's matrix lies row by row without gaps, as kernels walk it."""
    return x.strides[-1] == x.itemsize and x.strides[-2] == x.shape[-1] * x.itemsize


def width(pointer: Callable[[Array], int], columns: int, *arrays: Array | None) -> int:
    """Elements per access: 16 bytes of the widest type where every row of every array begins on such a boundary."""
    given = [x for x in arrays if x is not None]
    V = 16 // max(x.itemsize for x in given)
    steps = [step // x.itemsize for x in given for step in x.strides[:-1]]
    aligned = all(pointer(x) % (V * x.itemsize) == 0 for x in given)
    return V if aligned and columns % V == 0 and all(step % V == 0 for step in steps) else 1
