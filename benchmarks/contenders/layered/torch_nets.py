"""PyTorch: backprop by autograd, and DFA by hand without, the error entering at every block's output."""

from collections.abc import Callable

import numpy as np
import torch

from ...start import Start
from ...works import Work
from .modules import fill, images, net


class TorchNet:
    def __init__(self, work: Work, start: Start, rule: str, variant: str, device: str) -> None:
        self.place = torch.device("cuda" if device == "gpu" else "cpu")
        tf32 = work.precision == "tf32"
        torch.set_float32_matmul_precision("high" if tf32 else "highest")
        torch.backends.cudnn.allow_tf32 = tf32
        self.order_in_memory = torch.channels_last if "channels last" in variant else torch.contiguous_format
        x, (y, order) = images(work, start), (torch.from_numpy(a) for a in (start.y, start.order))
        self.x = x.to(self.place).contiguous(memory_format=self.order_in_memory)
        self.y, self.order = y.to(self.place), order.to(self.place)
        self.model = net(work).to(self.place, self.x.dtype)
        self.matrices = fill(self.model, start)
        self.model.to(memory_format=self.order_in_memory)
        self.feedback = [torch.from_numpy(B).to(self.place) for B in start.feedback]
        self.done, self.size, self.lr = 0, work.batch, start.lr
        self.optimizer = torch.optim.SGD(self.model.parameters(), start.lr, foreach=False)
        self.learn: Callable = self._dfa if rule == "dfa" else self._bp
        self.run = self.model
        if "compiled" in variant and rule == "bp":
            self.run = torch.compile(self.model, mode="reduce-overhead")
        elif "compiled" in variant:
            self.learn = torch.compile(self.learn, mode="reduce-overhead")

    def step(self) -> None:
        first = self.done % (len(self.order) // self.size) * self.size
        index = self.order[first : first + self.size]
        self.learn(self.x[index].contiguous(memory_format=self.order_in_memory), self.y[index])
        self.done += 1

    def _bp(self, x: torch.Tensor, y: torch.Tensor) -> None:
        self.optimizer.zero_grad(set_to_none=True)
        torch.nn.functional.cross_entropy(self.run(x), y).backward()
        self.optimizer.step()

    @torch.no_grad()
    def _dfa(self, x: torch.Tensor, y: torch.Tensor) -> None:
        kept, shapes = [], []
        for block in self.model:
            x, needed = block.up(x)
            kept.append(needed)
            shapes.append(x.shape)
        e = torch.softmax(x, 1)
        e = (e - torch.nn.functional.one_hot(y, e.shape[1])) / len(e)
        self.model[-1].down(e, kept[-1], self.lr, False)
        for i, B in enumerate(self.feedback):
            error = (e @ B.t()).view(shapes[i])
            if error.ndim > 2:
                error = error.contiguous(memory_format=self.order_in_memory)
            self.model[i].down(error, kept[i], self.lr, False)

    def synchronize(self) -> None:
        if self.place.type == "cuda":
            torch.cuda.synchronize()

    def weights(self) -> list[np.ndarray]:
        return [layer.weight.detach().cpu().numpy().copy() for layer in self.matrices]


def make(work: Work, start: Start, rule: str, variant: str, device: str) -> TorchNet:
    return TorchNet(work, start, rule, variant, device)
