"""PyTorch as its users write it: backprop by autograd with each form of its optimizers, and DFA by hand without."""

from collections.abc import Callable

import torch

from ...start import Start
from ...works import Work
from ..intorch import InTorch

OPTIMIZERS = {
    "sgd": lambda p, lr, **kw: torch.optim.SGD(p, lr, **kw),
    "rmsprop": lambda p, lr, **kw: torch.optim.RMSprop(p, lr, alpha=0.99, **kw),
    "adam": lambda p, lr, **kw: torch.optim.Adam(p, lr, **kw),
}


class TorchNet(InTorch):
    def __init__(self, work: Work, start: Start, rule: str, variant: str, device: str) -> None:
        unknown = (rule == "dfa" and work.optimizer != "sgd") or (variant == "fused" and work.optimizer == "rmsprop")
        if work.replicas > 1 or unknown:
            raise NotImplementedError("not written for this work")
        torch.set_float32_matmul_precision("high" if work.precision == "tf32" else "highest")
        super().__init__(work, start, device, torch.from_numpy(start.x))
        layers: list[torch.nn.Module] = []
        for w, b in zip(start.weights, start.biases, strict=True):
            linear = torch.nn.Linear(w.shape[1], w.shape[0], device=self.place)
            linear.weight.data, linear.bias.data = self.placed(w), self.placed(b)
            layers += [linear, torch.nn.Tanh()]
        self.matrices = layers[::2]
        self.feedback = [self.placed(B) for B in start.feedback]
        options = {"foreach": {"foreach": True}, "fused": {"fused": True}}.get(variant, {"foreach": False})
        learn: Callable
        if rule == "dfa":
            learn = self._dfa
        else:
            self.model = torch.nn.Sequential(*layers[:-1])
            self.optimizer = OPTIMIZERS[work.optimizer](self.model.parameters(), start.lr, **options)
            learn = self._bp
        if variant == "compiled" and rule == "bp":
            self.model = torch.compile(self.model, mode="reduce-overhead")
        elif variant == "compiled":
            learn = torch.compile(learn, mode="reduce-overhead")
        self.taught = learn

    def learn(self, index: torch.Tensor) -> None:
        self.taught(self.x[index], self.y[index])

    def _bp(self, x: torch.Tensor, y: torch.Tensor) -> None:
        self.optimizer.zero_grad(set_to_none=True)
        torch.nn.functional.cross_entropy(self.model(x), y).backward()
        self.optimizer.step()

    @torch.no_grad()
    def _dfa(self, x: torch.Tensor, y: torch.Tensor) -> None:
        h = [x]
        for layer in self.matrices[:-1]:
            h.append(torch.tanh(torch.addmm(layer.bias, h[-1], layer.weight.t())))
        last = self.matrices[-1]
        e = torch.softmax(torch.addmm(last.bias, h[-1], last.weight.t()), 1)
        e = e - torch.nn.functional.one_hot(y, e.shape[1])
        rate = -self.lr / len(x)
        for layer, below, own, B in zip(self.matrices, h, [*h[1:], None], [*self.feedback, None], strict=True):
            delta = e if B is None else (e @ B.t()) * (1 - own * own)
            layer.weight.addmm_(delta.t(), below, alpha=rate)
            layer.bias.add_(delta.sum(0), alpha=rate)


def make(work: Work, start: Start, rule: str, variant: str, device: str) -> TorchNet:
    return TorchNet(work, start, rule, variant, device)
