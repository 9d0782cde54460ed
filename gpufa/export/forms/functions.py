"""Activations, and the non-linearities of losses, in PyTorch and ONNX."""

from collections.abc import Callable, Mapping
from typing import Any

from ...functions.activations.kinked import SLOPE
from ...functions.activations.smooth import FLAT, ROOT_HALF, STEEP
from ..calls import Call
from ..graph import Graph
from ..steps import Step
from .row import Form

EXACT = 40  # above it log(1 + exp(a)) is a in float64 too; PyTorch takes it for a above 20


def _made(name: str, *arguments: Any, **options: Any) -> Callable[[Step], tuple[Call, ...]]:
    return lambda step: (Call(name, arguments, options),)


def _one(op: str, **attributes: Any) -> Callable[[Graph, Step, str], str]:
    return lambda graph, step, a: graph.node(op, a, **attributes)


def _same(graph: Graph, step: Step, a: str) -> str:
    return a


def _scaled_tanh(graph: Graph, step: Step, a: str) -> str:
    return graph.node("Mul", graph.node("Tanh", graph.node("Mul", a, graph.floats(FLAT))), graph.floats(STEEP))


def _gelu(graph: Graph, step: Step, a: str) -> str:
    """a * Phi(a), Phi(a) = (1 + erf(a / sqrt(2))) / 2; ONNX has it by name from opset 20 on."""
    erf = graph.node("Erf", graph.node("Mul", a, graph.floats(ROOT_HALF)))
    return graph.node("Mul", a, graph.node("Mul", graph.node("Add", erf, graph.floats(1)), graph.floats(0.5)))


def _silu(graph: Graph, step: Step, a: str) -> str:
    return graph.node("Mul", a, graph.node("Sigmoid", a))


def _clip(low: float, high: float) -> Callable[[Graph, Step, str], str]:
    return lambda graph, step, a: graph.node("Clip", a, graph.floats(low), graph.floats(high))


def _step(graph: Graph, step: Step, a: str) -> str:
    return graph.as_type(graph.node("Greater", a, graph.floats(0)), graph.dtype)


# fmt: off
ACTIVATIONS: Mapping[str, Form] = {
    "identity":      Form(_made("nn.Identity"), _same),
    "tanh":          Form(_made("nn.Tanh"), _one("Tanh")),
    "scaled_tanh":   Form(_made("ScaledTanh", STEEP, FLAT), _scaled_tanh),
    "logistic":      Form(_made("nn.Sigmoid"), _one("Sigmoid")),
    "softplus":      Form(_made("nn.Softplus", threshold=EXACT), _one("Softplus")),
    "gelu":          Form(_made("nn.GELU"), _gelu),
    "silu":          Form(_made("nn.SiLU"), _silu),
    "relu":          Form(_made("nn.ReLU"), _one("Relu")),
    "leaky_relu":    Form(_made("nn.LeakyReLU", SLOPE), _one("LeakyRelu", alpha=SLOPE)),
    "elu":           Form(_made("nn.ELU"), _one("Elu", alpha=1.0)),
    "hard_tanh":     Form(_made("nn.Hardtanh"), _clip(-1, 1)),
    "hard_logistic": Form(_made("nn.Hardtanh", 0.0, 1.0), _clip(0, 1)),
    "sign":          Form(_made("Sign"), _one("Sign")),
    "step":          Form(_made("Step"), _step),
}
OUTPUTS: Mapping[str, Form] = {
    "cross_entropy":        Form(_made("nn.Softmax", dim=1), _one("Softmax", axis=1)),
    "binary_cross_entropy": Form(_made("nn.Sigmoid"), _one("Sigmoid")),
    "squared_error":        Form(lambda step: (), _same),
}
# fmt: on
