"""FORMS: every kind of step, layers among them, as PyTorch modules and as ONNX operators side by side; a row each.

What is made of other steps is put together here: one after the other, and beside each other.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from ...basics.arguments import shown
from ...basics.errors import InvalidValue
from ...functions.losses import Loss
from ...layers.chain import Chain
from ...layers.residual import Residual
from ...layers.units.act import Act
from ..calls import Call, chain
from ..graph import Graph
from ..steps import Mean, Replica, Step
from . import ends, places, time, tokens, units
from .functions import ACTIVATIONS, OUTPUTS
from .row import Form

__all__ = ["ACTIVATIONS", "FORMS", "OUTPUTS", "Form", "modules", "operators"]


def modules(steps: Iterable[Step]) -> tuple[Call, ...]:
    """Steps one after the other, as PyTorch modules. Raises InvalidValue for a user's own."""
    return tuple(call for step in steps for call in _form(step).torch(step))


def operators(graph: Graph, steps: Iterable[Step], x: str) -> str:
    """The same as ONNX operators above x; the name of what comes out."""
    for step in steps:
        x = _form(step).onnx(graph, step, x)
    return x


def _form(step: Step) -> Form:
    what = step.what
    if isinstance(what, Act) and what.known:
        return _row(ACTIVATIONS, what.name, f"activation {what.name!r}", ACTIVATIONS)
    if isinstance(what, Loss):
        return _row(OUTPUTS, what.name, f"loss {what.name!r}", OUTPUTS)
    return _row(FORMS, type(what), f"layer {shown(str(what))}")


def _row(table: Mapping[Any, Form], key: Any, called: str, names: Iterable[str] = ()) -> Form:
    if key in table:
        return table[key]
    known = f", such as one of {', '.join(names)}" if names else ""
    raise InvalidValue(
        f"{called} can't be exported: it is your own, and PyTorch and ONNX have no form of it; train the net with what"
        f" gpufa ships{known}"
    )


def _inside(step: Step) -> tuple[Call, ...]:
    return modules(step.inside)


def _above(graph: Graph, step: Step, x: str) -> str:
    return operators(graph, step.inside, x)


def _branches(step: Step) -> tuple[tuple[Step, ...], tuple[Step, ...]]:
    """A residual's chain, and its shortcut, which has no steps where it is the input itself."""
    return (step.inside, ()) if step.what.shortcut is None else (step.inside[:-1], step.inside[-1:])


def _residual(step: Step) -> tuple[Call, ...]:
    inner, shortcut = map(modules, _branches(step))
    return (Call("Residual", (chain(*inner), chain(*shortcut))),)


def _added(graph: Graph, step: Step, x: str) -> str:
    inner, shortcut = (operators(graph, branch, x) for branch in _branches(step))
    return graph.node("Add", inner, shortcut)


def _mean(step: Step) -> tuple[Call, ...]:
    return (Call("Mean", tuple(chain(*modules(one.inside)) for one in step.inside)),)


def _average(graph: Graph, step: Step, x: str) -> str:
    return graph.node("Mean", *(operators(graph, one.inside, x) for one in step.inside))


FORMS: Mapping[type, Form] = {
    **{kind: Form(_inside, _above) for kind in (Chain, Replica)},
    Residual: Form(_residual, _added),
    Mean: Form(_mean, _average),
    **ends.ROWS,
    **units.ROWS,
    **places.ROWS,
    **tokens.ROWS,
    **time.ROWS,
}
