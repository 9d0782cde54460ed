"""Whether data are read into memory, or stream: by what they take there, and what is free."""

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from ...basics.errors import InvalidValue, OutOfMemory, in_bytes, room_needed

AUTO, ALWAYS, NEVER = STREAMS = "auto", "always", "never"
TIMES = 3  # what data take at most beside what they are held in: as they are read, split and scaled
SEEKABLE = "write it as HDF5, .npy files or .parquet, which stream (docs/data.md)"


class Way(NamedTuple):
    """How data are to be read: `mode` is one of STREAMS, or None for a program that wants arrays; `cant` says why they
    can't stream, and what helps, "" where they can."""

    mode: str | None = None
    cant: str = ""

    def unless(self, cant: str) -> "Way":
        """The same, but for that reason, where there is one and no other."""
        return self._replace(cant=self.cant or cant)

    def why(self, path: Path, held: int) -> str | None:
        """Why the data in a file, which memory would hold in so many bytes, are to stream; None where they are to be
        read into it. Raises InvalidValue where they are asked to stream and can't, OutOfMemory where they have to and
        can't."""
        if self.mode == ALWAYS:
            if self.cant:
                raise InvalidValue(f"it can't stream: {self.cant}; or leave --stream always out")
            return "as --stream always asks for"
        room = free() if self.mode == AUTO else None
        if room is None or TIMES * held <= room:
            return None
        short = f"in memory they may take {in_bytes(TIMES * held)} while they are read, and {in_bytes(room)} are free"
        if self.cant:
            raise OutOfMemory(f"{path} is too large to be read ({short}), and can't stream: {self.cant}")
        return short

    @contextmanager
    def into_memory(self, path: Path, held: int = 0) -> Iterator[None]:
        """For what reads a file, whose data memory would hold in so many bytes, as a whole: tells what helps where
        there is no memory."""
        self.why(path, held)
        with room_needed(self._remedy, f"what {path} holds"):
            yield

    @property
    def _remedy(self) -> str:
        if self.cant:
            return self.cant
        if self.mode is None:
            return "hand its path to gpufa.train, which leaves on the disk what is too large"
        return "leave --stream never out" if self.mode == NEVER else "leave it on the disk with --stream always"


IN_MEMORY = Way()


def free(root: Path = Path("/")) -> int | None:
    """Bytes of memory that this process may still take; None where the system doesn't tell."""
    found = [*_limits(), *_of_groups(root), *_of_machine(root)]
    return max(0, min(found)) if found else None


def _limits() -> Iterator[int]:
    """What `ulimit -v` leaves."""
    with suppress(ImportError, OSError, ValueError):
        import resource

        limit = resource.getrlimit(resource.RLIMIT_AS)[0]
        if limit != resource.RLIM_INFINITY:
            pages = int(Path("/proc/self/statm").read_text().split()[0])
            yield limit - pages * resource.getpagesize()


def _of_groups(root: Path) -> Iterator[int]:
    """What the control groups leave that this process is in, of either version; pages of files give way."""
    with suppress(OSError):
        for line in (root / "proc/self/cgroup").read_text().splitlines():
            _, controllers, own = line.split(":", 2)
            old = "memory" in controllers.split(",")
            if controllers and not old:
                continue
            mount = root / "sys/fs/cgroup" / ("memory" if old else "")
            limit, usage, files = (
                ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file")
                if old
                else ("memory.max", "memory.current", "inactive_file")
            )
            for group in (PurePosixPath(own), *PurePosixPath(own).parents):
                folder = mount / str(group).lstrip("/")
                with suppress(OSError, ValueError):
                    least = int((folder / limit).read_text()) - int((folder / usage).read_text())
                    found = re.search(rf"^{files} (\d+)$", (folder / "memory.stat").read_text(), re.MULTILINE)
                    yield least + (int(found[1]) if found else 0)


def _of_machine(root: Path) -> Iterator[int]:
    with suppress(OSError):
        found = re.search(r"^MemAvailable: +(\d+) kB$", (root / "proc/meminfo").read_text(), re.MULTILINE)
        if found:
            yield int(found[1]) * 1024
            return
    with suppress(AttributeError, ValueError, OSError):  # all there is
        yield os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
