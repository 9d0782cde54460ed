"""Files that are there whole, or as they were before."""

import errno
import os
import secrets
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from .errors import FileProblem, GpufaError

Content = bytes | memoryview | str | Iterable[bytes | memoryview | str]


def write(path: str | Path, content: Content, what: str, remedy: str) -> None:
    """Put `content`, text as UTF-8, or the parts of it, at `path`, in one step or not at all, and see it onto the disk.

    It is written to a file beside `path` that takes its place when all of it is on the disk; what `path` links to is
    replaced, not the link. Raises FileProblem, "{what} 'path' can't be written (reason); {remedy}"; what stood there
    before is whole then.
    """
    try:
        goal = Path(os.path.realpath(path))
        if _is_a_stream(Path(path)):
            with open(path, "wb") as stream:
                stream.writelines(_parts(content))
            return
        if goal.exists() and not os.access(goal, os.W_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
        half = goal.with_name(f".{secrets.token_hex(8)}.tmp")
        try:
            with open(half, "xb") as file:
                with suppress(FileNotFoundError):
                    os.chmod(half, goal.stat().st_mode & 0o777)
                file.writelines(_parts(content))
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


def check_unused(folder: Path, names: Iterable[str], by: str, remedy: str) -> None:
    """Raises FileProblem where the folder has files of these names, which `by` would write over."""
    if there := [name for name in names if (folder / name).is_file()]:
        raise FileProblem(f"{str(folder)!r} holds {' and '.join(there)}, which {by} would write over; {remedy}")


def clear(folder: Path) -> None:
    """Take away what processes that were killed have left half-written. Raises OSError where it stays."""
    for half in folder.glob(f".{'[0-9a-f]' * 16}.tmp"):
        half.unlink(missing_ok=True)


def _is_a_stream(path: Path) -> bool:
    """Whether nothing can take the place of what is there: a device, a pipe, an open file of a process."""
    return path.exists() and (path.absolute().is_relative_to("/dev") or not (path.is_file() or path.is_dir()))


def _parts(content: Content) -> Iterable[bytes | memoryview]:
    parts = [content] if isinstance(content, bytes | memoryview | str) else content
    return (part.encode() if isinstance(part, str) else part for part in parts)


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
