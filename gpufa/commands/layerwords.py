"""What is said of a layer's word: what it does, its shapes on an example, its parameters, and which rules take it."""

from ..basics.errors import InvalidValue
from ..layers import Layer, block
from ..layers.protocol.sequences import stepwise
from ..layers.protocol.terms import Shape
from ..net.learning.checks import check_fit
from ..net.shape.layout import Layout
from ..rules import RULES, check_promise


def description(layer: type[Layer]) -> str:
    """All of it, in a few sentences."""
    made, shape = block(layer.example), layer.sample
    options = ", ".join(f"{one.name} {one.example}".strip() for one in layer.options)
    parameters = [f"{name} {_by(one.shape)}" for name, one in made.layers[0].parameters(shape).items()]
    units = (len(shape) == 1 or stepwise(shape)) and not made.layers[0].stops
    learning = f"{made}" if parameters else f"dense 8, {made}" if units else f"{made}, dense 8"
    learning += ", mean" if stepwise(block(learning).out(shape)) else ""
    does = " ".join([*(layer.__doc__ or "").split(), *([f"Options: {options}."] if options else [])])
    makes = f"'{made}', in Python {layer.__name__}, makes {_by(made.out(shape))} of {_by(shape)}"
    learns = f", with {', '.join(parameters)}" if parameters else ""
    return f"{does}\n{makes}{learns}.\nRules: {rules_of(learning, shape)}."


def rules_of(words: str, shape: Shape) -> str:
    """The rules that take a hidden block of these words on inputs of that shape."""
    layout, able = Layout.of(shape, [block(words), block("dense 8")]), []
    for name, rule in RULES.items():
        try:
            check_fit(layout, rule(), RULES)
            if layout.joining:
                check_promise(rule(), "partial")
        except InvalidValue:
            continue
        able.append(name)
    return "all" if len(able) == len(RULES) else ", ".join(able)


def _by(shape: Shape) -> str:
    return "x".join(map(str, shape))
