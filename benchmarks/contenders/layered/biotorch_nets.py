"""BioTorch's FA and DFA of maps, from a checkout that --biotorch names. Its FA has our feedback; its DFA, which has
feedback of another shape, its own."""

import numpy as np
import torch
from biotorch.module.biomodule import BioModule

from ...start import Start
from ...works import Work
from .modules import fill, images, net


class BioTorchNet:
    def __init__(self, work: Work, start: Start, rule: str, device: str) -> None:
        place = torch.device("cuda" if device == "gpu" else "cpu")
        x, (y, order) = images(work, start), (torch.from_numpy(a) for a in (start.y, start.order))
        self.x, self.y, self.order = x.to(place), y.to(place), order.to(place)
        outputs = len(start.biases[-1])
        self.model = BioModule(net(work), mode=rule, output_dim=outputs).to(place, x.dtype)
        self.matrices = fill(self.model, start)
        names = [name for name in start.parameters if name[0] == "W"]
        for name, layer in zip(names, self.matrices, strict=True):
            B = start.carriers["fa"].get(_carrier(name)) if rule == "fa" else None
            if B is not None:
                layer.weight_backward.data = torch.from_numpy(B.copy() if B.ndim > 2 else B.T.copy()).to(place)
        self.loss, self.place, self.direct = torch.nn.CrossEntropyLoss(), place, rule == "dfa"
        trained = [p for p in self.model.parameters() if p.requires_grad]
        self.optimizer = torch.optim.SGD(trained, start.lr)
        self.done, self.size = 0, work.batch

    def step(self) -> None:
        first = self.done % (len(self.order) // self.size) * self.size
        index = self.order[first : first + self.size]
        x, y = self.x[index], self.y[index]
        self.optimizer.zero_grad()
        a = self.model(x, targets=y, loss_function=self.loss) if self.direct else self.model(x)
        self.loss(a, y).backward()
        self.optimizer.step()
        self.done += 1

    def synchronize(self) -> None:
        if self.place.type == "cuda":
            torch.cuda.synchronize()

    def weights(self) -> list[np.ndarray]:
        return [layer.weight.detach().cpu().numpy() for layer in self.matrices]


def _carrier(name: str) -> str:
    """What stands in for the matrix of that name: "B1.2" for "W2.2"."""
    block, *rest = name[1:].split(".")
    return ".".join([f"B{int(block) - 1}", *rest])


def make(work: Work, start: Start, rule: str, variant: str, device: str) -> BioTorchNet:
    return BioTorchNet(work, start, rule, device)
