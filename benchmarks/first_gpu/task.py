"""What a stage is handed: the time that it has, whether all is to be small, and where to put what it finds."""

import json
import time
from pathlib import Path
from typing import Any

from gpufa.basics import files


class Wrong(Exception):
    """What a stage looked at did not come out right; the text says what."""


class Skipped(Exception):
    """A stage can't be run on this machine; the text says why."""


class OutOfTime(Exception):
    """A stage has ended before all was done; the text says what is left."""


class Task:
    def __init__(self, file: Path, seconds: float, quick: bool) -> None:
        self.file, self.quick, self.found = file, quick, dict[str, Any]()
        self._deadline = time.monotonic() + seconds

    def left(self) -> float:
        """Seconds that are left."""
        return self._deadline - time.monotonic()

    def keep(self, **found: Any) -> None:
        """Put down what was found, at once: whatever comes next may end the process."""
        self.found |= found
        files.write(self.file, json.dumps(self.found, indent=1), "what a stage found", "make room")
