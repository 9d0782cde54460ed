"""Recurrent layers, and what turns their inputs, which have no form so far."""

from collections.abc import Mapping
from typing import NoReturn

from ...basics.errors import InvalidValue
from ...layers.recurrent import GRU, LSTM, Recurrent
from ...layers.turn import Turn
from ..graph import Graph
from ..steps import Step
from .row import Form


def _torch(step: Step) -> NoReturn:
    raise InvalidValue(f"layer '{step.what}' can't be exported so far; use gpufa itself for nets of recurrent layers")


def _onnx(graph: Graph, step: Step, x: str) -> NoReturn:
    _torch(step)


ROWS: Mapping[type, Form] = {kind: Form(_torch, _onnx) for kind in (Recurrent, GRU, LSTM, Turn)}
