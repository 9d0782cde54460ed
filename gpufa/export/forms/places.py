"""Layers that look at places in PyTorch and ONNX: maps are (n, channels, height, width), or (n, channels, time)."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from ...backends.operations.places import Windows
from ...layers.maps.conv import Conv1d, Conv2d
from ...layers.maps.local import Local2d
from ...layers.maps.places import sides
from ...layers.maps.pool import GlobalMean, MaxPool, MeanPool
from ...layers.residual import Shortcut
from ..calls import Call
from ..graph import Graph
from ..steps import Step
from .row import Form


def _axes(step: Step) -> int:
    return len(step.shape) - 1


def _sizes(step: Step, pair: tuple[int, int]) -> Any:
    """Down and across as PyTorch takes them: along one axis a number."""
    return pair if _axes(step) == 2 else pair[0]


def _named(name: str, step: Step) -> str:
    return f"nn.{name}{_axes(step)}d"


def _pads(step: Step, windows: Windows) -> tuple[int, ...]:
    """Zeros as PyTorch counts them: left, right, up, down."""
    down, across = windows.pad
    return (*across, *down) if _axes(step) == 2 else down


def _attributes(step: Step, windows: Windows) -> dict[str, Any]:
    """The windows as ONNX has them: pads are up, left, down, right."""
    n = _axes(step)
    named = {"kernel_shape": windows.kernel, "strides": windows.stride, "dilations": windows.dilation}
    before, after = zip(*windows.pad[:n], strict=True)
    return {**{name: list(pair[:n]) for name, pair in named.items()}, "pads": [*before, *after]}


def _convolution(step: Step) -> tuple[Call, ...]:
    """Where zeros differ from one side to the other, they are a module of their own."""
    layer, windows, W = step.what, step.what.windows(step.shape), step.arrays["W"]
    even = all(before == after for before, after in windows.pad)
    options: dict[str, Any] = {
        "stride": _sizes(step, windows.stride),
        "padding": _sizes(step, (windows.pad[0][0], windows.pad[1][0])) if even else 0,
        "dilation": _sizes(step, windows.dilation),
        "groups": layer.groups,
        "bias": layer.bias,
    }
    state = {"weight": W, **({"bias": step.arrays["b"]} if layer.bias else {})}
    given = step.shape[0], layer.n, _sizes(step, windows.kernel)
    zeros = () if even else (Call(_named("ZeroPad", step), (_pads(step, windows),)),)
    return (*zeros, Call(_named("Conv", step), given, options, state))


def _conv(graph: Graph, step: Step, x: str) -> str:
    windows = step.what.windows(step.shape)
    arrays = (graph.floats(step.arrays[name]) for name in "Wb" if name in step.arrays)
    return graph.node("Conv", x, *arrays, group=step.what.groups, **_attributes(step, windows))


def _local(step: Step) -> tuple[Call, ...]:
    layer, windows, W = step.what, step.what.windows(step.shape), step.arrays["W"]
    options = {
        "stride": windows.stride,
        "padding": _pads(step, windows),
        "dilation": windows.dilation,
        "groups": layer.groups,
        "bias": layer.bias,
    }
    state = {"weight": W, **({"bias": step.arrays["b"].reshape(W.shape[:3])} if layer.bias else {})}
    return (Call("Local2d", (step.shape[0], layer.n, windows.kernel, windows.grid), options, state),)


def _untied(graph: Graph, step: Step, x: str) -> str:
    """ONNX has no such layer: a convolution by kernels of a single 1 lays out what each window sees, and each place has
    a product of its own."""
    layer, windows, W = step.what, step.what.windows(step.shape), step.arrays["W"]
    channels, groups, places = step.shape[0], layer.groups, W.shape[1] * W.shape[2]
    taps = windows.kernel[0] * windows.kernel[1]
    ones = np.tile(np.eye(taps), (channels, 1)).reshape(-1, 1, *windows.kernel)
    seen = graph.node("Conv", x, graph.floats(ones), group=channels, **_attributes(step, windows))
    seen = graph.node("Reshape", seen, np.array([0, groups, -1, places]))
    seen = graph.node("Transpose", seen, perm=[1, 3, 0, 2])
    own = W.reshape(groups, layer.n // groups, places, -1).transpose(0, 2, 3, 1)
    a = graph.node("Transpose", graph.node("MatMul", seen, graph.floats(own)), perm=[2, 0, 3, 1])
    a = graph.node("Reshape", a, np.array([0, *W.shape[:3]]))
    return graph.node("Add", a, graph.floats(step.arrays["b"].reshape(W.shape[:3]))) if layer.bias else a


def _pool(name: str) -> Any:
    def torch(step: Step) -> tuple[Call, ...]:
        windows = step.what.windows(step.shape)
        return (Call(_named(name, step), (_sizes(step, windows.kernel), _sizes(step, windows.stride))),)

    return torch


def _pooled(op: str) -> Any:
    def onnx(graph: Graph, step: Step, x: str) -> str:
        n, windows = _axes(step), step.what.windows(step.shape)
        return graph.node(op, x, kernel_shape=list(windows.kernel[:n]), strides=list(windows.stride[:n]))

    return onnx


def _global_mean(step: Step) -> tuple[Call, ...]:
    return Call(_named("AdaptiveAvgPool", step), (1,)), Call("nn.Flatten")


def _global_average(graph: Graph, step: Step, x: str) -> str:
    return graph.node("Flatten", graph.node("GlobalAveragePool", x), axis=1)


def _shortcut(step: Step) -> tuple[Call, ...]:
    return (Call("Shortcut", (step.what.n - step.shape[0], sides(step.what.stride))),)


def _sliced(graph: Graph, step: Step, x: str) -> str:
    more, n = step.what.n - step.shape[0], len(step.shape)
    if step.what.stride != 1:
        every, (height, width) = np.array(sides(step.what.stride)), step.shape[1:]
        x = graph.node("Slice", x, np.array([0, 0]), np.array([height, width]), np.array([2, 3]), every)
    return graph.node("Pad", x, np.array([0] * (n + 1) + [0, more] + [0] * (n - 1))) if more else x


ROWS: Mapping[type, Form] = {
    Conv2d: Form(_convolution, _conv),
    Conv1d: Form(_convolution, _conv),
    Local2d: Form(_local, _untied),
    MaxPool: Form(_pool("MaxPool"), _pooled("MaxPool")),
    MeanPool: Form(_pool("AvgPool"), _pooled("AveragePool")),
    GlobalMean: Form(_global_mean, _global_average),
    Shortcut: Form(_shortcut, _sliced),
}
