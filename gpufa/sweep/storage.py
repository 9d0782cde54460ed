"""Where Optuna keeps the trials: a file in the study's folder, or a database."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from filelock import FileLock, Timeout

from ..basics.errors import FileProblem, GpufaError, InvalidValue

if TYPE_CHECKING:
    from optuna.storages import BaseStorage

SQLITE, JOURNAL = "sqlite", "journal"
WAIT = 60.0  # seconds for another worker that writes


@contextmanager
def optuna_at_hand() -> Iterator[Any]:
    """Optuna, which says nothing meanwhile but through us. Raises InvalidValue where it can't be imported."""
    try:
        import optuna
    except ImportError as error:
        raise InvalidValue(f"gpufa sweep needs Optuna ({error}); pip install 'gpufa[sweep]'") from None
    before = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
            yield optuna
    finally:
        optuna.logging.set_verbosity(before)


def opened(where: str, folder: Path) -> "BaseStorage":
    """The storage of that name in a study's folder, or of that URL. Raises FileProblem where it can't be reached."""
    from optuna.storages import JournalStorage, RDBStorage
    from optuna.storages.journal import JournalFileBackend

    with reached(where):
        if where == JOURNAL:
            path = str(folder / "study.journal")
            # The system's own lock, which ends with its process: Optuna's would wait half a minute after a kill.
            lock: Any = FileLock(f"{path}.lock")
            return JournalStorage(JournalFileBackend(path, lock_obj=lock))
        if where == SQLITE:
            waiting = {"connect_args": {"timeout": WAIT}}
            return RDBStorage(f"sqlite:///{folder / 'study.db'}", engine_kwargs=waiting)
        if "://" not in where:
            raise InvalidValue(
                f"unknown storage {where!r}; choose {SQLITE}, {JOURNAL}, or a database as SQLAlchemy names it,"
                " postgresql://user@host/name"
            )
        return RDBStorage(where, engine_kwargs={"pool_pre_ping": True})


@contextmanager
def reached(where: str) -> Iterator[None]:
    """For whatever goes to the storage: where that fails, raises FileProblem."""
    from optuna.exceptions import OptunaError
    from sqlalchemy.exc import SQLAlchemyError

    try:
        yield
    except GpufaError:
        raise
    except (SQLAlchemyError, OptunaError, ImportError, OSError) as error:
        cause = " ".join(str(getattr(error, "orig", None) or error).split())
        raise FileProblem(
            f"the storage {without_password(where)!r} can't be reached ({type(error).__name__}: {cause}); see to it, or"
            " give --storage, and the same command goes on"
        ) from error


def without_password(where: str) -> str:
    """The storage as it may be shown."""
    from sqlalchemy.engine import make_url
    from sqlalchemy.exc import ArgumentError

    try:
        return make_url(where).render_as_string(hide_password=True)
    except ArgumentError:
        return where


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Within it no other worker takes a trial in that folder. Raises FileProblem where that can't be had."""
    lock = FileLock(folder / ".lock", timeout=WAIT)
    try:
        lock.acquire()
    except Timeout:
        raise FileProblem(
            f"another worker has kept {str(folder)!r} for {WAIT:g} s, in which a trial is taken; see whether it hangs"
        ) from None
    except OSError as error:
        raise FileProblem(
            f"the study's folder {str(folder)!r} can't be locked ({error.strerror}), so that workers would take the"
            " same trials; give --out on a file system with locks"
        ) from error
    try:
        yield
    finally:
        lock.release()


def held(path: Path) -> FileLock | None:
    """A lock on what one worker does alone, as long as it lives; None where another has it."""
    lock = FileLock(path, blocking=False)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        lock.acquire()
    except Timeout:
        return None
    except OSError as error:
        raise FileProblem(f"{str(path)!r} can't be locked ({error.strerror}); see to the study's folder") from error
    return lock
