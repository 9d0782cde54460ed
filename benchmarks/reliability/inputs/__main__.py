"""python -m benchmarks.reliability.inputs TARGET SEED I, or TARGET HEX: one input again, in this process."""

import sys

from .targets import complaint, sandbox
from .worker import made


def main(name: str, *which: str) -> None:
    raw = bytes.fromhex(which[0]) if len(which) == 1 else made(name, *map(int, which))
    with sandbox():
        print(complaint(name, raw) or "all is well")


if __name__ == "__main__":
    main(*sys.argv[1:])
