"""The terminal, or what there is in its place."""

import os
from contextlib import suppress
from typing import Any, TextIO

from rich.console import Console


class _Console(Console):
    def on_broken_pipe(self) -> None:
        """Raise what rich would end the process over."""
        raise BrokenPipeError


def console(**kw: Any) -> Console:
    """A console that prints text as it is: square brackets are no markup in paths and package names."""
    return _Console(markup=False, emoji=False, **kw)


def say(text: str, quiet: bool = False) -> None:
    """A line on stdout, as long as it may be."""
    if not quiet:
        console().print(text, soft_wrap=True)


def silence(stream: TextIO | None) -> None:
    """Let what a stream that failed still holds be lost, with all to come: it would fail once more when Python ends."""
    with suppress(OSError, ValueError):
        if stream:
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


class Lasting:
    """A stream that falls silent where its terminal, pipe or disk has gone, so that a run outlasts it."""

    def __init__(self, stream: TextIO | None) -> None:
        self.stream = stream or open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115  a process may be given none

    def __getattr__(self, name: str) -> Any:
        return getattr(self.stream, name)

    def write(self, text: str) -> int:
        try:
            self.stream.write(text)
        except (OSError, ValueError):
            silence(self.stream)
        return len(text)

    def flush(self) -> None:
        try:
            self.stream.flush()
        except (OSError, ValueError):
            silence(self.stream)
