"""Layers of tokens in PyTorch and ONNX: what is known of them is (n, features, tokens), as channels x time."""

import math
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from ...basics.errors import InvalidValue
from ...layers.maps.pool import GlobalMean, Mean
from ...layers.protocol.sequences import stepwise
from ...layers.tokens.attention import Attention
from ...layers.tokens.embed import AsTokens, Embed, Positions, waves
from ..calls import Call
from ..graph import WHOLE, Graph
from ..steps import Step
from . import places
from .row import Form


def _embed(step: Step) -> tuple[Call, ...]:
    W = _table(step)
    return (Call("Embed", W.shape, {}, {"weight": W}),)


def _gather(graph: Graph, step: Step, x: str) -> str:
    found = graph.node("Gather", graph.floats(_table(step)), graph.as_type(x, WHOLE), axis=0)
    return graph.node("Transpose", found, perm=[0, 2, 1])


def _table(step: Step) -> NDArray:
    if "W" in step.arrays:
        return step.arrays["W"]
    raise InvalidValue(f"'{step.what}' can't be exported so far, as its W is that of the outputs; leave tied out")


def _vectors(step: Step) -> NDArray:
    """One for each place, (features, tokens)."""
    flat = step.arrays["P"] if step.what.learned else waves(step.shape)
    return flat.reshape(step.shape)


def _positions(step: Step) -> tuple[Call, ...]:
    return (Call("Positions", tuple(step.shape), {}, {"vectors": _vectors(step)}),)


def _added(graph: Graph, step: Step, x: str) -> str:
    return graph.node("Add", x, graph.floats(_vectors(step)))


def dense_at_each(step: Step) -> tuple[Call, ...]:
    """A dense layer at each token is a convolution by kernels of one place."""
    W, b = step.arrays["W"], step.arrays["b"]
    return (Call("nn.Conv1d", (*W.shape[::-1], 1), {}, {"weight": W[..., None], "bias": b}),)


def product_at_each(graph: Graph, W: NDArray, b: NDArray | None, x: str) -> str:
    """W x + b at each token."""
    a = graph.node("MatMul", graph.floats(W), x)
    return a if b is None else graph.node("Add", a, graph.floats(b[:, None]))


def norm_of_each(step: Step) -> tuple[Call, ...]:
    """A layer norm over the features of each token."""
    state = {"weight": step.arrays["g"], "bias": step.arrays["b"]}
    return (Call("TokenNorm", (step.shape[0],), {"eps": step.what.eps}, state),)


def normalised_each(graph: Graph, step: Step, x: str) -> str:
    g, b = (graph.floats(step.arrays[name]) for name in "gb")
    turned = graph.node("Transpose", x, perm=[0, 2, 1])
    made = graph.node("LayerNormalization", turned, g, b, axis=2, epsilon=step.what.eps)
    return graph.node("Transpose", made, perm=[0, 2, 1])


def _attention(step: Step) -> tuple[Call, ...]:
    _without_pad(step)
    names = {"W": "made", "b": "made_bias", "U": "taken", "c": "taken_bias"}
    state = {names[name]: array for name, array in step.arrays.items()}
    return (Call("Attention", (step.shape[0], step.what.heads, step.what.causal, step.what.bias), {}, state),)


def _attended(graph: Graph, step: Step, x: str) -> str:
    _without_pad(step)
    (d, length), heads, arrays = step.shape, step.what.heads, step.arrays
    made = product_at_each(graph, arrays["W"], arrays.get("b"), x)
    parts = graph.node("Reshape", made, np.array([0, 3, heads, d // heads, length]))
    q, k, v = (graph.node("Gather", parts, np.array(i), axis=1) for i in range(3))
    scores = graph.node("MatMul", graph.node("Transpose", q, perm=[0, 1, 3, 2]), k)
    scores = graph.node("Mul", scores, graph.floats(1 / math.sqrt(d // heads)))
    if step.what.causal:
        scores = graph.node("Add", scores, graph.floats(np.triu(np.full((length, length), -np.inf), 1)))
    weights = graph.node("Transpose", graph.node("Softmax", scores, axis=3), perm=[0, 1, 3, 2])
    mixed = graph.node("Reshape", graph.node("MatMul", v, weights), np.array([0, d, length]))
    return product_at_each(graph, arrays["U"], arrays.get("c"), mixed)


def _mean(step: Step) -> tuple[Call, ...]:
    _without_pad(step)
    return places.ROWS[GlobalMean].torch(step)


def _averaged(graph: Graph, step: Step, x: str) -> str:
    _without_pad(step)
    return places.ROWS[GlobalMean].onnx(graph, step, x)


def _as_tokens(step: Step) -> tuple[Call, ...]:
    return (Call("nn.Flatten", (2,)),)


def _flattened(graph: Graph, step: Step, x: str) -> str:
    return graph.node("Reshape", x, np.array([0, step.shape[0], math.prod(step.shape[1:])]))


def _without_pad(step: Step) -> None:
    """Raise InvalidValue where tokens may fill up, of which only numbers tell."""
    if (found := stepwise(step.shape)) and found.pad is not None:
        raise InvalidValue(
            f"'{step.what}' can't be exported so far where tokens fill up, as 'pad {found.pad}' says; leave pad out"
        )


ROWS: Mapping[type, Form] = {
    Embed: Form(_embed, _gather),
    Positions: Form(_positions, _added),
    Attention: Form(_attention, _attended),
    Mean: Form(_mean, _averaged),
    AsTokens: Form(_as_tokens, _flattened),
}
