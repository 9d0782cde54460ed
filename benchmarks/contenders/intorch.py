"""What all contenders in PyTorch have: the data where they compute, and batches in the order of the start."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from ..start import Start
from ..works import Work


class InTorch:
    """`matrices` are the layers with weights, in order; `x` the samples as the net takes them."""

    matrices: Sequence[Any]

    def __init__(self, work: Work, start: Start, device: str, x: torch.Tensor) -> None:
        self.place = torch.device("cuda" if device == "gpu" else "cpu")
        given = x, torch.from_numpy(start.y), torch.from_numpy(start.order)
        self.x, self.y, self.order = (a.to(self.place) for a in given)
        self.done, self.size, self.lr = 0, work.batch, start.lr

    def learn(self, index: torch.Tensor) -> None:
        """One step from these samples."""
        raise NotImplementedError

    def step(self) -> None:
        first = self.done % (len(self.order) // self.size) * self.size
        self.learn(self.order[first : first + self.size])
        self.done += 1

    def synchronize(self) -> None:
        if self.place.type == "cuda":
            torch.cuda.synchronize()

    def weights(self) -> list[np.ndarray]:
        return [layer.weight.detach().cpu().numpy().copy() for layer in self.matrices]

    def placed(self, array: np.ndarray) -> torch.Tensor:
        """A copy where it computes."""
        return torch.from_numpy(array.copy()).to(self.place)
