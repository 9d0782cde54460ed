"""What nets of gpufa are made of that torch.nn has no module for."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class Inputs(nn.Module):
    """Raw samples, (n, ...), as in training, (n, features), of the type of the module: NaN becomes `value`, then
    (x - shift) * factor, then x times `matrix`, each where there is one."""

    def __init__(self, features: int, filled: bool = False, scaled: bool = False, whitened: bool = False):
        super().__init__()
        self.features = features
        self.register_buffer("own", torch.empty(0), persistent=False)
        sizes = {"value": (filled, (features,)), "shift": (scaled, (features,)), "factor": (scaled, (features,))}
        for name, (there, size) in sizes.items():
            self.register_buffer(name, torch.zeros(size, dtype=torch.float64) if there else None)
        self.register_buffer("matrix", torch.zeros(features, features) if whitened else None)

    def forward(self, x: Tensor) -> Tensor:
        small = x.dtype == torch.float32 or x.dtype.itemsize < 4
        x = x.flatten(1).to(torch.promote_types(self.own.dtype, torch.float32 if small else torch.float64))
        if self.value is not None:
            x = torch.where(x.isnan(), self.value, x)
        if self.shift is not None:
            x = (x - self.shift.to(x.dtype)) * self.factor.to(x.dtype)
        x = x.to(self.own.dtype)
        return x if self.matrix is None else x @ self.matrix


class Unscaled(nn.Module):
    """Outputs in the targets' own unit, in float64."""

    def __init__(self, outputs: int):
        super().__init__()
        self.register_buffer("shift", torch.zeros(outputs, dtype=torch.float64))
        self.register_buffer("factor", torch.ones(outputs, dtype=torch.float64))

    def forward(self, y: Tensor) -> Tensor:
        return y / self.factor + self.shift


class Mean(nn.ModuleList):
    """The mean of what several nets make of one input."""

    def __init__(self, *nets: nn.Module):
        super().__init__(nets)

    def forward(self, x: Tensor) -> Tensor:
        return torch.stack([net(x) for net in self]).mean(0)


class Residual(nn.ModuleList):
    """What a shortcut makes of x + what a chain makes of it."""

    def __init__(self, inner: nn.Module, shortcut: nn.Module):
        super().__init__((inner, shortcut))

    def forward(self, x: Tensor) -> Tensor:
        inner, shortcut = self
        return inner(x) + shortcut(x)


class Shortcut(nn.Module):
    """Every `stride`-th place of maps, (down, across), or units as they are, and `more` channels of zeros behind."""

    def __init__(self, more: int, stride: tuple[int, int] = (1, 1)):
        super().__init__()
        self.more, self.stride = more, stride

    def forward(self, x: Tensor) -> Tensor:
        if x.dim() == 4:
            x = x[:, :, :: self.stride[0], :: self.stride[1]]
        return F.pad(x, (*(0, 0) * (x.dim() - 2), 0, self.more))


class Local2d(nn.Module):
    """Filters of their own at every place of `grid`: weight is (filters, down, across, channels of a group, height,
    width), bias (filters, down, across); padding is (left, right, top, bottom)."""

    def __init__(
        self,
        channels: int,
        filters: int,
        kernel: tuple[int, int],
        grid: tuple[int, int],
        stride: tuple[int, int] = (1, 1),
        padding: tuple[int, int, int, int] = (0, 0, 0, 0),
        dilation: tuple[int, int] = (1, 1),
        groups: int = 1,
        bias: bool = True,
    ):
        super().__init__()
        self.kernel, self.stride, self.padding, self.dilation = kernel, stride, padding, dilation
        self.groups = groups
        self.weight = nn.Parameter(torch.zeros(filters, *grid, channels // groups, *kernel))
        self.bias = nn.Parameter(torch.zeros(filters, *grid)) if bias else None

    def forward(self, x: Tensor) -> Tensor:
        seen = F.unfold(F.pad(x, self.padding), self.kernel, self.dilation, 0, self.stride)
        weight = self.weight.flatten(3).flatten(1, 2).unflatten(0, (self.groups, -1))
        a = torch.einsum("ngkp,gfpk->ngfp", seen.unflatten(1, (self.groups, -1)), weight)
        a = a.flatten(1, 2).unflatten(2, self.weight.shape[1:3])
        return a if self.bias is None else a + self.bias


class Embed(nn.Module):
    """Rows of weight, (tokens, features), for numbers of tokens, (n, tokens of a sample): (n, features, tokens)."""

    def __init__(self, tokens: int, features: int):
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(tokens, features))

    def forward(self, x: Tensor) -> Tensor:
        return F.embedding(x.long(), self.weight).transpose(1, 2)


class Positions(nn.Module):
    """Adds a vector to each token, by its place."""

    def __init__(self, features: int, tokens: int):
        super().__init__()
        self.vectors = nn.Parameter(torch.zeros(features, tokens))

    def forward(self, x: Tensor) -> Tensor:
        return x + self.vectors


class TokenNorm(nn.LayerNorm):
    """Over the features of each token, (n, features, tokens)."""

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x.transpose(1, 2)).transpose(1, 2)


class Attention(nn.Module):
    """Attention over tokens, (n, features, tokens): `made` makes queries, keys and values, `taken` what goes on."""

    def __init__(self, features: int, heads: int, causal: bool = False, bias: bool = True):
        super().__init__()
        self.heads, self.causal = heads, causal
        self.made = nn.Parameter(torch.zeros(3 * features, features))
        self.taken = nn.Parameter(torch.zeros(features, features))
        self.made_bias = nn.Parameter(torch.zeros(3 * features)) if bias else None
        self.taken_bias = nn.Parameter(torch.zeros(features)) if bias else None

    def forward(self, x: Tensor) -> Tensor:
        made = F.linear(x.transpose(1, 2), self.made, self.made_bias)
        q, k, v = made.unflatten(2, (3, self.heads, -1)).permute(2, 0, 3, 1, 4)
        mixed = F.scaled_dot_product_attention(q, k, v, is_causal=self.causal)
        return F.linear(mixed.transpose(1, 2).flatten(2), self.taken, self.taken_bias).transpose(1, 2)


class Recurrent(nn.ModuleList):
    """An RNN, GRU or LSTM along time, (n, channels, time): what it is behind the last step, (n, units), or behind
    `every` step, (n, units, time)."""

    def __init__(self, layer: nn.RNNBase, every: bool = False):
        super().__init__((layer,))
        self.every = every

    def forward(self, x: Tensor) -> Tensor:
        h = self[0](x.transpose(1, 2))[0]
        return h.transpose(1, 2) if self.every else h[:, -1]


class Turn(nn.Module):
    """(n, a, b), or of images of one channel (n, 1, a, b), as (n, b, a)."""

    def forward(self, x: Tensor) -> Tensor:
        return (x.squeeze(1) if x.dim() == 4 else x).transpose(1, 2)


class ScaledTanh(nn.Module):
    """steep * tanh(flat * a)."""

    def __init__(self, steep: float, flat: float):
        super().__init__()
        self.steep, self.flat = steep, flat

    def forward(self, a: Tensor) -> Tensor:
        return self.steep * torch.tanh(self.flat * a)


class Sign(nn.Module):
    """-1, 0 or 1."""

    def forward(self, a: Tensor) -> Tensor:
        return torch.sign(a)


class Step(nn.Module):
    """1 above 0, else 0."""

    def forward(self, a: Tensor) -> Tensor:
        return (a > 0).to(a.dtype)
