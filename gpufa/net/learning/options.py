"""A rule's options, looked at: each of these raises InvalidValue for what one can't be."""

import math
from collections.abc import Iterable
from typing import Any

from ...basics.arguments import is_number, is_whole, shown
from ...basics.errors import InvalidValue


def one_of(value: Any, allowed: Iterable[str], what: str, option: str) -> None:
    """Raise InvalidValue for an option of a rule that is none of the allowed names."""
    names = list(allowed)
    if not isinstance(value, str) or value not in names:
        raise InvalidValue(f"unknown {what} {shown(value)}; set rule.{option} to one of {', '.join(names)}")


def boolean(value: Any, option: str) -> None:
    """Raise InvalidValue for an option of a rule that is neither true nor false."""
    if not isinstance(value, bool):
        raise InvalidValue(f"{option} = {shown(value)} can't be used; set rule.{option} to true or false")


def above_zero(value: Any, what: str, option: str, most: float = math.inf, least: float = 0) -> None:
    """Raise InvalidValue for an option of a rule that is no number above 0, or `least`, up to `most`."""
    if not is_number(value) or not least < value <= most:
        limit = "" if most == math.inf else f" and at most {most}"
        raise InvalidValue(f"{what} {shown(value)} can't be used; set rule.{option} to a number above {least:g}{limit}")


def whole(value: Any, what: str, option: str, least: int = 0) -> None:
    """Raise InvalidValue for an option of a rule that is no whole number of at least `least`."""
    if not is_whole(value, least):
        raise InvalidValue(
            f"{what} {shown(value)} can't be used; set rule.{option} to a whole number of at least {least}"
        )
