"""Where an error enters a net that goes past blocks: behind which layer of a block, and through what, in words."""

from collections.abc import Collection

import numpy as np

from ..basics.errors import in_bytes
from ..layers.residual import Residual
from .layout import Layout
from .rule import Rule


def entries(rule: Rule, sizes: Layout, dtype: str, made: Collection[str] = ()) -> list[str]:
    """A sentence for each hidden block of a net that has other blocks than dense layers; none where errors come down
    from block to block. The matrices `made` are not stored; sizes are those of one seed."""
    straight = rule.straight(sizes) if sizes.layered else {}
    return [
        f"error enters block {k} behind {_last(sizes, k)} ({'x'.join(map(str, sizes.shapes[k]))}), B {rows.count} x"
        f" {rows.columns}, {rows}, {'made as it is used, stored it would be ' if f'B{k}' in made else ''}"
        f"{in_bytes(rows.count * rows.columns * np.dtype(dtype).itemsize)}"
        for k, rows in straight.items()
    ]


def _last(sizes: Layout, k: int) -> str:
    """Block k's last layer."""
    block = sizes.blocks[k - 1]
    return "residual(...)" if isinstance(block, Residual) else str(block.layers[-1])
