"""Modules of torch.nn as layers: a row for each kind."""

from typing import Any

from torch import nn

from ...basics.errors import InvalidValue, warn
from ...functions.activations.kinked import SLOPE
from ...layers import (
    Act,
    BatchNorm,
    Conv1d,
    Conv2d,
    Dense,
    Dropout,
    Flatten,
    GlobalMean,
    LayerNorm,
    MaxPool,
    MeanPool,
)
from ...layers.protocol.terms import Shape
from .row import Read, Reader, numbers, only, simplest

SURE = 20.0  # PyTorch's own; log(1 + exp(a)) - a is 2e-9 there


def _linear(module: nn.Linear, called: str, shape: Shape) -> Read:
    if len(shape) > 1:
        raise InvalidValue(
            f"{called} sees {shape}, and in PyTorch goes along the last axis alone; put an nn.Flatten in front of it"
        )
    arrays = numbers(module, W="weight", b="bias")
    if "b" not in arrays:
        warn(f"{called} has no bias, and gpufa's dense layers have one: it starts from zero, and is trained")
    return Read((Dense(module.out_features),), (arrays,))


def _conv(kind: type[Conv2d] | type[Conv1d]) -> Reader:
    def read(module: Any, called: str, shape: Shape) -> Read:
        only(module, called, padding_mode="zeros")
        layer = kind(
            module.out_channels,
            simplest(module.kernel_size),
            stride=simplest(module.stride),
            pad=simplest(module.padding),
            dilation=simplest(module.dilation),
            groups=module.groups,
            bias=module.bias is not None,
        )
        return Read((layer,), (numbers(module, W="weight", b="bias"),))

    return read


def _max_pool(module: Any, called: str, shape: Shape) -> Read:
    only(module, called, padding=(0, (0,), (0, 0)), dilation=(1, (1,), (1, 1)), ceil_mode=False, return_indices=False)
    return Read((MaxPool(simplest(module.kernel_size), simplest(module.stride)),))


def _mean_pool(module: Any, called: str, shape: Shape) -> Read:
    only(module, called, padding=(0, (0,), (0, 0)), ceil_mode=False)
    return Read((MeanPool(simplest(module.kernel_size), simplest(module.stride)),))


def _mean_pool_2d(module: Any, called: str, shape: Shape) -> Read:
    only(module, called, divisor_override=None)
    return _mean_pool(module, called, shape)


def _global_mean(module: Any, called: str, shape: Shape) -> Read:
    only(module, called, output_size=(1, (1,), (1, 1)))
    return Read((GlobalMean(),))


def _batch_norm(module: Any, called: str, shape: Shape) -> Read:
    only(module, called, affine=True, track_running_stats=True)
    if module.momentum is None:
        raise InvalidValue(f"{called} has momentum = None, a mean over all steps; give it a number such as 0.1")
    arrays = numbers(module, g="weight", b="bias", mean="running_mean", variance="running_var")
    return Read((BatchNorm(eps=module.eps, momentum=module.momentum),), (arrays,))


def _layer_norm(module: Any, called: str, shape: Shape) -> Read:
    only(module, called, elementwise_affine=True)
    if tuple(module.normalized_shape) != shape:
        raise InvalidValue(
            f"{called} goes over {tuple(module.normalized_shape)} of {shape}, and gpufa's over all units of a sample;"
            f" make it with {shape}"
        )
    arrays = numbers(module, g="weight", b="bias")
    if "b" not in arrays:
        warn(f"{called} has no bias, and gpufa's layer norm has one: it starts from zero, and is trained")
    return Read((LayerNorm(eps=module.eps),), ({name: array.reshape(-1) for name, array in arrays.items()},))


def _flatten(module: Any, called: str, shape: Shape) -> Read:
    only(module, called, start_dim=1, end_dim=(-1, len(shape)))
    return Read((Flatten(),) if len(shape) > 1 else ())


def _dropout(module: Any, called: str, shape: Shape) -> Read:
    return Read((Dropout(module.p),) if module.p else ())


def act(name: str, **expected: Any) -> Reader:
    def read(module: Any, called: str, shape: Shape) -> Read:
        only(module, called, **expected)
        return Read((Act(name),))

    return read


def _hard(module: Any, called: str, shape: Shape) -> Read:
    only(module, called, max_val=1.0, min_val=(-1.0, 0.0))
    return Read((Act("hard_tanh" if module.min_val else "hard_logistic"),))


def _softplus(module: nn.Softplus, called: str, shape: Shape) -> Read:
    """Above a threshold PyTorch takes it for the identity, which changes no digit of float32 from SURE on."""
    only(module, called, beta=1.0)
    if module.threshold < SURE:
        raise InvalidValue(
            f"{called} has threshold = {module.threshold!r}, above which it is no softplus; make it with {SURE}"
        )
    return Read((Act("softplus"),))


ROWS: dict[type, Reader] = {
    nn.Linear: _linear,
    nn.Conv2d: _conv(Conv2d),
    nn.Conv1d: _conv(Conv1d),
    **dict.fromkeys((nn.MaxPool2d, nn.MaxPool1d), _max_pool),
    nn.AvgPool2d: _mean_pool_2d,
    nn.AvgPool1d: _mean_pool,
    **dict.fromkeys((nn.AdaptiveAvgPool2d, nn.AdaptiveAvgPool1d), _global_mean),
    **dict.fromkeys((nn.BatchNorm1d, nn.BatchNorm2d), _batch_norm),
    nn.LayerNorm: _layer_norm,
    nn.Flatten: _flatten,
    nn.Dropout: _dropout,
    nn.Identity: lambda module, called, shape: Read(),
    nn.Tanh: act("tanh"),
    nn.Sigmoid: act("logistic"),
    nn.ReLU: act("relu"),
    nn.LeakyReLU: act("leaky_relu", negative_slope=SLOPE),
    nn.ELU: act("elu", alpha=1.0),
    nn.GELU: act("gelu", approximate="none"),
    nn.SiLU: act("silu"),
    nn.Softplus: _softplus,
    nn.Hardtanh: _hard,
}
