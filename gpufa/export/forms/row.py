"""What a form is: one kind of step as PyTorch modules and as ONNX operators."""

from collections.abc import Callable
from typing import NamedTuple

from ..calls import Call
from ..graph import Graph
from ..steps import Step


class Form(NamedTuple):
    """torch(step) gives modules, one after the other; onnx(graph, step, x) adds operators above the name x, whose rows
    are (n, *step.shape), and gives the name of what they make."""

    torch: Callable[[Step], tuple[Call, ...]]
    onnx: Callable[[Graph, Step, str], str]


def flat(step: Step) -> tuple[Call, ...]:
    """What makes units of maps, where there are maps."""
    return (Call("nn.Flatten"),) if len(step.shape) > 1 else ()


def flattened(graph: Graph, step: Step, x: str) -> str:
    """The same in ONNX."""
    return graph.node("Flatten", x, axis=1) if len(step.shape) > 1 else x
