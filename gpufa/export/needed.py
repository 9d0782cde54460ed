"""Libraries that formats are made by, imported where they are used."""

from collections.abc import Iterator
from contextlib import contextmanager

from ..basics.errors import InvalidValue


@contextmanager
def needed(library: str, extra: str) -> Iterator[None]:
    """For the import of a library. Raises InvalidValue where it is not there, or can't be imported."""
    try:
        yield
    except ImportError as error:
        raise InvalidValue(
            f"this needs {library}, which can't be imported ({error}); pip install 'gpufa[{extra}]'"
        ) from None
