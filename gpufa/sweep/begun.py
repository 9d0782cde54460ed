"""FOLDER/study.json: what a study was begun with, by which it is known again."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from ..basics import files
from ..basics.errors import FileProblem, InvalidValue
from ..basics.version import __version__

BEGUN = "study.json"
TRIALS, BEST = "trials", "best"  # the folders of the runs


class Begun(NamedTuple):
    """Its name in the storage, what its file said, and the fingerprint of the data."""

    name: str
    study: Mapping[str, Any]
    data: Mapping[str, Any]

    def write(self, folder: Path) -> None:
        """Raises FileProblem where it can't be written."""
        text = json.dumps({"gpufa": __version__, **self._asdict()}, indent=2) + "\n"
        files.write(folder / BEGUN, text, "study", "give another --out")

    def check_same(self, before: "Begun", folder: Path) -> None:
        """Raises InvalidValue where a study or its data are others than `before`, when it was begun, and names the
        first of it."""
        now = Begun(*json.loads(json.dumps(self)))
        there, here = _flat(before.study), _flat(now.study)
        for name in dict.fromkeys([*here, *there]):
            if there.get(name) != here.get(name):
                was, this = (repr(table[name]) if name in table else "not set" for table in (there, here))
                raise InvalidValue(
                    f"the study in {str(folder)!r} was begun with {name} = {was}, and it is {this} now; change it back,"
                    " or begin another study with --out"
                )
        if before.data != now.data:
            raise InvalidValue(
                f"the data of the study in {str(folder)!r} have changed since it was begun; bring them back, or begin"
                " another study with --out"
            )


def begun_with(folder: Path) -> Begun | None:
    """What the study in a folder was begun with, None where there is none. Raises FileProblem where it is damaged, or
    gone, and runs of its trials are there, which another study would go on with as its own."""
    path = folder / BEGUN
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        return Begun(*(found[name] for name in Begun._fields))
    except FileNotFoundError:
        if any((folder / runs).exists() for runs in (TRIALS, BEST)):
            raise FileProblem(
                f"{str(folder)!r} has runs of a study that was begun with other settings maybe, as its {BEGUN} is gone;"
                " bring it back, or begin another study with --out"
            ) from None
        return None
    except (OSError, ValueError, LookupError, TypeError) as error:
        raise FileProblem(f"{str(path)!r} is not as gpufa wrote it ({error}); bring back a copy") from error


def _flat(table: Mapping[str, Any], above: str = "") -> dict[str, Any]:
    """A table of tables by dotted names."""
    found: dict[str, Any] = {}
    for name, value in table.items():
        found |= _flat(value, f"{above}{name}.") if isinstance(value, Mapping) and value else {f"{above}{name}": value}
    return found
