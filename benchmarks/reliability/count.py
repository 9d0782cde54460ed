"""What a trial finds."""

from collections.abc import Callable
from typing import Any, NamedTuple

Say = Callable[[str], Any]


class Count(NamedTuple):
    """How often one thing was done, and how often all was well after it; the rest is lost."""

    what: str
    tried: int
    survived: int

    @property
    def lost(self) -> int:
        return self.tried - self.survived
