"""PyTorch as its users write it: backprop by autograd with each form of its optimizers, and DFA by hand without."""

from collections.abc import Callable

import numpy as np
import torch

from ...start import Start
from ...works import Work

OPTIMIZERS = {
    "sgd": lambda p, lr, **kw: torch.optim.SGD(p, lr, **kw),
    "rmsprop": lambda p, lr, **kw: torch.optim.RMSprop(p, lr, alpha=0.99, **kw),
    "adam": lambda p, lr, **kw: torch.optim.Adam(p, lr, **kw),
}


class TorchNet:
    def __init__(self, work: Work, start: Start, rule: str, variant: str, device: str) -> None:
        unknown = (rule == "dfa" and work.optimizer != "sgd") or (variant == "fused" and work.optimizer == "rmsprop")
        if work.replicas > 1 or unknown:
            raise NotImplementedError("not written for this work")
        self.place = torch.device("cuda" if device == "gpu" else "cpu")
        torch.set_float32_matmul_precision("high" if work.precision == "tf32" else "highest")
        self.x, self.y, self.order = (torch.from_numpy(a).to(self.place) for a in (start.x, start.y, start.order))
        layers: list[torch.nn.Module] = []
        for w, b in zip(start.weights, start.biases, strict=True):
            linear = torch.nn.Linear(w.shape[1], w.shape[0], device=self.place)
            linear.weight.data, linear.bias.data = (torch.from_numpy(a.copy()).to(self.place) for a in (w, b))
            layers += [linear, torch.nn.Tanh()]
        self.linear = layers[::2]
        self.done, self.size, self.lr = 0, work.batch, start.lr
        self.feedback = [torch.from_numpy(b.copy()).to(self.place) for b in start.feedback]
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
        self.learn = learn

    def step(self) -> None:
        first = self.done % (len(self.order) // self.size) * self.size
        index = self.order[first : first + self.size]
        self.learn(self.x[index], self.y[index])
        self.done += 1

    def _bp(self, x: torch.Tensor, y: torch.Tensor) -> None:
        self.optimizer.zero_grad(set_to_none=True)
        torch.nn.functional.cross_entropy(self.model(x), y).backward()
        self.optimizer.step()

    @torch.no_grad()
    def _dfa(self, x: torch.Tensor, y: torch.Tensor) -> None:
        h = [x]
        for layer in self.linear[:-1]:
            h.append(torch.tanh(torch.addmm(layer.bias, h[-1], layer.weight.t())))
        last = self.linear[-1]
        e = torch.softmax(torch.addmm(last.bias, h[-1], last.weight.t()), 1)
        e = e - torch.nn.functional.one_hot(y, e.shape[1])
        rate = -self.lr / len(x)
        for layer, below, own, B in zip(self.linear, h, [*h[1:], None], [*self.feedback, None], strict=True):
            delta = e if B is None else (e @ B.t()) * (1 - own * own)
            layer.weight.addmm_(delta.t(), below, alpha=rate)
            layer.bias.add_(delta.sum(0), alpha=rate)

    def synchronize(self) -> None:
        if self.place.type == "cuda":
            torch.cuda.synchronize()

    def weights(self) -> list[np.ndarray]:
        return [layer.weight.detach().cpu().numpy() for layer in self.linear]


def make(work: Work, start: Start, rule: str, variant: str, device: str) -> TorchNet:
    return TorchNet(work, start, rule, variant, device)
