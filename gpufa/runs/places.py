"""Folders for runs: one of its own for each, taken by one process at a time, and gone where nothing came of it."""

import errno
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

from ..basics import files
from ..basics.errors import FileProblem, warn

LOCK = ".lock"
PATIENCE = 0.3  # seconds in which another process, that merely looks, lets a lock go
LOCKLESS = errno.ENOLCK, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS
MOST = 10**6  # folders of one name


@contextmanager
def claimed(name: str) -> Iterator[Path]:
    """runs/NAME, made for this process alone, with a number behind it where that is there already.

    Making a folder is one step for any number of processes, on network file systems too. Raises FileProblem where it
    can't be made.
    """
    out = _new_folder(name)
    try:
        yield out
    finally:
        _leave([out, out.parent])


def _new_folder(name: str) -> Path:
    for n in range(1, MOST):
        path = Path("runs") / (name if n == 1 else f"{name}-{n}")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.mkdir()
        except FileExistsError:
            if not path.parent.is_dir():
                raise FileProblem("'runs' is no folder; give another --out") from None
        except FileNotFoundError:  # another process has just taken away runs/, which was empty
            continue
        except OSError as error:
            where = f"run folder {str(path)!r}"
            raise FileProblem(f"{where} can't be made ({error.strerror}); give another --out") from error
        else:
            return path
    raise FileProblem(f"there are {MOST} runs of the name {name!r}; give another --out")


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """A run's folder, made where there is none, for this process alone, by a lock on PATH/.lock; what was made is taken
    away again where nothing is written into it.

    Raises FileProblem where another process has it, or it can't be written. Where a file system knows no locks, that
    is told, and there is none.
    """
    lock = FileLock(path / LOCK, timeout=PATIENCE)
    where, made = f"run folder {str(path)!r}", [one for one in (path, *path.parents) if not one.exists()]
    try:
        path.mkdir(parents=True, exist_ok=True)
        lock.acquire()
        files.clear(path)
    except Timeout:
        raise FileProblem(f"{where} is in use by another process; wait for its end, or give another --out") from None
    except OSError as error:
        if error.errno not in LOCKLESS:
            what = f"{where}'s {LOCK}" if str(error.filename).endswith(LOCK) else where
            raise FileProblem(f"{what} can't be written ({error.strerror}); give another --out") from error
        warn(f"{where} can't be locked ({error.strerror}); see to it that no other process trains there")
    try:
        yield
    finally:
        _leave(made)
        lock.release()


def in_use(path: Path) -> bool:
    """Whether a process trains in that folder, as far as its lock tells."""
    if not (path / LOCK).exists():
        return False
    try:
        with FileLock(path / LOCK, blocking=False):
            return False
    except Timeout:
        return True
    except OSError:
        return False


def _leave(made: list[Path]) -> None:
    """Take away those folders, the innermost first, that hold nothing, or nothing but a lock."""
    with suppress(OSError):
        for folder in made:
            if [file.name for file in folder.iterdir()] == [LOCK]:
                (folder / LOCK).unlink()
            folder.rmdir()
