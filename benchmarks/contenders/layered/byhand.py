"""PyTorch's modules, each of which can also be gone up and down by hand, without autograd.

`up` returns what is above and what has to be kept for the way down; `down` moves the parameters against their gradients
by `rate`, and returns the error below where that is wanted.
"""

from typing import Any

import torch
from torch.nn import functional as F

aten = torch.ops.aten
Tensor = torch.Tensor


class Convolution(torch.nn.Conv2d):
    def up(self, x: Tensor) -> tuple[Tensor, Any]:
        return self(x), x

    def down(self, error: Tensor, kept: Any, rate: float, below: bool) -> Tensor | None:
        sizes = None if self.bias is None else [self.out_channels]
        how = self.stride, self.padding, self.dilation, False, [0, 0], self.groups, [below, True, sizes is not None]
        down, W, b = aten.convolution_backward(error, kept, self.weight, sizes, *how)
        self.weight.add_(W, alpha=-rate)
        if self.bias is not None:
            self.bias.add_(b, alpha=-rate)
        return down


class Linear(torch.nn.Linear):
    def up(self, x: Tensor) -> tuple[Tensor, Any]:
        return self(x), x

    def down(self, error: Tensor, kept: Any, rate: float, below: bool) -> Tensor | None:
        down = error @ self.weight if below else None
        self.weight.addmm_(error.t(), kept, alpha=-rate)
        self.bias.add_(error.sum(0), alpha=-rate)
        return down


class Flat(torch.nn.Flatten):
    def up(self, x: Tensor) -> tuple[Tensor, Any]:
        return self(x), x.shape

    def down(self, error: Tensor, kept: Any, rate: float, below: bool) -> Tensor | None:
        return error.view(kept)


class Norm(torch.nn.BatchNorm2d):
    def up(self, x: Tensor) -> tuple[Tensor, Any]:
        running = self.running_mean, self.running_var
        y, mean, scale = aten.native_batch_norm(x, self.weight, self.bias, *running, True, self.momentum, self.eps)
        return y, (x, mean, scale)

    def down(self, error: Tensor, kept: Any, rate: float, below: bool) -> Tensor | None:
        x, mean, scale = kept
        own = self.weight, self.running_mean, self.running_var, mean, scale
        down, g, b = aten.native_batch_norm_backward(error, x, *own, True, self.eps, [True, True, True])
        self.weight.add_(g, alpha=-rate)
        self.bias.add_(b, alpha=-rate)
        return down


class Pool(torch.nn.MaxPool2d):
    def up(self, x: Tensor) -> tuple[Tensor, Any]:
        y, places = F.max_pool2d(x, self.kernel_size, self.stride, return_indices=True)
        return y, (x, places)

    def down(self, error: Tensor, kept: Any, rate: float, below: bool) -> Tensor | None:
        x, places = kept
        size = self.kernel_size, self.stride, (0, 0), (1, 1), False
        return aten.max_pool2d_with_indices_backward(error, x, *size, places)


class Mean(torch.nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x.mean((2, 3))

    def up(self, x: Tensor) -> tuple[Tensor, Any]:
        return self(x), x.shape

    def down(self, error: Tensor, kept: Any, rate: float, below: bool) -> Tensor | None:
        return (error / (kept[2] * kept[3]))[:, :, None, None].expand(kept)


class OfItsOutput(torch.nn.Module):
    """An activation whose slope is told by what it made."""

    def up(self, x: Tensor) -> tuple[Tensor, Any]:
        y = self(x)
        return y, y


class Relu(OfItsOutput, torch.nn.ReLU):
    def down(self, error: Tensor, kept: Any, rate: float, below: bool) -> Tensor | None:
        return aten.threshold_backward(error, kept, 0)


class Tanh(OfItsOutput, torch.nn.Tanh):
    def down(self, error: Tensor, kept: Any, rate: float, below: bool) -> Tensor | None:
        return aten.tanh_backward(error, kept)


class Block(torch.nn.Sequential):
    def up(self, x: Tensor) -> tuple[Tensor, Any]:
        every = []
        for layer in self:
            x, kept = layer.up(x)
            every.append(kept)
        return x, every

    def down(self, error: Tensor, kept: Any, rate: float, below: bool) -> Tensor | None:
        for i in reversed(range(len(self))):
            error = self[i].down(error, kept[i], rate, below or i > 0)
        return error


class Skip(torch.nn.Module):
    def __init__(self, inner: Block, beside: torch.nn.Module) -> None:
        super().__init__()
        self.inner, self.beside = inner, beside

    def forward(self, x: Tensor) -> Tensor:
        return self.inner(x) + self.beside(x)

    def up(self, x: Tensor) -> tuple[Tensor, Any]:
        (y, kept), (beside, its) = self.inner.up(x), self.beside.up(x)
        return y + beside, (kept, its)

    def down(self, error: Tensor, kept: Any, rate: float, below: bool) -> Tensor | None:
        own, its = (one.down(error, k, rate, below) for one, k in zip((self.inner, self.beside), kept, strict=True))
        return own + its if below else None


class Same(torch.nn.Identity):
    def up(self, x: Tensor) -> tuple[Tensor, Any]:
        return x, None

    def down(self, error: Tensor, kept: Any, rate: float, below: bool) -> Tensor | None:
        return error


class Padded(torch.nn.Module):
    """Every `stride`-th place, and behind these maps `channels` of zeros."""

    def __init__(self, channels: int, stride: int) -> None:
        super().__init__()
        self.channels, self.stride = channels, stride

    def forward(self, x: Tensor) -> Tensor:
        return F.pad(x[:, :, :: self.stride, :: self.stride], (0, 0, 0, 0, 0, self.channels))

    def up(self, x: Tensor) -> tuple[Tensor, Any]:
        return self(x), x

    def down(self, error: Tensor, kept: Any, rate: float, below: bool) -> Tensor | None:
        down = torch.zeros_like(kept)
        down[:, :, :: self.stride, :: self.stride] = error[:, : kept.shape[1]]
        return down
