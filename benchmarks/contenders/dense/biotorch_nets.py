"""BioTorch's DFA, from a checkout that --biotorch names: hooks on PyTorch's autograd."""

from collections import OrderedDict

import numpy as np
import torch
from biotorch.module.biomodule import BioModule

from ...start import Start
from ...works import Work


class BioTorchNet:
    def __init__(self, work: Work, start: Start, device: str) -> None:
        if work.replicas > 1 or work.optimizer != "sgd":
            raise NotImplementedError("not written for this work")
        place = torch.device("cuda" if device == "gpu" else "cpu")
        self.x, self.y, self.order = (torch.from_numpy(a).to(place) for a in (start.x, start.y, start.order))
        layers: OrderedDict[str, torch.nn.Module] = OrderedDict()
        for k, w in enumerate(start.weights, start=1):
            layers[f"linear{k}"] = torch.nn.Linear(w.shape[1], w.shape[0])
            if k < len(start.weights):
                layers[f"tanh{k}"] = torch.nn.Tanh()
        self.model = BioModule(torch.nn.Sequential(layers), mode="dfa", output_dim=work.sizes[-1]).to(place)
        self.linear = [m for m in self.model.modules() if hasattr(m, "weight_backward")]
        for k, (layer, w, b) in enumerate(zip(self.linear, start.weights, start.biases, strict=True)):
            layer.weight.data, layer.bias.data = (torch.from_numpy(a.copy()).to(place) for a in (w, b))
            if k:
                layer.weight_backward.data = torch.from_numpy(start.feedback[k - 1].T.copy()).to(place)
        self.loss, self.place = torch.nn.CrossEntropyLoss(), place
        trained = [p for p in self.model.parameters() if p.requires_grad]
        self.optimizer = torch.optim.SGD(trained, start.lr)
        self.done, self.size = 0, work.batch

    def step(self) -> None:
        first = self.done % (len(self.order) // self.size) * self.size
        index = self.order[first : first + self.size]
        x, y = self.x[index], self.y[index]
        self.optimizer.zero_grad()
        self.loss(self.model(x, targets=y, loss_function=self.loss), y).backward()
        self.optimizer.step()
        self.done += 1

    def synchronize(self) -> None:
        if self.place.type == "cuda":
            torch.cuda.synchronize()

    def weights(self) -> list[np.ndarray]:
        return [layer.weight.detach().cpu().numpy() for layer in self.linear]


def make(work: Work, start: Start, rule: str, variant: str, device: str) -> BioTorchNet:
    return BioTorchNet(work, start, device)
