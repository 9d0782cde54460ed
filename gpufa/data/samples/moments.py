"""What samples are like, found in one pass over them: extremes, means and deviations, merged piece by piece (Chan,
Golub & LeVeque 1983, "Algorithms for computing the sample variance")."""

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from ...basics.errors import InvalidValue


class Moments:
    """Facts (see scaling.Facts) of samples that come in `pieces`, (some, features) each, in float64 and counted from
    the first sample on, as squares of what is far from 0 have few digits left."""

    def __init__(self, pieces: Iterable[NDArray]) -> None:
        self._count = 0
        for piece in pieces:
            self._add(piece)

    @property
    def shape(self) -> tuple[int, int]:
        return self._count, len(self._mean)

    def values(self) -> NDArray:
        raise InvalidValue(
            "scaling 'zca' is fitted to all samples at once, and these stay in their file; take --scaling channel or"
            " standard, or add --stream never where memory holds them"
        )

    def extremes(self) -> tuple[NDArray, NDArray]:
        return self._low, self._high

    def spread(self, groups: int) -> tuple[NDArray, NDArray]:
        origin = self._origin.reshape(groups, -1)
        means = origin - origin[:, :1] + self._mean.reshape(groups, -1)  # from the first feature's on
        middle = means.mean(axis=1)
        squares = self._squares.reshape(groups, -1) / self._count + np.square(means - middle[:, None])
        mean, deviation = origin[:, 0] + middle, np.sqrt(squares.mean(axis=1))
        differ = self._low.reshape(groups, -1).min(axis=1) != self._high.reshape(groups, -1).max(axis=1)
        for j in np.flatnonzero(differ & ~(np.isfinite(mean) & np.isfinite(deviation) & (deviation > 0)))[:1]:
            first = j * means.shape[1]
            most = max(abs(self._low[first]), abs(self._high[first]))
            raise InvalidValue(
                f"the squares of feature {first} (counted from 0), of values up to {most:g}, are beyond float64; take"
                " --scaling minmax, or give it in another unit"
            )
        return mean, deviation

    @np.errstate(all="ignore")  # what is beyond float64 is told by `spread`
    def _add(self, piece: NDArray) -> None:
        wide, low, high = piece.astype(np.float64), piece.min(axis=0), piece.max(axis=0)
        if not self._count:
            self._origin = wide[0].copy()
        wide -= self._origin
        mean = wide.mean(axis=0)
        wide -= mean
        squares = np.einsum("ij,ij->j", wide, wide)
        if not self._count:
            self._low, self._high, self._mean, self._squares = low, high, mean, squares
        else:
            apart, share = mean - self._mean, len(piece) / (self._count + len(piece))
            self._squares += squares + np.square(apart) * (self._count * share)
            self._mean += apart * share
            self._low, self._high = np.minimum(self._low, low), np.maximum(self._high, high)
        self._count += len(piece)
