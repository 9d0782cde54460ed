"""A process that tries inputs and says of each what came of it; its parent sees where it ends."""

import os
import random
import resource
import sys
from pathlib import Path

from .targets import TARGETS, complaint, sandbox

ROOM = 2**30  # bytes of memory that an input may take
LENGTHS = 0, 8, 32, 128, 512


def made(name: str, seed: int, i: int) -> bytes:
    """The bytes of one input; the same for the same three."""
    chance = random.Random(f"{name} {seed} {i}")
    return chance.randbytes(chance.choice(LENGTHS))


def bounded() -> None:
    """Let this process take no more than ROOM beyond what it has."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
    resource.setrlimit(resource.RLIMIT_AS, (pages * resource.getpagesize() + ROOM,) * 2)


def main(name: str, seed: int, first: int, end: int) -> None:
    """A line for each input, empty where all is well; what the inputs print themselves is lost."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8", buffering=1)
    for stream in (1, 2):
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream)
    with sandbox():
        complaint("command", b"")  # so that all is imported
        bounded()
        print("ready", file=answers)
        for i in range(first, end):
            print(" ".join(complaint(name, made(name, seed, i)).split()), file=answers)


if __name__ == "__main__":
    if len(sys.argv) == 5:
        main(sys.argv[1], *map(int, sys.argv[2:]))
    else:
        raise SystemExit(f"give TARGET SEED FIRST END; TARGET is one of {', '.join(TARGETS)}")
