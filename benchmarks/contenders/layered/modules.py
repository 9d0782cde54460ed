"""gpufa's words as PyTorch's modules, and the start that all share put into them."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from gpufa.layers import Act, BatchNorm, Conv2d, Dense, GlobalMean, MaxPool, Residual, Shortcut, block
from gpufa.layers.chain import Chain
from gpufa.layers.maps.places import sides
from gpufa.layers.protocol.terms import Shape
from gpufa.layers.words import inputs

from ...start import Start
from ...works import Work
from .byhand import Block, Convolution, Flat, Linear, Mean, Norm, Padded, Pool, Relu, Same, Skip, Tanh


def _convolution(layer: Conv2d, shape: Shape) -> torch.nn.Module:
    windows = layer.windows(shape)
    (top, bottom), (left, right) = windows.pad
    if (top, left) != (bottom, right):
        raise NotImplementedError("zeros that are more on one side")
    how = windows.kernel, windows.stride, (top, left), windows.dilation, layer.groups, layer.bias
    return Convolution(shape[0], layer.n, *how)


def _skip(layer: Residual, shape: Shape) -> torch.nn.Module:
    return Skip(_chain(layer, shape), Same() if layer.shortcut is None else module(layer.shortcut, shape))


def _chain(layer: Chain, shape: Shape) -> Block:
    made = []
    for one in layer.layers:
        made.append(module(one, shape))
        shape = one.out(shape)
    return Block(*made)


def _dense(layer: Dense, shape: Shape) -> torch.nn.Module:
    linear = Linear(math.prod(shape), layer.n)
    return linear if len(shape) == 1 else Block(Flat(), linear)


MODULES: dict[type, Callable[..., torch.nn.Module]] = {
    Conv2d: _convolution,
    Dense: _dense,
    BatchNorm: lambda layer, shape: Norm(shape[0], layer.eps, layer.momentum),
    MaxPool: lambda layer, shape: Pool(sides(layer.size), sides(layer.stride or layer.size)),
    GlobalMean: lambda layer, shape: Mean(),
    Act: lambda layer, shape: {"relu": Relu, "tanh": Tanh}[layer.name](),
    Shortcut: lambda layer, shape: Padded(layer.n - shape[0], layer.stride),
    Residual: _skip,
    Chain: _chain,
}


def module(layer: Any, shape: Shape) -> torch.nn.Module:
    """A layer on inputs of that shape."""
    return MODULES[type(layer)](layer, shape)


def net(work: Work) -> torch.nn.Sequential:
    """Its blocks."""
    shape, made = inputs(work.layers[0]), []
    assert shape
    for word in work.layers[1:]:
        made.append(module(block(word), shape))
        shape = block(word).out(shape)
    return torch.nn.Sequential(*made)


def images(work: Work, start: Start) -> torch.Tensor:
    """The inputs as maps."""
    shape = inputs(work.layers[0])
    assert shape
    return torch.from_numpy(start.x).view(-1, *shape)


def fill(model: torch.nn.Module, start: Start) -> list[torch.nn.Module]:
    """Let it begin as all do; returns its layers that have matrices or kernels, in the order of these."""
    W, g, b = (iter([p for name, p in start.parameters.items() if name[0] == kind]) for kind in "Wgb")
    found = []
    for part in model.modules():
        own = dict(part.named_parameters(recurse=False))
        if "weight" in own:
            matrix = own["weight"].ndim > 1
            _put(own["weight"], next(W if matrix else g))
            found += [part] if matrix else []
        if "bias" in own:
            _put(own["bias"], next(b))
    return found


def _put(parameter: torch.nn.Parameter, value: np.ndarray) -> None:
    parameter.data.copy_(torch.from_numpy(value).view(parameter.shape))  # a kernel of whole maps is a matrix, too
