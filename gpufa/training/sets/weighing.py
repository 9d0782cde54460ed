"""How much each training sample counts: its own weight, and that of the class it is taught as."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ...data.samples.data import has_labels
from ...data.samples.places import counted
from ...data.samples.weights import check_means, of_classes, relative
from ...net.learner import Learner
from ..settings.config import Config

AT_ONCE = 1 << 16  # samples


class Weighing(NamedTuple):
    """The weights of n samples in each of R replicas' losses: those that they came with, (N,), times those of the
    classes, (R, classes), that they are taught as, (R, N); whichever there are."""

    replicas: int
    n: int
    own: NDArray | None
    classes: NDArray | None
    taught: NDArray

    def some(self, start: int, stop: int) -> NDArray[np.float64]:
        """Those of the samples from one up to another, (R, samples)."""
        weights = np.ones((self.replicas, stop - start))
        if self.classes is not None:
            for row, table, labels in zip(weights, self.classes, self.taught, strict=True):
                row *= table[labels[start:stop]]
        if self.own is not None:
            weights *= self.own[start:stop]
        return weights

    def means(self) -> NDArray[np.float64]:
        """Their means, (R, 1). Raises InvalidValue where nothing can be divided by them."""
        total, most = np.zeros((self.replicas, 1)), np.zeros(1)
        with np.errstate(over="ignore"):
            for start in range(0, self.n, AT_ONCE):
                part = self.some(start, min(start + AT_ONCE, self.n))
                total += part.sum(axis=1, keepdims=True)
                most = np.maximum(most, part.max())
        check_means(total / self.n, most)
        return total / self.n


def weighing(config: Config, net: Learner, taught: NDArray, own: NDArray | None) -> Weighing | None:
    """That of samples which are taught as labels, (N,) or (R, N), or as targets; None where all count alike."""
    if own is None and config.class_weights is None:
        return None
    by_sample = has_labels(taught) and net.sizes.places == 1
    shape, classes = (len(net.seeds), taught.shape[-1] if by_sample else len(taught)), None
    if config.class_weights is not None:
        names = [net.about.class_name(c) if net.about else str(c) for c in range(net.sizes.outputs)]
        taught = np.broadcast_to(taught, shape)
        classes = of_classes(config.class_weights, taught, names)
    return Weighing(*shape, own, classes, taught)


def of_places(weights: NDArray | None, y: NDArray, replicas: int, places: int) -> NDArray | None:
    """The weights of each place in each of R replicas' losses, (R, N, places), of mean 1, and 0 where a place has no
    target; None where all count alike. `weights`, (R, N), are those of the samples, where there are some."""
    there = counted(y, places)
    if weights is None and there.all():
        return None
    found = np.broadcast_to(there, (replicas, *there.shape)) * (1.0 if weights is None else weights[..., None])
    return relative(found.reshape(replicas, -1)).reshape(found.shape)
