"""What raw samples go through before the first block, and outputs behind the last, in PyTorch and ONNX."""

from collections.abc import Mapping

import numpy as np

from ..calls import Call
from ..graph import DOUBLE, Graph
from ..steps import Inputs, Step, Unscaled
from .row import Form


def _inputs(step: Step) -> tuple[Call, ...]:
    features, arrays = int(np.prod(step.shape)), step.arrays
    names = {"filled": "value", "scaled": "shift", "whitened": "matrix"}
    there = {option: True for option, name in names.items() if name in arrays}
    shaped = (Call("nn.Unflatten", (1, step.shape)),) if len(step.shape) > 1 else ()
    return (Call("Inputs", (features,), there, arrays), *shaped)


def _input(graph: Graph, step: Step, x: str) -> str:
    """In float64 where missing values are filled in, as in training, or the inputs are that."""
    arrays, wide = step.arrays, DOUBLE if "value" in step.arrays else graph.inputs
    if wide != graph.inputs:
        x = graph.as_type(x, wide)
    if "value" in arrays:
        x = graph.node("Where", graph.node("IsNaN", x), arrays["value"].astype(wide), x)
    if "shift" in arrays:
        shift, factor = (arrays[name].astype(wide) for name in ("shift", "factor"))
        x = graph.node("Mul", graph.node("Sub", x, shift), factor)
    if wide != graph.dtype:
        x = graph.as_type(x, graph.dtype)
    if "matrix" in arrays:
        x = graph.node("MatMul", x, graph.floats(arrays["matrix"]))
    return graph.node("Reshape", x, np.array([0, *step.shape])) if len(step.shape) > 1 else x


def _unscaled(step: Step) -> tuple[Call, ...]:
    return (Call("Unscaled", step.shape, {}, step.arrays),)


def _undone(graph: Graph, step: Step, y: str) -> str:
    y = graph.as_type(y, DOUBLE)
    return graph.node("Add", graph.node("Div", y, step.arrays["factor"]), step.arrays["shift"])


ROWS: Mapping[type, Form] = {
    Inputs: Form(_inputs, _input),
    Unscaled: Form(_unscaled, _undone),
}
