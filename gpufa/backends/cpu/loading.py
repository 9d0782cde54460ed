"""Batches on the CPU: which samples are next, and what they are to be taken for."""

import numpy as np
from numpy.typing import NDArray

from ...basics.random import Purpose
from ...functions.augmentations import changed
from ..operations.operands import Augmenting, Samples, Ticks
from .draws import Drawing


class Loading(Drawing):
    """The clock, samples and targets as NumPy arrays."""

    def tick(self, ticks: Ticks) -> None:
        counters, table, now = ticks
        counters += 1
        now[:] = table[counters[1]]

    def load(self, ticks: Ticks, samples: Samples, x: NDArray, y: NDArray, w: NDArray | None = None) -> None:
        self.tick(ticks)
        start = int(ticks.counters[1]) * samples.size
        index = samples.order[:, start : start + x.shape[1]]
        if samples.augmenting is None:
            self._gather(samples.x, index, x)
        else:
            self._augment(samples.x, index, samples.augmenting, int(ticks.counters[0]), x)
        if samples.scaling is not None:
            np.subtract(x, samples.scaling[0], out=x)
            np.multiply(x, samples.scaling[1], out=x)
        self.targets(samples.y, y, samples.places, index)
        if w is not None:
            for one, own, i in zip(w, samples.weights, index, strict=True):
                if samples.places == 1:
                    np.take(own, i, out=one, mode="clip")
                else:
                    one.reshape(samples.places, -1)[...] = self._taken(own, i).T

    def _gather(self, rows: NDArray, index: NDArray, out: NDArray) -> None:
        """out[r] = rows[index[r]]."""
        taken = out if rows.dtype == out.dtype else self.scratch("rows as they came", out.shape, rows.dtype)
        for one, i in zip(taken, index, strict=True):
            np.take(rows, i, axis=0, out=one, mode="clip")  # mode="raise" would buffer `out`
        if taken is not out:
            out[...] = taken

    def _augment(self, rows: NDArray, index: NDArray, by: Augmenting, step: int, out: NDArray) -> None:
        """out[r] = rows[index[r]], changed."""
        m, (channels, height, width) = out.shape[1], by.places
        images = self.scratch("images as they came", (m, channels, height, width), rows.dtype)
        words = self.scratch("words of images", (len(by.chosen), 4, m), "uint32")
        for one, i, seed in zip(out, index, by.seeds, strict=True):
            np.take(rows, i, axis=0, out=images.reshape(m, -1), mode="clip")
            for stream, own in enumerate(words):
                self.generator.quads(own, i, seed, Purpose.AUGMENT, stream=stream, step=step)
            changed(images, words, by.chosen, self.scratch, out=one.reshape(images.shape))

    def targets(self, y: NDArray, out: NDArray, places: int = 1, index: NDArray | None = None) -> None:
        """Of all samples, or of those of an index (R, m)."""
        classes, labels, of_sample = out.shape[1] // places, y.dtype.kind in "iu", 1 + (places > 1)
        for r in range(len(out)):
            own = y[r] if labels and y.ndim > of_sample else y
            if index is not None:
                own = self._taken(own, index[r])
            if out.dtype.kind == "i":
                out[r].reshape(places, -1)[...] = own.T
            elif labels:
                hit = self.scratch("labels hit", (classes, *own.T.shape), bool)
                np.equal(own.T, self._classes(classes).reshape(-1, *(1,) * own.ndim), out=hit)
                out[r] = hit.reshape(out[r].shape)
            else:
                out[r] = own.T

    def _taken(self, rows: NDArray, index: NDArray) -> NDArray:
        """rows[index], in work space."""
        taken = self.scratch("rows taken", (len(index), *rows.shape[1:]), rows.dtype)
        np.take(rows, index, axis=0, out=taken, mode="clip")  # mode="raise" would buffer `out`
        return taken

    def _classes(self, n: int) -> NDArray:
        """The column (n, 1) of 0 .. n-1."""
        key = ("classes", n)
        if key not in self._scratch:
            self._scratch[key] = np.arange(n)[:, None]
        return self._scratch[key]
