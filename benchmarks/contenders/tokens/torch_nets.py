"""PyTorch: backprop by autograd, with scaled_dot_product_attention, and DFA, the error entering at every block's output
and going down inside it by autograd."""

from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import nn
from torch.nn import functional as F

from gpufa.layers import Act, Attention, Dense, Embed, LayerNorm, Positions, Residual, block
from gpufa.layers.chain import Chain
from gpufa.layers.protocol.terms import Shape

from ...start import Start
from ...works import Work
from ..intorch import InTorch
from .shared import ends_of, shapes_of


class Attending(nn.Module):
    def __init__(self, d: int, heads: int, causal: bool) -> None:
        super().__init__()
        self.made, self.taken, self.heads, self.causal = nn.Linear(d, 3 * d), nn.Linear(d, d), heads, causal

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        m, length, d = x.shape
        q, k, v = self.made(x).view(m, length, 3, self.heads, -1).permute(2, 0, 3, 1, 4)
        mixed = F.scaled_dot_product_attention(q, k, v, is_causal=self.causal)
        return self.taken(mixed.transpose(1, 2).reshape(m, length, d))


class Placed(nn.Module):
    def __init__(self, length: int, d: int) -> None:
        super().__init__()
        self.vectors = nn.Parameter(torch.zeros(length, d))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x + self.vectors


class Skip(nn.Sequential):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x + super().forward(x)


class TorchNet(InTorch):
    def __init__(self, work: Work, start: Start, rule: str, variant: str, device: str) -> None:
        torch.set_float32_matmul_precision("high" if work.precision == "tf32" else "highest")
        super().__init__(work, start, device, torch.from_numpy(start.x.astype("int64")))
        self.matrices: list[Any] = []
        blocks = [block(word) for word in work.layers[1:]]
        modules = [self._made(*given, start) for given in zip(blocks, shapes_of(work), ends_of(work), strict=True)]
        kind = torch.float64 if work.dtype == "float64" else torch.float32
        self.model = nn.Sequential(*modules).to(self.place, kind)
        self.feedback = [self.placed(B).to(kind) for B in start.feedback]
        self.optimizer = torch.optim.SGD(self.model.parameters(), start.lr, foreach=False)
        self.learns: Callable = self._dfa if rule == "dfa" else self._bp
        compiled = "compiled" in variant
        self.run = torch.compile(self.model, mode="reduce-overhead") if compiled and rule == "bp" else self.model
        self.blocks = [torch.compile(one) for one in self.model] if compiled and rule == "dfa" else list(self.model)

    def _made(self, layer: Any, shape: Shape, ends: Iterator[str], start: Start) -> nn.Module:
        """The module of a layer with its weights of the start."""
        if isinstance(layer, Chain):
            inner = []
            for one in layer.layers:
                inner.append(self._made(one, shape, ends, start))
                shape = one.out(shape)
            return (Skip if isinstance(layer, Residual) else nn.Sequential)(*inner)
        if isinstance(layer, Act):
            return {"gelu": nn.GELU, "relu": nn.ReLU}[layer.name]()
        end, given = next(ends), start.parameters
        own = {name: torch.from_numpy(given[name + end].copy()) for name in layer.parameters(shape)}
        match layer:
            case Embed(n=n):
                made, names = nn.Embedding(shape.of, n), {"W": "weight"}
            case Positions():
                made, names = Placed(shape[1], shape[0]), {"P": "vectors"}
                own["P"] = own["P"].view(shape).t()
            case LayerNorm():
                made, names = nn.LayerNorm(shape[0], layer.eps), {"g": "weight", "b": "bias"}
            case Attention(heads=heads, causal=causal):
                made = Attending(shape[0], heads, causal)
                names = {"W": "made.weight", "b": "made.bias", "U": "taken.weight", "c": "taken.bias"}
            case Dense(n=n):
                made, names = nn.Linear(shape[0], n), {"W": "weight", "b": "bias"}
            case _:
                raise NotImplementedError(f"no module of '{layer}'")
        made.load_state_dict({names[name]: array for name, array in own.items()})
        if "W" in own:
            self.matrices.append(made.made if isinstance(layer, Attention) else made)
        return made

    def learn(self, index: torch.Tensor) -> None:
        self.optimizer.zero_grad(set_to_none=True)
        self.learns(self.x[index], self.y[index])
        self.optimizer.step()

    def _bp(self, x: torch.Tensor, y: torch.Tensor) -> None:
        F.cross_entropy(self.run(x).flatten(0, 1), y.flatten()).backward()

    def _dfa(self, x: torch.Tensor, y: torch.Tensor) -> None:
        made = []
        for one in self.blocks:
            made.append(one(x if x.dtype == torch.int64 else x.detach()))
            x = made[-1]
        e = torch.softmax(x.detach(), 2)
        e = (e - F.one_hot(y, e.shape[2])) / y.numel()
        torch.autograd.backward(made, [*(e @ B.t() for B in self.feedback), e])


def make(work: Work, start: Start, rule: str, variant: str, device: str) -> TorchNet:
    return TorchNet(work, start, rule, variant, device)
