"""One stage in a process of its own: python -m benchmarks.first_gpu.child NAME [--quick] FILE SECONDS."""

import signal
import sys
from pathlib import Path

from .runner import OUT_OF_TIME, SKIPPED
from .stages import PLANS
from .task import OutOfTime, Skipped, Task


def main() -> None:
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # so that what it started ends with it
    name, *quick, file, seconds = sys.argv[1:]
    try:
        PLANS[name].do(Task(Path(file), float(seconds), quick == ["--quick"]))
    except Skipped as reason:
        print(reason)
        sys.exit(SKIPPED)
    except OutOfTime as reason:
        print(reason)
        sys.exit(OUT_OF_TIME)


if __name__ == "__main__":
    main()
