"""Whether a net of numbers of tokens begins, and ends, as it has to."""

from collections.abc import Sequence

from ...basics.errors import InvalidValue
from ...layers.chain import Chain
from ...layers.protocol.sequences import Tokens, numbered
from ...layers.protocol.terms import Shape
from ...layers.tokens.embed import Embed


def check_tokens(shapes: Sequence[Shape], blocks: Sequence[Chain]) -> None:
    """Raise InvalidValue where numbers of tokens come to a layer that would take them as amounts, or an embedding that
    is tied to the outputs has not their shape; shapes[k] is that of block k's output, shapes[0] the inputs'."""
    if not (found := numbered(shapes[0])):
        return
    for (layer, _), lowest in zip(blocks[0].walk(found), blocks[0].at_input(), strict=True):
        if lowest and not layer.numbers:
            raise InvalidValue(
                f"'{layer}' takes amounts, and '{found.word}' gives it numbers of tokens; let block 1 begin with such"
                " as 'embed 64'"
            )
    if one := tied(blocks):
        _check_tied(one, found, shapes, blocks)


def tied(blocks: Sequence[Chain]) -> Embed | None:
    """The embedding whose matrix is that of the outputs."""
    first = blocks[0].layers[0]
    return first if isinstance(first, Embed) and first.tied else None


def _check_tied(one: Embed, found: Tokens, shapes: Sequence[Shape], blocks: Sequence[Chain]) -> None:
    *_, (last, below) = blocks[-1].walk(shapes[-2])
    W = last.parameters(below).get("W")
    if W is None or W.shape != (found.of, one.n):
        has = "none" if W is None else "x".join(map(str, W.shape))
        raise InvalidValue(
            f"'{one}' shares the outputs' W, {found.of}x{one.n} for '{found.word}', and that of '{last}' is {has}; give"
            f" as many outputs as there are tokens, on {one.n} features, or leave tied out"
        )
