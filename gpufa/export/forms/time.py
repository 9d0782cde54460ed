"""Recurrent and spiking layers, and what stands before and behind them, which have no form so far."""

from collections.abc import Mapping
from typing import NoReturn

from ...basics.errors import InvalidValue
from ...layers.encode import Delta, Latency, Poisson
from ...layers.lowpass import Lowpass
from ...layers.recurrent import GRU, LSTM, Recurrent
from ...layers.spiking import ALIF, LIF
from ...layers.turn import Turn
from ..graph import Graph
from ..steps import Step
from .row import Form


def _torch(step: Step) -> NoReturn:
    raise InvalidValue(f"layer '{step.what}' can't be exported so far; use gpufa itself for nets of recurrent layers")


def _onnx(graph: Graph, step: Step, x: str) -> NoReturn:
    _torch(step)


KINDS = Recurrent, GRU, LSTM, LIF, ALIF, Lowpass, Poisson, Latency, Delta, Turn
ROWS: Mapping[type, Form] = {kind: Form(_torch, _onnx) for kind in KINDS}
