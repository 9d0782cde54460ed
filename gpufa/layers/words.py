"""LAYERS: every layer by its word. A block is one string, "dense 64 tanh, dropout 0.5", and str(block) is that again.

block = layer {"," layer}
layer = word {number} [activation]  |  activation  |  "residual(" block ")"
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import fields, replace
from typing import Any

from ..basics.arguments import shown
from ..basics.errors import InvalidValue
from ..functions.activations import ACTIVATIONS, Activation
from ..functions.parts import OWN, Part
from .act import Act
from .chain import Chain
from .dense import Dense
from .dropout import Dropout
from .layer import Layer
from .residual import Residual

LAYERS: dict[str, type[Layer]] = {layer.word: layer for layer in (Dense, Dropout)}
INPUT = "input"


def block(given: Any, parts: Sequence[Part] = ()) -> Chain:
    """The chain that a string, a layer, or a sequence of both stands for; a residual alone is the block itself.
    Activations among `parts` have words too.

    Raises InvalidValue for what is no layer.
    """
    layers = tuple(_layers(given, {**ACTIVATIONS, **{f.name: f for f in parts if isinstance(f, Activation)}}))
    if not layers:
        raise InvalidValue(f"block {shown(given)} has no layer; give one such as 'dense 64 tanh'")
    return layers[0] if len(layers) == 1 and isinstance(layers[0], Chain) else Chain(layers)


def stand_ins(words: Iterable[Any]) -> list[Activation]:
    """Activations in the place of those that the words name and gpufa does not ship: to read shapes, not to run."""
    named = {*re.findall(r"\b[A-Za-z_]\w*", " ".join(map(str, words)))} - {*LAYERS, *ACTIVATIONS, INPUT, "residual"}
    return [replace(ACTIVATIONS["identity"], name=name) for name in sorted(named)]


def inputs(given: Any) -> int | None:
    """How many inputs "input 784" says; None where `given` is something else."""
    words = given.split() if isinstance(given, str) else []
    if words[:1] != [INPUT]:
        return None
    if len(words) != 2 or not _whole(words[1]) or not int(words[1]):
        raise InvalidValue(f"{given!r} can't be read; it takes a number of inputs, such as 'input 784'")
    return int(words[1])


def _layers(given: Any, functions: Mapping[str, Activation]) -> Iterator[Layer]:
    if isinstance(given, Layer):
        yield given
    elif isinstance(given, str):
        for word in _split(given):
            yield from _read(word, functions)
    elif isinstance(given, Iterable):
        for one in given:
            yield from _layers(one, functions)
    else:
        raise InvalidValue(f"{shown(given)} is no layer; give words such as 'dense 64 tanh', or layers of gpufa.layers")


def _split(text: str) -> list[str]:
    """The parts between commas that stand in no brackets."""
    depth, parts = 0, [""]
    for c in text:
        depth += (c == "(") - (c == ")")
        if depth < 0:
            break
        if c == "," and not depth:
            parts.append("")
        else:
            parts[-1] += c
    if depth:
        raise InvalidValue(f"the brackets of block {text!r} don't close; write residual(dense 64 tanh)")
    found = [part.strip() for part in parts]
    if not all(found):
        raise InvalidValue(f"block {text!r} has nothing before or behind a comma, or is empty; give 'dense 64 tanh'")
    return found


def _read(word: str, functions: Mapping[str, Activation]) -> Iterator[Layer]:
    if inner := re.fullmatch(r"residual\s*\((.*)\)", word):
        yield Residual(tuple(_layers(inner[1], functions)))
        return
    name, *rest = word.split() or [""]
    if name in functions and not rest:
        yield Act(functions[name])
        return
    if name not in LAYERS:
        known = ", ".join([*LAYERS, "residual(...)", *functions])
        raise InvalidValue(f"unknown layer {shown(word)}; a layer begins with one of {known}{OWN}")
    cls, act = LAYERS[name], rest.pop() if rest and rest[-1] in functions else None
    wanted = [field.name for field in fields(cls)]
    if len(rest) != len(wanted) or not all(map(_number, rest)):
        raise InvalidValue(
            f"layer {word!r} can't be read; {name} takes {' '.join(wanted)}, such as {cls.example!r}, and may end in an"
            f" activation: {', '.join(functions)}{OWN}"
        )
    yield cls(*(int(text) if _whole(text) else float(text) for text in rest))
    if act:
        yield Act(functions[act])


def _whole(text: str) -> bool:
    return re.fullmatch(r"\d{1,18}", text) is not None


def _number(text: str) -> bool:
    return re.fullmatch(r"\d{1,18}(\.\d+)?(e-?\d{1,3})?", text) is not None
