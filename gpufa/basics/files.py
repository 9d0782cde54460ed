"""Files that are there whole, or as they were before."""

import errno
import os
import secrets
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from .errors import FileProblem, GpufaError


def write(path: str | Path, content: bytes | memoryview | str, what: str, remedy: str) -> None:
    """Put `content`, text as UTF-8, at `path`, as `write_parts` does."""
    write_parts(path, [content], what, remedy)


def write_parts(path: str | Path, parts: Iterable[bytes | memoryview | str], what: str, remedy: str) -> None:
    """Put parts, one behind the other, text as UTF-8, at `path`, in one step or not at all, and see it onto the disk.

    It is written to a file beside `path` that takes its place when all of it is on the disk; what `path` links to is
    replaced, not the link. Raises FileProblem, "{what} 'path' can't be written (reason); {remedy}"; what stood there
    before is whole then.
    """
    try:
        goal = Path(os.path.realpath(path))
        if _is_a_stream(Path(path)):
            with open(path, "wb") as file:
                file.writelines(map(_bytes, parts))
            return
        if goal.exists() and not os.access(goal, os.W_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
        half = goal.with_name(f".{secrets.token_hex(8)}.tmp")
        try:
            with open(half, "xb") as file:
                with suppress(FileNotFoundError):
                    os.chmod(half, goal.stat().st_mode & 0o777)
                file.writelines(map(_bytes, parts))
                file.flush()
                os.fsync(file.fileno())
            os.replace(half, goal)
        except BaseException:
            with suppress(OSError):
                os.unlink(half)
            raise
    except GpufaError:  # of what makes the parts
        raise
    except OSError as error:
        raise FileProblem(f"{what} {str(path)!r} can't be written ({error.strerror or error}); {remedy}") from error
    try:
        _sync(goal.parent)
    except OSError as error:
        raise FileProblem(
            f"{what} {str(path)!r} is written, but may not outlast a power cut ({error.strerror or error}); {remedy}"
        ) from error


def clear(folder: Path) -> None:
    """Take away what processes that were killed have left half-written. Raises OSError where it stays."""
    for half in folder.glob(f".{'[0-9a-f]' * 16}.tmp"):
        half.unlink(missing_ok=True)


def _is_a_stream(path: Path) -> bool:
    """Whether nothing can take the place of what is there: a device, a pipe, an open file of a process."""
    return path.exists() and (path.absolute().is_relative_to("/dev") or not (path.is_file() or path.is_dir()))


def _bytes(content: bytes | memoryview | str) -> bytes | memoryview:
    return content.encode() if isinstance(content, str) else content


def _sync(folder: Path) -> None:
    """See the new name onto the disk too, where the system knows how to."""
    if os.name != "posix" or not os.access(folder, os.R_OK):
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):
            raise
    finally:
        os.close(handle)


def cache_folder() -> Path:
    """Where what can be had again is kept: ~/.cache/gpufa on Linux."""
    import platformdirs

    return platformdirs.user_cache_path("gpufa")
