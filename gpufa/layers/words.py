"""LAYERS: every layer by its word. A block is one string, "dense 64 tanh, dropout 0.5", and str(block) is that again.

block = layer {"," layer}
layer = word {number} {option [number]} [activation]  |  activation  |  "residual(" block ["|" block] ")"

A number may be two, down and across: 3x5.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import MISSING, fields, replace
from difflib import get_close_matches
from typing import Any

from ..basics.arguments import shown
from ..basics.errors import InvalidValue
from ..functions.activations import ACTIVATIONS, Activation
from ..functions.parts import OWN, Part
from .chain import Chain, chained
from .graph import Neighbours
from .maps.conv import Conv1d, Conv2d
from .maps.local import Local2d
from .maps.pool import Flatten, GlobalMean, MaxPool, Mean, MeanPool
from .protocol.layer import Layer
from .protocol.sequences import numbered, tokens
from .protocol.terms import Shape
from .residual import Residual, Shortcut
from .time.encode import Delta, Latency, Poisson
from .time.lowpass import Lowpass
from .time.recurrent import GRU, LSTM, Recurrent
from .time.spiking import ALIF, LIF
from .time.turn import Turn
from .tokens.attention import Attention
from .tokens.embed import AsTokens, Embed, Positions
from .units.act import Act
from .units.dense import Dense
from .units.dropout import Dropout
from .units.norm import BatchNorm, LayerNorm

ROWS = (
    *(Dense, Conv2d, Conv1d, Local2d, MaxPool, MeanPool, GlobalMean, Flatten),
    *(BatchNorm, LayerNorm, Dropout, Shortcut),
    *(Embed, Positions, Attention, Mean, AsTokens),
    *(Recurrent, GRU, LSTM, LIF, ALIF, Lowpass, Turn),
    *(Poisson, Latency, Delta, Neighbours),
)
LAYERS: dict[str, type[Layer]] = {layer.word: layer for layer in ROWS}
INPUT, TOKENS = "input", "tokens"
RESIDUAL = "residual"
ALSO: dict[str, type[Layer]] = {"layernorm": LayerNorm, "batchnorm": BatchNorm, "meanpool": MeanPool}  # in one word
BESIDE = INPUT, TOKENS, "of", "pad", RESIDUAL  # words that are none of layers


def block(given: Any, parts: Sequence[Part] = ()) -> Chain:
    """The chain that a string, a layer, or a sequence of both stands for; a residual alone is the block itself.
    Activations among `parts` have words too.

    Raises InvalidValue for what is no layer.
    """
    layers = tuple(_layers(given, {**ACTIVATIONS, **{f.name: f for f in parts if isinstance(f, Activation)}}))
    if not layers:
        raise InvalidValue(f"block {shown(given)} has no layer; give one such as 'dense 64 tanh'")
    return chained(layers)


def stand_ins(words: Iterable[Any]) -> list[Activation]:
    """Activations in the place of those that the words name and gpufa does not ship: to read shapes, not to run."""
    named = {*re.findall(r"\b[A-Za-z_]\w*", " ".join(map(str, words)))}
    options = (text for layer in LAYERS.values() for one in layer.options for text in (one.name, *one.words))
    known = {*" ".join([*LAYERS, *ALSO]).split(), *options, *BESIDE, *ACTIVATIONS}
    return [replace(ACTIVATIONS["identity"], name=name) for name in sorted(named - known)]


def inputs(given: Any) -> Shape | None:
    """The shape that "input 784", "input 3x32x32", channels x height x width, "input 3x100", channels x time, or
    "tokens 128 of 65", numbers of tokens, says; None where `given` is something else."""
    words = given.split() if isinstance(given, str) else []
    if words[:1] == [TOKENS]:
        return _tokens(words)
    if words[:1] != [INPUT]:
        return None
    numbers = words[1].split("x") if len(words) == 2 else []
    if len(numbers) > 3 or not numbers or not all(_whole(text) and int(text) for text in numbers):
        raise InvalidValue(
            f"{given!r} can't be read; it takes a number of inputs, such as 'input 784', or channels x height x width,"
            " such as 'input 3x32x32', or channels x time, such as 'input 3x100', in a string by itself"
        )
    return tuple(map(int, numbers))


def said(shape: Shape) -> str:
    """The word of inputs of that shape."""
    found = numbered(shape)
    return found.word if found else f"{INPUT} {'x'.join(map(str, shape))}"


def _tokens(words: Sequence[str]) -> Shape:
    if words[2:3] == ["of"] and words[4:5] in ([], ["pad"]) and len(words) in (4, 6) and all(map(_whole, words[1::2])):
        return tokens(*map(int, words[1::2]))
    raise InvalidValue(
        f"{' '.join(words)!r} can't be read; it takes how many tokens a sample has and how many different ones there"
        " are, such as 'tokens 128 of 65', and may end in the one that fills up, such as 'pad 0', in a string by itself"
    )


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


def _split(text: str, mark: str = ",") -> list[str]:
    """The parts between commas, or other marks, that stand in no brackets."""
    depth, parts = 0, [""]
    for c in text:
        depth += (c == "(") - (c == ")")
        if depth < 0:
            break
        if c == mark and not depth:
            parts.append("")
        else:
            parts[-1] += c
    if depth:
        raise InvalidValue(f"the brackets of block {text!r} don't close; write residual(dense 64 tanh)")
    found = [part.strip() for part in parts]
    if not all(found):
        where = "a comma or |" if "|" in text else "a comma"
        raise InvalidValue(f"block {text!r} has nothing before or behind {where}, or is empty; give 'dense 64 tanh'")
    return found


def _read(word: str, functions: Mapping[str, Activation]) -> Iterator[Layer]:
    if inner := re.fullmatch(r"residual\s*\((.*)\)", word):
        branches = [tuple(_layers(part, functions)) for part in _split(inner[1], "|")]
        if len(branches) > 2:
            raise InvalidValue(
                f"{shown(word)} has {len(branches)} branches; give one, or one and its shortcut, such as residual(conv"
                " 16 3x3 stride 2 | shortcut 16 stride 2)"
            )
        yield Residual(*branches)
        return
    if word in functions:
        yield Act(functions[word])
        return
    texts = word.split()
    texts = [*ALSO[texts[0]].word.split(), *texts[1:]] if texts[0] in ALSO else texts
    name = next((name for name in (" ".join(texts[:2]), *texts[:1]) if name in LAYERS), "")
    if texts[0] in (INPUT, TOKENS):
        raise InvalidValue(f"{shown(word)} says what the inputs are, and is no layer; put it in front of all blocks")
    if not name:
        known = [*LAYERS, f"{RESIDUAL}(...)", *functions]
        close = get_close_matches(" ".join(texts[:1]), known, n=1)
        meant = f"did you mean {close[0]!r}? " if close and close[0] != texts[0] else ""
        raise InvalidValue(f"unknown layer {shown(word)}; {meant}a layer begins with one of {', '.join(known)}{OWN}")
    cls, rest = LAYERS[name], texts[len(name.split()) :]
    inside = [text for text in rest if text in functions][:1] if cls.activates else []
    act = inside[0] if inside else rest.pop() if rest and rest[-1] in functions else None
    rest = [text for text in rest if text not in inside]
    wanted = [field.name for field in fields(cls) if field.default is MISSING]
    numbers, settings = [_number(text) for text in rest[: len(wanted)]], _options(cls, rest[len(wanted) :])
    if settings is None or len(numbers) != len(wanted) or None in numbers:
        raise InvalidValue(
            f"layer {word!r} can't be read; {name} takes {_takes(cls, wanted)}such as {cls.example!r}, and may end in"
            f" an activation: {', '.join(functions)}{OWN}"
        )
    yield cls(*numbers, **settings, **({"f": act} if inside else {}))
    if act and not inside:
        yield Act(functions[act])


def _options(cls: type[Layer], texts: Sequence[str]) -> dict[str, Any] | None:
    """By field, what these words say, or None where they say nothing."""
    known, rest, found = {option.name: option for option in cls.options}, list(texts), {}
    while rest:
        option = known.pop(rest.pop(0), None)
        if option is None or not (rest or option.sets):
            return None
        if option.sets:
            if option.sets[0] in found:
                return None
            found[option.sets[0]] = option.sets[1]
            continue
        text = rest.pop(0)
        found[option.name] = text if text in option.words else _number(text)
        if found[option.name] is None:
            return None
    return found


def _takes(cls: type[Layer], wanted: Sequence[str]) -> str:
    options = " or ".join(f"{option.name} {option.example}".strip() for option in cls.options)
    parts = [*([" ".join(wanted)] if wanted else []), *([f"{'then ' * bool(wanted)}{options}"] if options else [])]
    return "".join(f"{part}, " for part in parts or ["nothing"])


def _whole(text: str) -> bool:
    return re.fullmatch(r"\d{1,18}", text) is not None


def _number(text: str) -> int | float | tuple[int, int] | None:
    """A number, or two such as 3x5; None where it is neither."""
    if two := re.fullmatch(r"(\d{1,18})x(\d{1,18})", text):
        return int(two[1]), int(two[2])
    if not re.fullmatch(r"(\d{1,18}|(?=\.))(\.\d+)?(e[+-]?\d{1,3})?", text):
        return None
    return int(text) if _whole(text) else float(text)
