"""The version of this package, and which other versions' files it reads."""

import re

__version__ = "0.2.0"


def is_newer(other: str) -> bool:
    """Whether that is a later minor version than this, whose files may hold what this one would misread."""
    found = re.match(r"(\d{1,9})\.(\d{1,9})(\.|$)", other)
    return bool(found) and _minor(other) > _minor(__version__)


def _minor(version: str) -> tuple[int, ...]:
    return tuple(map(int, version.split(".")[:2]))
