"""Frenkel's own DFA and DRTP, from a checkout that --drtp names; the error enters before the pools."""

import numpy as np
import torch
from models import NetworkBuilder

from gpufa.layers.words import inputs

from ...start import Start
from ...works import Work
from .modules import fill, images
from .topology import act_of, topology

MODES = {"dfa": "DFA", "drtp": "DRTP"}


class DrtpNet:
    def __init__(self, work: Work, start: Start, rule: str, device: str) -> None:
        if not hasattr(torch.autograd.function.FunctionCtx, "saved_variables"):  # PyTorch's name for it then
            torch.autograd.function.FunctionCtx.saved_variables = property(lambda ctx: ctx.saved_tensors)
        place = torch.device("cuda" if device == "gpu" else "cpu")
        shape, f = inputs(work.layers[0]), act_of(work)
        assert shape
        outputs = len(start.biases[-1])
        given = topology(work, shape), shape[1], shape[0], outputs, work.batch, MODES[rule], 0, f, f, "none", False
        self.model = NetworkBuilder(*given, "CE", place).to(place)
        self.matrices = fill(self.model, start)
        x, (y, order) = images(work, start), (torch.from_numpy(a) for a in (start.y, start.order))
        self.x, self.y, self.order = x.to(place), y.to(place), order.to(place)
        self.labels = torch.nn.functional.one_hot(self.y, outputs).float()
        trained = [p for p in self.model.parameters() if p.requires_grad]
        self.optimizer, self.loss = torch.optim.SGD(trained, start.lr), torch.nn.CrossEntropyLoss()
        self.done, self.size, self.place = 0, work.batch, place

    def step(self) -> None:
        first = self.done % (len(self.order) // self.size) * self.size
        index = self.order[first : first + self.size]
        x, y, labels = self.x[index].requires_grad_(), self.y[index], self.labels[index]  # as its own train.py has it
        self.optimizer.zero_grad()
        self.loss(self.model(x, labels), y).backward()
        self.optimizer.step()
        self.done += 1

    def synchronize(self) -> None:
        if self.place.type == "cuda":
            torch.cuda.synchronize()

    def weights(self) -> list[np.ndarray]:
        return [layer.weight.detach().cpu().numpy() for layer in self.matrices]


def make(work: Work, start: Start, rule: str, variant: str, device: str) -> DrtpNet:
    return DrtpNet(work, start, rule, device)
