"""Random numbers on the device: the same bits as NumPy's, from counters that are in its memory."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from ...basics.laws import LAWS
from ...basics.random import Purpose, drop_threshold
from .. import kernels
from ..kernels import kernel
from .grids import columns_grid, stride, types
from .launcher import Launcher

Array = Any


class RandomKernels(Launcher):
    """Draws by Philox4x32-10."""

    def random(
        self,
        law: str,
        out: Array,
        seeds: Sequence[int],
        purpose: Purpose,
        step: Array = None,
        stream: int = 0,
        scale: float = 1.0,
        add: bool = False,
    ) -> None:
        replicas, length = len(out), out[0].size
        found = kernel("random", "fill", **types(out), **kernels.law_text(law))
        at = self._constant(0, np.int64) if step is None else step
        self._launch(
            found,
            *columns_grid(-(-length // 4), replicas),
            *(
                out,
                self._seeds(seeds),
                at,
                stream,
                int(purpose),
                LAWS[law].unit * scale,
                int(add),
                length,
                stride(out),
                replicas,
            ),
        )

    def dropout(self, out: Array, drop: float, seeds: Sequence[int], step: Array, stream: int) -> None:
        replicas, length, threshold = len(out), out[0].size, drop_threshold(drop)
        found = kernel("random", "dropout", **types(out), **kernels.law_text("uniform"))
        self._launch(
            found,
            *columns_grid(-(-length // 8), replicas),
            *(out, self._seeds(seeds), step, stream, int(Purpose.DROPOUT), threshold, 2**16 / (2**16 - threshold)),
            *(length, stride(out), replicas),
        )

    def permutations(self, seeds: Sequence[int], purpose: Purpose, step: int, out: Array, stream: int = 0) -> None:
        replicas, n = out.shape
        keys = self.device.empty(out.shape, "uint64")
        found = kernel("random", "shuffle_keys", "float32", **kernels.law_text("uniform"))
        grid = columns_grid(-(-n // 4), replicas)
        self._launch(found, *grid, keys, self._seeds(seeds), stream, step, int(purpose), n, replicas)
        keys.sort(axis=-1)
        out[...] = keys.view(np.uint32)[..., ::2]  # the lower half of each
