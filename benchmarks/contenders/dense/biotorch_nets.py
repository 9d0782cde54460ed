"""BioTorch's DFA, from a checkout that --biotorch names: hooks on PyTorch's autograd."""

from collections import OrderedDict

import torch
from biotorch.module.biomodule import BioModule

from ...start import Start
from ...works import Work
from ..intorch import InTorch


class BioTorchNet(InTorch):
    def __init__(self, work: Work, start: Start, device: str) -> None:
        if work.replicas > 1 or work.optimizer != "sgd":
            raise NotImplementedError("not written for this work")
        super().__init__(work, start, device, torch.from_numpy(start.x))
        layers: OrderedDict[str, torch.nn.Module] = OrderedDict()
        for k, w in enumerate(start.weights, start=1):
            layers[f"linear{k}"] = torch.nn.Linear(w.shape[1], w.shape[0])
            if k < len(start.weights):
                layers[f"tanh{k}"] = torch.nn.Tanh()
        self.model = BioModule(torch.nn.Sequential(layers), mode="dfa", output_dim=work.sizes[-1]).to(self.place)
        self.matrices = [m for m in self.model.modules() if hasattr(m, "weight_backward")]
        for k, (layer, w, b) in enumerate(zip(self.matrices, start.weights, start.biases, strict=True)):
            layer.weight.data, layer.bias.data = self.placed(w), self.placed(b)
            if k:
                layer.weight_backward.data = self.placed(start.feedback[k - 1].T)
        self.loss = torch.nn.CrossEntropyLoss()
        trained = [p for p in self.model.parameters() if p.requires_grad]
        self.optimizer = torch.optim.SGD(trained, start.lr)

    def learn(self, index: torch.Tensor) -> None:
        x, y = self.x[index], self.y[index]
        self.optimizer.zero_grad()
        self.loss(self.model(x, targets=y, loss_function=self.loss), y).backward()
        self.optimizer.step()


def make(work: Work, start: Start, rule: str, variant: str, device: str) -> BioTorchNet:
    return BioTorchNet(work, start, device)
