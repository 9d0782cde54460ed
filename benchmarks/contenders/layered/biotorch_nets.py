"""BioTorch's FA and DFA of maps, from a checkout that --biotorch names. Its FA has our feedback; its DFA, which has
feedback of another shape, its own."""

import torch
from biotorch.module.biomodule import BioModule

from ...start import Start
from ...works import Work
from ..intorch import InTorch
from .modules import fill, images, net


class BioTorchNet(InTorch):
    def __init__(self, work: Work, start: Start, rule: str, device: str) -> None:
        super().__init__(work, start, device, images(work, start))
        outputs = len(start.biases[-1])
        self.model = BioModule(net(work), mode=rule, output_dim=outputs).to(self.place, self.x.dtype)
        self.matrices = fill(self.model, start)
        names = [name for name in start.parameters if name[0] == "W"]
        for name, layer in zip(names, self.matrices, strict=True):
            B = start.carriers["fa"].get(_carrier(name)) if rule == "fa" else None
            if B is not None:
                layer.weight_backward.data = self.placed(B if B.ndim > 2 else B.T)
        self.loss, self.direct = torch.nn.CrossEntropyLoss(), rule == "dfa"
        trained = [p for p in self.model.parameters() if p.requires_grad]
        self.optimizer = torch.optim.SGD(trained, start.lr)

    def learn(self, index: torch.Tensor) -> None:
        x, y = self.x[index], self.y[index]
        self.optimizer.zero_grad()
        a = self.model(x, targets=y, loss_function=self.loss) if self.direct else self.model(x)
        self.loss(a, y).backward()
        self.optimizer.step()


def _carrier(name: str) -> str:
    """What stands in for the matrix of that name: "B1.2" for "W2.2"."""
    block, *rest = name[1:].split(".")
    return ".".join([f"B{int(block) - 1}", *rest])


def make(work: Work, start: Start, rule: str, variant: str, device: str) -> BioTorchNet:
    return BioTorchNet(work, start, rule, device)
