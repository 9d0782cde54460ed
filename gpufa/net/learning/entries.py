"""Where an error enters a net that goes past blocks: behind which layer of a block, and through what, in words."""

import math
from collections.abc import Collection

import numpy as np

from ...basics.errors import in_bytes
from ...layers.residual import Residual
from ..shape.layout import Layout
from .rows import Rows
from .rule import Rule


def entries(rule: Rule, sizes: Layout, dtype: str, made: Collection[str] = ()) -> list[str]:
    """A sentence for each hidden block of a net that has other blocks than dense layers; none where errors come down
    from block to block. The matrices `made` are not stored; sizes are those of one seed."""
    straight = rule.straight(sizes) if sizes.layered else {}
    return [
        f"error enters block {k} behind {_last(sizes, k)} ({'x'.join(map(str, _shape(sizes, k, rows)))}), B"
        f" {rows.count} x {rows.columns}, {rows}, "
        f"{'made as it is used, stored it would be ' if f'B{k}' in made else ''}"
        f"{in_bytes(rows.count * rows.columns * np.dtype(dtype).itemsize)}"
        for k, rows in straight.items()
    ]


def _last(sizes: Layout, k: int) -> str:
    """Block k's last layer."""
    block = sizes.blocks[k - 1]
    return "residual(...)" if isinstance(block, Residual) else str(block.layers[-1])


def _shape(sizes: Layout, k: int, rows: Rows) -> tuple[int, ...]:
    """Of the units of block k that have these rows: all that are felt, or those of its output."""
    places = rows.count if rows.windows is None else rows.count // rows.places * math.prod(rows.windows.size)
    return sizes.felt[k] if places == math.prod(sizes.felt[k]) else sizes.shapes[k]
