"""Frenkel's own DFA and DRTP, from a checkout that --drtp names; the error enters before the pools."""

import torch
from models import NetworkBuilder

from gpufa.layers.words import inputs

from ...start import Start
from ...works import Work
from ..intorch import InTorch
from .modules import fill, images
from .topology import act_of, topology

MODES = {"dfa": "DFA", "drtp": "DRTP"}


class DrtpNet(InTorch):
    def __init__(self, work: Work, start: Start, rule: str, device: str) -> None:
        if not hasattr(torch.autograd.function.FunctionCtx, "saved_variables"):  # PyTorch's name for it then
            torch.autograd.function.FunctionCtx.saved_variables = property(lambda ctx: ctx.saved_tensors)
        super().__init__(work, start, device, images(work, start))
        shape, f = inputs(work.layers[0]), act_of(work)
        assert shape
        outputs = len(start.biases[-1])
        given = topology(work, shape), shape[1], shape[0], outputs, work.batch, MODES[rule], 0, f, f, "none", False
        self.model = NetworkBuilder(*given, "CE", self.place).to(self.place)
        self.matrices = fill(self.model, start)
        self.labels = torch.nn.functional.one_hot(self.y, outputs).float()
        trained = [p for p in self.model.parameters() if p.requires_grad]
        self.optimizer, self.loss = torch.optim.SGD(trained, start.lr), torch.nn.CrossEntropyLoss()

    def learn(self, index: torch.Tensor) -> None:
        x, y, labels = self.x[index].requires_grad_(), self.y[index], self.labels[index]  # as its own train.py has it
        self.optimizer.zero_grad()
        self.loss(self.model(x, labels), y).backward()
        self.optimizer.step()


def make(work: Work, start: Start, rule: str, variant: str, device: str) -> DrtpNet:
    return DrtpNet(work, start, rule, device)
