"""Recurrent layers in PyTorch and ONNX, whose own they equal where they leak nothing: channels x time is (n, channels,
time). Spiking layers, and what stands before and behind them, have no form so far."""

from collections.abc import Mapping
from typing import Any, NamedTuple, NoReturn

import numpy as np
from numpy.typing import NDArray

from ...basics.errors import InvalidValue
from ...layers.time.encode import Delta, Latency, Poisson
from ...layers.time.lowpass import Lowpass
from ...layers.time.recurrent import GRU, LSTM, Recurrent
from ...layers.time.spiking import ALIF, LIF
from ...layers.time.turn import Turn
from ..calls import Call
from ..graph import Graph
from ..steps import Step
from .row import Form

UNITS = {"tanh": "Tanh", "relu": "Relu"}  # of recurrent layers, by our names and ONNX's


class Gates(NamedTuple):
    """What a layer is called, and in which order of ours the blocks of rows of W, and those of U, stand in PyTorch and
    in ONNX."""

    torch: str
    onnx: str
    torch_W: tuple[int, ...]
    torch_U: tuple[int, ...]
    onnx_W: tuple[int, ...]
    onnx_U: tuple[int, ...]


GATES: Mapping[type, Gates] = {
    Recurrent: Gates("nn.RNN", "RNN", (0,), (0,), (0,), (0,)),
    GRU: Gates("nn.GRU", "GRU", (1, 2, 0), (0, 1, 2), (2, 1, 0), (1, 0, 2)),  # r z n, and z r n
    LSTM: Gates("nn.LSTM", "LSTM", (0, 1, 2, 3), (0, 1, 2, 3), (0, 3, 1, 2), (0, 3, 1, 2)),  # i f g o, and i o f g
}


def _ordered(step: Step, of_W: tuple[int, ...], of_U: tuple[int, ...]) -> tuple[NDArray, ...]:
    """W, U, and their biases, in that order of rows."""
    n, (W, U, b) = step.what.n, (step.arrays[name] for name in "WUb")
    c = np.zeros_like(b)
    c[len(c) - step.arrays.get("c", c[:0]).size :] = step.arrays.get("c", c[:0])

    def rows(a: NDArray, order: tuple[int, ...]) -> NDArray:
        return np.concatenate([a[i * n : (i + 1) * n] for i in order])

    return rows(W, of_W), rows(U, of_U), rows(b, of_W), rows(c, of_U)


def _check(step: Step) -> None:
    layer = step.what
    if isinstance(layer, Recurrent) and (layer.leaky != 1 or layer.f not in UNITS):
        raise InvalidValue(
            f"layer '{layer}' can't be exported so far: PyTorch and ONNX have recurrent layers of"
            f" {' and '.join(UNITS)} units that leak nothing"
        )


def _module(step: Step) -> tuple[Call, ...]:
    _check(step)
    layer, gates = step.what, GATES[type(step.what)]
    arrays = _ordered(step, gates.torch_W, gates.torch_U)
    state = dict(zip(("weight_ih_l0", "weight_hh_l0", "bias_ih_l0", "bias_hh_l0"), arrays, strict=True))
    options: dict[str, Any] = {"nonlinearity": layer.f} if isinstance(layer, Recurrent) else {}
    inner = Call(gates.torch, (step.shape[0], layer.n), options | {"batch_first": True}, state)
    return (Call("Recurrent", (inner, layer.all)),)


def _operator(graph: Graph, step: Step, x: str) -> str:
    """Time first, and an axis of directions, of which there is one."""
    _check(step)
    layer, gates = step.what, GATES[type(step.what)]
    W, U, b, c = _ordered(step, gates.onnx_W, gates.onnx_U)
    arrays = (graph.floats(a[None]) for a in (W, U, np.concatenate([b, c])))
    options: dict[str, Any] = {"activations": [UNITS[layer.f]]} if isinstance(layer, Recurrent) else {}
    options |= {"linear_before_reset": 1} if isinstance(layer, GRU) else {}
    by_time = graph.node("Transpose", x, perm=[2, 0, 1])
    h = graph.node(gates.onnx, by_time, *arrays, hidden_size=layer.n, **options)
    if layer.all:
        return graph.node("Transpose", graph.node("Squeeze", h, np.array([1])), perm=[1, 2, 0])
    return graph.node("Squeeze", graph.node("Gather", h, np.array(-1), axis=0), np.array([0]))


def _turn(step: Step) -> tuple[Call, ...]:
    return (Call("Turn"),)


def _transpose(graph: Graph, step: Step, x: str) -> str:
    if len(step.shape) == 3:
        x = graph.node("Squeeze", x, np.array([1]))
    return graph.node("Transpose", x, perm=[0, 2, 1])


def _refused(*given: Any) -> NoReturn:
    (step,) = (one for one in given if isinstance(one, Step))
    raise InvalidValue(f"layer '{step.what}' can't be exported so far; use gpufa itself for nets of spiking layers")


REFUSED = LIF, ALIF, Lowpass, Poisson, Latency, Delta
ROWS: Mapping[type, Form] = {
    **{kind: Form(_module, _operator) for kind in GATES},
    Turn: Form(_turn, _transpose),
    **{kind: Form(_refused, _refused) for kind in REFUSED},
}
