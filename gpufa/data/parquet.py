"""Parquet files, by PyArrow, where it is installed (pip install 'gpufa[parquet]')."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from ..basics.errors import FileProblem
from .about import Names
from .arrayfiles import check_there
from .columns import Roles
from .table import Table
from .tables import frame_of

ENDING = ".parquet"


def read_parquet(path: Path, choose: Callable[[Names | None, int], Roles]) -> Table:
    """The table in the file, its columns in the roles that `choose` gives them.

    Raises FileProblem for a file that is none, and where PyArrow is missing; InvalidValue as Frame.table does.
    """
    check_there(path)
    found: Any
    try:
        import pyarrow
        import pyarrow.parquet

        with path.open("rb") as file:  # what is open already is one file, never a folder of them or an address
            found = pyarrow.parquet.read_table(file)
    except ImportError:
        raise FileProblem(
            f"{path} is read by PyArrow, which is not installed; pip install 'gpufa[parquet]', or save it as .csv"
        ) from None
    except (pyarrow.ArrowException, OSError) as error:
        raise FileProblem(f"{path} can't be read ({error}); write its table anew") from None
    frame = frame_of(found)
    if not frame or not frame.names or not found.num_rows:
        raise FileProblem(f"{path} has no rows of columns; give one row per sample")
    return frame.table(choose)
