"""Layers of units in PyTorch and ONNX, and those that take units and maps alike."""

from collections.abc import Mapping
from typing import Any, NoReturn

import numpy as np

from ...basics.errors import InvalidValue
from ...layers.graph import Neighbours
from ...layers.maps.pool import Flatten
from ...layers.protocol.sequences import stepwise
from ...layers.units.dense import Dense
from ...layers.units.dropout import Dropout
from ...layers.units.norm import BatchNorm, LayerNorm
from ..calls import Call
from ..graph import Graph
from ..steps import Step
from . import tokens
from .row import Form, flat, flattened


def _linear(step: Step) -> tuple[Call, ...]:
    if stepwise(step.shape):
        return tokens.dense_at_each(step)
    W, b = step.arrays["W"], step.arrays["b"]
    return (*flat(step), Call("nn.Linear", W.shape[::-1], {}, {"weight": W, "bias": b}))


def _gemm(graph: Graph, step: Step, x: str) -> str:
    if stepwise(step.shape):
        return tokens.product_at_each(graph, step.arrays["W"], step.arrays["b"], x)
    W, b = (graph.floats(step.arrays[name]) for name in "Wb")
    return graph.node("Gemm", flattened(graph, step, x), W, b, transB=1)


def _batch_norm(step: Step) -> tuple[Call, ...]:
    g, b, mean, variance = (step.arrays[name] for name in ("g", "b", "mean", "variance"))
    kind = "nn.BatchNorm2d" if len(step.shape) == 3 else "nn.BatchNorm1d"
    state = {"weight": g, "bias": b, "running_mean": mean, "running_var": variance}
    counted = {"num_batches_tracked": np.array(0)}
    return (Call(kind, (len(g),), {"eps": step.what.eps, "momentum": step.what.momentum}, state | counted),)


def _batch_normalization(graph: Graph, step: Step, x: str) -> str:
    arrays = (graph.floats(step.arrays[name]) for name in ("g", "b", "mean", "variance"))
    return graph.node("BatchNormalization", x, *arrays, epsilon=step.what.eps)


def _layer_norm(step: Step) -> tuple[Call, ...]:
    if stepwise(step.shape):
        return tokens.norm_of_each(step)
    state = {"weight": step.arrays["g"].reshape(step.shape), "bias": step.arrays["b"].reshape(step.shape)}
    return (Call("nn.LayerNorm", (step.shape,), {"eps": step.what.eps}, state),)


def _layer_normalization(graph: Graph, step: Step, x: str) -> str:
    if stepwise(step.shape):
        return tokens.normalised_each(graph, step, x)
    g, b = (graph.floats(step.arrays[name].reshape(step.shape)) for name in "gb")
    return graph.node("LayerNormalization", x, g, b, axis=1, epsilon=step.what.eps)


def _dropout(step: Step) -> tuple[Call, ...]:
    return (Call("nn.Dropout", (float(step.what.p),)),)


def _nothing(graph: Graph, step: Step, x: str) -> str:
    return x


def _of_a_graph(*_: Any) -> NoReturn:
    raise InvalidValue(
        "a net that goes along the edges of a graph can't be exported: PyTorch modules and ONNX models of gpufa take"
        " samples that each stand alone; use gpufa predict"
    )


ROWS: Mapping[type, Form] = {
    Dense: Form(_linear, _gemm),
    BatchNorm: Form(_batch_norm, _batch_normalization),
    LayerNorm: Form(_layer_norm, _layer_normalization),
    Dropout: Form(_dropout, _nothing),
    Flatten: Form(flat, flattened),
    Neighbours: Form(_of_a_graph, _of_a_graph),
}
