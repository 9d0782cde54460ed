"""What a user's own file defines, "path/to/file.py:NAME": its code runs only where the user says that name."""

import importlib.util
import traceback
from typing import Any

from .arguments import path_of, readable
from .errors import FileProblem


def is_own(name: Any) -> bool:
    """Whether it is the name of something in a user's own file."""
    return isinstance(name, str) and name.rpartition(":")[0].endswith(".py")


def from_file(name: str, what: str) -> Any:
    """What the file has of that name, None where it has nothing; `what` is "rule", say.

    Raises FileProblem for a file that is missing or can't be run.
    """
    file, _, attribute = name.rpartition(":")
    path = path_of(file, f"{what} file")
    with readable(path, f"{what} file"):
        if not path.is_file():
            raise FileProblem(f"{what} file {str(path)!r} does not exist; give path/to/file.py:NAME")
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except (Exception, SystemExit) as error:  # what runs there is the user's own
        lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == spec.origin]
        at = f"line {lines[-1]}, " if lines else ""
        raise FileProblem(
            f"{what} file {str(path)!r} can't be imported ({at}{type(error).__name__}: {error}); mend it"
        ) from error
    return getattr(module, attribute, None)
