"""The same net by PyTorch: backprop, and its gradients averaged by DistributedDataParallel over gloo."""

import os

import numpy as np
import torch
from torch import nn

from .works import CLASSES, INPUTS, Way


class DDP:
    def __init__(self, way: Way, hidden: tuple[int, ...], batch: int, x: np.ndarray, y: np.ndarray) -> None:
        torch.set_num_threads(way.threads)
        rank = int(os.environ.get("PMI_RANK", "0"))
        layers: list[nn.Module] = []
        for below, n in zip((INPUTS, *hidden), hidden, strict=False):
            layers += [nn.Linear(below, n), nn.Tanh()]
        self.net: nn.Module = nn.Sequential(*layers, nn.Linear(hidden[-1], CLASSES))
        if way.ranks > 1:
            os.environ |= {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": os.environ["BENCHMARK_PORT"]}
            torch.distributed.init_process_group("gloo", rank=rank, world_size=way.ranks)
            self.net = nn.parallel.DistributedDataParallel(self.net)
        self.optimizer = torch.optim.SGD(self.net.parameters(), lr=1e-3)
        own = batch // way.ranks
        self.x = torch.from_numpy(x).reshape(-1, way.ranks, own, INPUTS)[:, rank]
        self.y = torch.from_numpy(y).reshape(-1, way.ranks, own)[:, rank]
        self.turn = 0

    def step(self) -> None:
        x, y = self.x[self.turn], self.y[self.turn]
        self.turn = (self.turn + 1) % len(self.x)
        self.optimizer.zero_grad()
        nn.functional.cross_entropy(self.net(x), y).backward()
        self.optimizer.step()

    def synchronize(self) -> None:
        pass
