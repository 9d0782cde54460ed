"""Shapes of tokens: of their numbers, as a net takes them in, and of what is known of each, as layers go on with it.

Both are plain shapes that say one thing more, what their last axis is. (features, T) of tokens differs from channels x
time in that a dense layer takes each token by itself, and a norm goes over the features of each.
"""

from typing import Any

from ...basics.arguments import is_whole, shown, whole
from ...basics.arrays import Array
from ...basics.errors import InvalidValue
from .layer import At, Layer
from .terms import Shape

MOST = 1 << 24  # numbers of tokens: all below are themselves in float32


class Tokens(tuple[int, ...]):
    """(T,): each sample is T numbers of tokens, 0 .. `of` - 1; `pad` is the one that fills up what is shorter."""

    of: int
    pad: int | None

    def __new__(cls, shape: Shape, of: int, pad: int | None = None) -> "Tokens":
        made = super().__new__(cls, shape)
        made.of, made.pad = of, pad
        return made

    def __getnewargs__(self) -> Any:
        return tuple(self), self.of, self.pad

    @property
    def word(self) -> str:
        """As `words.inputs` reads it."""
        return f"tokens {self[0]} of {self.of}" + ("" if self.pad is None else f" pad {self.pad}")


class Steps(tuple[int, ...]):
    """(features, T): so many features of each of T tokens; `pad` as that of Tokens, where these were numbered."""

    pad: int | None

    def __new__(cls, shape: Shape, pad: int | None = None) -> "Steps":
        made = super().__new__(cls, shape)
        made.pad = pad
        return made

    def __getnewargs__(self) -> Any:
        return tuple(self), self.pad


def tokens(length: Any, of: Any, pad: Any = None) -> Tokens:
    """The shape of `length` numbers of tokens. Raises InvalidValue for numbers that can't be theirs."""
    whole(length, "the length of tokens")
    whole(of, "the number of different tokens")
    if of > MOST:
        raise InvalidValue(f"tokens of {of} different ones can't be told apart; give at most {MOST}")
    if pad is not None and not (is_whole(pad, 0) and pad < of):
        raise InvalidValue(f"the pad of tokens can't be {shown(pad)}; give one of their numbers, 0 to {of - 1}")
    return Tokens((length,), of, pad)


def numbered(shape: Shape) -> Tokens | None:
    """The shape itself where it is one of numbers of tokens."""
    return shape if isinstance(shape, Tokens) else None


def stepwise(shape: Shape) -> Steps | None:
    """The shape itself where it is one of tokens, which layers take one by one."""
    return shape if isinstance(shape, Steps) else None


def of_each(layer: Layer, shape: Shape) -> Steps:
    """The shape itself. Raises InvalidValue where a layer that goes over tokens finds none."""
    if found := stepwise(shape):
        return found
    raise InvalidValue(
        f"'{layer}' takes what is known of each token, and its input has the shape {tuple(shape)}; begin the net with"
        " such as 'tokens 128 of 65' and 'embed 64', or put 'as tokens' in front of it"
    )


def behind_the_last(layer: Layer, shape: Shape) -> Shape:
    """What goes on of the last step alone, of (n, T). Raises InvalidValue where that may be one that fills up."""
    if (found := stepwise(shape)) and found.pad is not None:
        raise InvalidValue(
            f"'{layer}' is asked what it is behind the last token, and that may be one that fills up, 'pad"
            f" {found.pad}'; let all steps go on, with 'mean' above, such as 'gru 6 all, mean', or leave pad out, and"
            " it is a token as others"
        )
    return tuple(shape[:1])


def widened(shape: Shape, n: int) -> Shape:
    """The same places with n features each."""
    found = stepwise(shape)
    return Steps((n, *shape[1:]), found.pad) if found else (n, *shape[1:])


def by_features(x: Array, n: int) -> Array:
    """(..., n * places, m) as (..., n, places * m): each place of a sample as if it were one, a view."""
    return x.reshape(*x.shape[:-2], n, -1)


def counted(at: At) -> Array | None:
    """1 for each token of the batch that is none that fills up, else 0: (R, T, m); None where all count."""
    found = stepwise(at.shape)
    if found is None or found.pad is None:
        return None
    out = at.array("tokens that count", found[1], at.batch.m)
    at.backend.xp.not_equal(at.batch.inputs, found.pad, out=out)
    return out
