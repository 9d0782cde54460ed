"""What may be wrong with the folder of data sets."""

import os
import shlex
from collections.abc import Iterator
from pathlib import Path

from ...basics.errors import FileProblem
from ...basics.finding import Finding
from .namedsets import DATASETS


def checks() -> Iterator[Finding]:
    """$GPUFA_DATA, and the named sets in it."""
    what, root = "data folder", os.environ.get("GPUFA_DATA")
    if not root:
        yield Finding(what, "GPUFA_DATA is not set: data sets are kept in the cache folder")
        return
    folder = Path(root).expanduser()
    if not folder.is_dir():
        why = "data sets are looked for there before they are downloaded"
        yield Finding(what, f"GPUFA_DATA={root} is no folder", why, "unset GPUFA_DATA", weighs=True)
        return
    whole = []
    for name, row in DATASETS.items():
        if row.form.downloads and (own := folder / name).is_dir():
            try:
                state = f"{own} lacks {missing}" if (missing := row.form.lacks(own)) else ""
            except FileProblem as problem:
                state = str(problem)
            if state:
                mend = f"mv {shlex.quote(str(own))} {shlex.quote(str(own))}.incomplete"
                why = f"--data {name} is refused; without the folder it is downloaded"
                yield Finding(what, state, why, mend, weighs=True)
            else:
                whole.append(name)
    yield Finding(what, f"{folder}, with {', '.join(whole) or 'none of the named sets'}")
