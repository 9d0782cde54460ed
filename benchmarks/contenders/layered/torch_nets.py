"""PyTorch: backprop by autograd, and DFA by hand without, the error entering at every block's output."""

from collections.abc import Callable

import torch

from ...start import Start
from ...works import Work
from ..intorch import InTorch
from .modules import fill, images, net


class TorchNet(InTorch):
    def __init__(self, work: Work, start: Start, rule: str, variant: str, device: str) -> None:
        tf32 = work.precision == "tf32"
        torch.set_float32_matmul_precision("high" if tf32 else "highest")
        torch.backends.cudnn.allow_tf32 = tf32
        self.order_in_memory = torch.channels_last if "channels last" in variant else torch.contiguous_format
        super().__init__(work, start, device, images(work, start).contiguous(memory_format=self.order_in_memory))
        self.model = net(work).to(self.place, self.x.dtype)
        self.matrices = fill(self.model, start)
        self.model.to(memory_format=self.order_in_memory)
        self.feedback = [self.placed(B) for B in start.feedback]
        self.optimizer = torch.optim.SGD(self.model.parameters(), start.lr, foreach=False)
        self.taught: Callable = self._dfa if rule == "dfa" else self._bp
        self.run = self.model
        if "compiled" in variant and rule == "bp":
            self.run = torch.compile(self.model, mode="reduce-overhead")
        elif "compiled" in variant:
            self.taught = torch.compile(self.taught, mode="reduce-overhead")

    def learn(self, index: torch.Tensor) -> None:
        self.taught(self.x[index].contiguous(memory_format=self.order_in_memory), self.y[index])

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


def make(work: Work, start: Start, rule: str, variant: str, device: str) -> TorchNet:
    return TorchNet(work, start, rule, variant, device)
