"""Tokenizers: text as whole numbers, and these as text again. TOKENS has the ways to part a text, a row each."""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from ...basics.arguments import one_of, shown
from ...basics.errors import FileProblem, InvalidValue
from ...basics.ownfiles import from_file, is_own
from ..samples.about import About, Names

WORDS = re.compile(r"\w+|\W")
TOKENS: dict[str, Callable[[str], Sequence[str]]] = {
    "char": str,  # every character
    "word": WORDS.findall,  # runs of letters and digits, and every other character
}
OWN = ", or path/to/file.py:NAME of your own, which has encode(text) and decode(numbers)"


class Tokenizer(Protocol):
    """What makes numbers of a text, and the text of these."""

    def encode(self, text: str) -> Any: ...

    def decode(self, numbers: Any) -> str: ...


@dataclass(frozen=True)
class Vocabulary:
    """The tokens of a text, `names` in sorted order, each of which is its place among them."""

    tokens: str
    names: Names

    def encode(self, text: str) -> NDArray[np.int64]:
        """Raises InvalidValue for a token that is none of them."""
        if self.tokens == "char":
            points, own = _points(text), _points("".join(self.names))
            found = np.minimum(np.searchsorted(own, points), len(own) - 1)
            unknown = np.flatnonzero(own[found] != points)
            if len(unknown):
                self._refuse(text[unknown[0]], int(unknown[0]))
            return found
        known, parts = {name: i for i, name in enumerate(self.names)}, TOKENS[self.tokens](text)
        numbers = np.fromiter((known.get(part, -1) for part in parts), np.int64, len(parts))
        if (numbers < 0).any():
            self._refuse(parts[at := int((numbers < 0).argmax())], at)
        return numbers

    def decode(self, numbers: Iterable[int]) -> str:
        """The text of these numbers."""
        return "".join(self.names[int(i)] for i in numbers)

    def _refuse(self, token: str, at: int) -> None:
        kind = "character" if self.tokens == "char" else "word"
        raise InvalidValue(
            f"the text has the {kind} {token!r} as its token {at} (counted from 0), which the text that was trained on"
            f" has not; its {len(self.names)} tokens are all that the net knows: leave it out"
        )


def vocabulary_of(text: str, tokens: str) -> Vocabulary:
    """All tokens that a text has."""
    if tokens == "char":
        return Vocabulary(tokens, tuple(map(chr, np.unique(_points(text)).tolist())))
    return Vocabulary(tokens, tuple(sorted({*TOKENS[tokens](text)})))


def tokenizer(given: Any) -> Tokenizer | None:
    """A tokenizer of one's own, of "path/to/file.py:NAME" or by itself; None for the name of a row of TOKENS, whose
    vocabulary is the text's. Raises InvalidValue for another name, FileProblem where the file has none of it."""
    if not isinstance(given, str):
        return given
    if not is_own(given):
        one_of(given, TOKENS, "kind of tokens", OWN)
        return None
    found = from_file(given, "tokenizer")
    if found is None:
        file, _, name = given.rpartition(":")
        raise FileProblem(f"tokenizer file {file!r} defines no {name!r}; give path/to/file.py:NAME of what it has")
    return found


def known_by(about: About, own: Any = None) -> Tokenizer:
    """The tokenizer of the text that `about` tells of, `own` where that was one of one's own. Raises InvalidValue where
    it is missing, or handed in for text that needs none."""
    if isinstance(about.vocabulary, tuple):
        if own is not None:
            raise InvalidValue(
                f"the net was trained on text by {about.tokens}, and its vocabulary stands in the checkpoint; leave the"
                " tokenizer out"
            )
        return Vocabulary(str(about.tokens), about.vocabulary)
    if own is None or (found := tokenizer(own)) is None:
        raise InvalidValue(
            f"the net was trained on tokens of {about.tokens!r}, and no code runs because a checkpoint names it; hand"
            " it in, --tokenizer path/to/file.py:NAME"
        )
    return found


def encoded(by: Tokenizer, text: str, most: int | None = None) -> NDArray[np.int64]:
    """The numbers of a text, below `most` where that is known. Raises InvalidValue where a tokenizer of one's own gives
    others."""
    try:
        numbers = np.asarray(by.encode(text))
    except InvalidValue:
        raise
    except Exception as error:  # what runs there is the user's own
        raise InvalidValue(
            f"the tokenizer fails at a text of {len(text)} characters ({type(error).__name__}: {error}); mend it"
        ) from error
    if numbers.ndim != 1 or (numbers.size and (numbers.dtype.kind not in "iu" or numbers.min() < 0)):
        raise InvalidValue(
            f"the tokenizer's encode gives {shown(numbers.tolist()[:3])}, {numbers.dtype} of the shape {numbers.shape};"
            " let it give a list of whole numbers from 0"
        )
    if most is not None and numbers.size and numbers.max() >= most:
        raise InvalidValue(
            f"the tokenizer gives the token {numbers.max()}, and the text that was trained on has none above"
            f" {most - 1}; leave out what is new"
        )
    return numbers.astype(np.int64)


def decoded(by: Tokenizer, numbers: list[int]) -> str:
    """The text of these numbers. Raises InvalidValue where a tokenizer of one's own gives none."""
    try:
        text = by.decode(numbers)
    except Exception as error:  # what runs there is the user's own
        raise InvalidValue(
            f"the tokenizer fails to decode {shown(numbers[:3])} ({type(error).__name__}: {error}); mend it"
        ) from error
    if not isinstance(text, str):
        raise InvalidValue(f"the tokenizer's decode gives a {type(text).__name__}; let it give a text")
    return text


def _points(text: str) -> NDArray[np.uint32]:
    """The code points of a text."""
    return np.frombuffer(text.encode("utf-32-le", "surrogatepass"), "<u4")
